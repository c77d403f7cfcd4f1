"""Who may ask: anyone on this machine when the service listens there only, otherwise whoever holds the key.

A service that listens on loopback may be asked without a key, under a loopback name only, so that a web page whose
name was rebound to 127.0.0.1 cannot ask. A service on any other address answers nobody until ``SNNLAB_API_KEY``
holds a key, and then those who send it as ``Authorization: Bearer KEY``. Only the two probes of liveness and readiness,
which tell nothing else, are free, and where there is a key the service's pages, which ask for it: they hold no data.

A WebSocket of a browser cannot carry that header: it may offer the key as a subprotocol instead, beside the one that
is spoken, ``new WebSocket(url, ["snnlab", "snnlab.key." + base64url(KEY)])``. Any page may open a WebSocket to any
address, so that without a key its ``Origin`` must be a page of this machine, too.
"""

import base64
import binascii
import hmac
import ipaddress
import os
import socket
import sys
from http import HTTPStatus
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from snnlab.serving.page import PATHS
from snnlab.serving.problem import Problem, problem_of, respond

__all__ = ["SUBPROTOCOL", "Guard", "KeyGuard", "bound_to_loopback", "guard_from_environment", "is_loopback"]

SUBPROTOCOL = "snnlab"
"""The subprotocol that the service's WebSockets speak."""

_OFFERED_KEY = f"{SUBPROTOCOL}.key."
_PROBES = frozenset({"/livez", "/readyz"})


def is_loopback(host: str) -> bool:
    """Whether an address or a Host header means this machine itself.

    >>> [is_loopback(host) for host in ("127.0.0.1:8080", "localhost", "[::1]:80", "0.0.0.0", "evil.example")]
    [True, True, True, False, False]
    """
    name = host.strip().lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.rpartition(":")[0] or name
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def bound_to_loopback(arguments: list[str] | None = None) -> bool:
    """Whether this process serves a socket that only this machine can reach.

    BentoML hands its worker the listening socket as ``--fd N``; what cannot be read counts as reachable.
    """
    arguments = sys.argv if arguments is None else arguments
    try:
        descriptor = int(arguments[arguments.index("--fd") + 1])
        with socket.socket(fileno=os.dup(descriptor)) as listening:
            return is_loopback_address(listening.getsockname())
    except (ValueError, IndexError, OSError):
        return False


def is_loopback_address(name: object) -> bool:
    """Whether the name of a socket is a loopback address, or a socket in the file system."""
    if isinstance(name, str):
        return True
    return isinstance(name, tuple) and ipaddress.ip_address(str(name[0]).partition("%")[0]).is_loopback


class Guard:
    """Decides who may ask. ``key`` is the service's key, ``loopback`` whether only this machine can reach it.

    >>> Guard(key=None, loopback=True).refusal({"host": "localhost:3000"}) is None
    True
    >>> Guard(key=None, loopback=False).refusal({"host": "localhost:3000"}).partition(";")[0]
    'this service can be reached from other machines and has no key'
    >>> Guard(key=SecretStr("k"), loopback=False).refusal({"authorization": "Bearer k"}) is None
    True
    """

    def __init__(self, key: SecretStr | None, *, loopback: bool) -> None:
        self._key = key.get_secret_value().encode() if key and key.get_secret_value() else None
        self._loopback = loopback

    @property
    def asks_for_key(self) -> bool:
        """Whether there is a key."""
        return self._key is not None

    def refusal(self, headers: dict[str, str]) -> str | None:
        """Why a request with these headers (lower-case names) is refused; None if it is not."""
        if self._key is not None:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            if scheme.lower() == "bearer" and hmac.compare_digest(
                given.strip().encode("latin-1", "replace"), self._key
            ):
                return None
            return "the request carries no valid key; send the service's SNNLAB_API_KEY as 'Authorization: Bearer KEY'"
        if not self._loopback:
            return (
                "this service can be reached from other machines and has no key; "
                "start it with SNNLAB_API_KEY set, or on 127.0.0.1 (bentoml serve … --host 127.0.0.1)"
            )
        if not is_loopback(headers.get("host", "")):
            return "a service without a key is asked as localhost or 127.0.0.1 only; set SNNLAB_API_KEY for other names"
        return None

    def socket_refusal(self, headers: dict[str, str]) -> str | None:
        """The same for a WebSocket, whose key may stand among the subprotocols it offers.

        >>> guard = Guard(key=SecretStr("k"), loopback=False)
        >>> guard.socket_refusal({"sec-websocket-protocol": "snnlab, snnlab.key.aw"}) is None
        True
        >>> Guard(None, loopback=True).socket_refusal({"host": "localhost", "origin": "https://evil.example"})
        'pages of other machines may not open sockets to a service without a key; set SNNLAB_API_KEY'
        """
        if self._key is None and not _of_this_machine(headers.get("origin")):
            return "pages of other machines may not open sockets to a service without a key; set SNNLAB_API_KEY"
        key = _offered_key(headers.get("sec-websocket-protocol", ""))
        if key is not None and "authorization" not in headers:
            return self.refusal({**headers, "authorization": f"Bearer {key}"})
        return self.refusal(headers)


def _of_this_machine(origin: str | None) -> bool:
    """Whether a page is of this machine; what is no page has no origin."""
    return origin is None or is_loopback(urlsplit(origin).netloc.rpartition("@")[2])


def _offered_key(protocols: str) -> str | None:
    for protocol in map(str.strip, protocols.split(",")):
        if protocol.startswith(_OFFERED_KEY):
            coded = protocol.removeprefix(_OFFERED_KEY)
            try:
                return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("latin-1")
            except (binascii.Error, ValueError):
                return None
    return None


def guard_from_environment() -> Guard:
    """The guard of this process: its key is ``SNNLAB_API_KEY``, its address that of the socket that BentoML gave it."""
    key = os.environ.get("SNNLAB_API_KEY", "")
    return Guard(SecretStr(key) if key else None, loopback=bound_to_loopback())


class KeyGuard:
    """ASGI middleware that lets through what a Guard allows; it stands before BentoML's own routes, too."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, close a socket that may not be opened, or pass the call on."""
        if scope["type"] not in {"http", "websocket"} or scope.get("path") in _PROBES:
            await self._app(scope, receive, send)
            return
        if self._guard.asks_for_key and scope["path"] in PATHS and scope.get("method") in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        socket = scope["type"] == "websocket"
        if socket:  # not every server leaves the header among the others
            headers["sec-websocket-protocol"] = ", ".join(scope.get("subprotocols", []))
        refusal = self._guard.socket_refusal(headers) if socket else self._guard.refusal(headers)
        if refusal is None and "\n" in scope["path"] and not socket:
            await _nowhere(scope, receive, send)
        elif refusal is None:
            await self._app(scope, receive, send)
        elif socket:
            await send({"type": "websocket.close", "code": 1008, "reason": "a key is needed"})
        else:
            await _refuse(refusal, scope, receive, send)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """A path with a line feed is none of ours, though patterns of routes may take it for one that ends before it."""
    detail = "there is nothing at a path with a line feed; GET /openapi.json tells every route"
    problem = problem_of(HTTPException(HTTPStatus.NOT_FOUND, detail), scope["path"])
    await respond(problem)(scope, receive, send)


async def _refuse(refusal: str, scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem(
        type="urn:snnlab:problem:unauthorized",
        title="A key is needed",
        status=HTTPStatus.UNAUTHORIZED,
        detail=refusal,
        instance=scope["path"],
    )
    await respond(problem, {"WWW-Authenticate": 'Bearer realm="snnlab"'})(scope, receive, send)
