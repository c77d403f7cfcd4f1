"""The other replicas, asked over HTTP with the service's own key: one hop, and never on to a third."""

import json
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from snnlab.logs import logger
from snnlab.serving.metrics import Snapshot
from snnlab.serving.model_card import ModelCard
from snnlab.serving.replica import Replica, ReplicaSettings

if TYPE_CHECKING:
    import httpx

__all__ = ["FORWARDED", "Peers"]

T = TypeVar("T")

FORWARDED = "snnlab-forwarded"
"""The header, and the key of gRPC's metadata, that a forwarded call carries: whoever gets it answers it itself."""

_CONNECT_S = 0.5
_ANSWER_S = 1.5  # less than a request of ours may take, so that a silent replica is left out of the answer


class Peers:
    """Asks other replicas. One that does not answer is left out, and told of in the log. Use it from any thread."""

    def __init__(self, here: Replica, settings: ReplicaSettings | None = None) -> None:
        self.here = here
        self.settings = settings or ReplicaSettings()
        self._lock = Lock()
        self._client: httpx.Client | None = None
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="snnlab-peer")

    @property
    def headers(self) -> dict[str, str]:
        """What a call to another replica carries."""
        key = self.settings.key
        known = {"authorization": f"Bearer {key.get_secret_value()}"} if key and key.get_secret_value() else {}
        return {FORWARDED: self.here.name, **known}

    def options(self, answer_s: float) -> dict[str, Any]:
        """What an HTTP client of this process is made with: never through a proxy, and to whom it trusts only."""
        import httpx

        ca = self.settings.peer_ca
        verify = ssl.create_default_context(cafile=str(ca)) if ca else True
        timeout = httpx.Timeout(answer_s, connect=_CONNECT_S)
        return {"trust_env": False, "timeout": timeout, "verify": verify, "headers": self.headers}

    def cards(self, peers: list[Replica]) -> list[ModelCard]:
        """The models that other replicas own, as they are now."""
        found = self._pool.map(lambda peer: self._ask(peer, "models", _cards), peers)
        return [card for cards in found for card in cards or ()]

    def card(self, peer: Replica, model_id: str) -> ModelCard | None:
        """A model as the replica that owns it tells of it; None where it does not answer or owns it no more."""
        return self._ask(peer, f"models/{quote(model_id, safe='')}", ModelCard.read)

    def snapshots(self, peers: list[Replica]) -> dict[str, Snapshot]:
        """What other replicas measured, by their names."""
        found = self._pool.map(lambda peer: self._ask(peer, "metrics", Snapshot.model_validate_json), peers)
        return {peer.name: told for peer, told in zip(peers, found, strict=True) if told is not None}

    def close(self) -> None:
        """Let go of connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _ask(self, peer: Replica, path: str, read: Callable[[bytes], T]) -> T | None:
        """What a replica answers; None where it does not, or not in a form that is known here: of another version."""
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.Client(**self.options(_ANSWER_S))
        try:
            answer = self._client.get(f"{peer.http}/internal/{path}")
            if answer.status_code == httpx.codes.OK:
                return read(answer.content)
            why = f"status {answer.status_code}"
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            why = str(error) or type(error).__name__
        logger("snnlab.serving").info("a replica does not tell", replica=peer.name, path=path, reason=why)
        return None


def _cards(content: bytes) -> list[ModelCard]:
    return [ModelCard.told(one) for one in json.loads(content)]
