"""One replica of the service: its name, and where the others reach it."""

import hmac
import os
import secrets
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from snnlab.errors import ConfigError

__all__ = ["Replica", "ReplicaSettings", "listening"]

_NOWHERE = "-"


@dataclass(frozen=True)
class Replica:
    """A process that serves. ``http`` is a URL without a path, ``grpc`` host and port; empty where it has none.

    What it owns is written under ``owner``, so that whoever reads a lease knows where to ask. Calls to that address
    carry the service's key, so the text is sealed with it: who can write to the store, but has no key, sends nobody
    anywhere.

    >>> Replica("pod-1:7:ab", "http://10.0.0.5:3000", "10.0.0.5:3001").owner
    'pod-1:7:ab http://10.0.0.5:3000 10.0.0.5:3001 -'
    >>> here = Replica("here", key=SecretStr("secret"))
    >>> there = Replica("there", "http://10.0.0.6:3000", key=SecretStr("secret"))
    >>> here.peer(there.owner).http, here.peer("there http://evil.example:80 - -").http
    ('http://10.0.0.6:3000', '')
    """

    name: str
    http: str = ""
    grpc: str = ""
    key: SecretStr | None = field(default=None, repr=False, compare=False)

    @classmethod
    def here(cls, http: str = "", grpc: str = "", key: SecretStr | None = None) -> Self:
        """This process, under a name that no other has."""
        return cls(f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}", http, grpc, key)

    def peer(self, owner: str) -> "Replica":
        """The replica that an owner's text names, without addresses where they are not sealed with the same key.

        One of another kind, such as a worker's, has none.
        """
        parts = owner.split(" ")
        if len(parts) != 4:
            return Replica(owner)
        http, grpc = ("" if part == _NOWHERE else part for part in parts[1:3])
        told = Replica(parts[0], http, grpc, self.key)
        return told if hmac.compare_digest(told.owner.encode(), owner.encode()) else Replica(parts[0])

    @property
    def owner(self) -> str:
        """The text of its leases."""
        told = " ".join([self.name, self.http or _NOWHERE, self.grpc or _NOWHERE])
        key = self.key.get_secret_value() if self.key else ""
        return f"{told} {hmac.digest(key.encode(), told.encode(), 'sha256').hex() if key else _NOWHERE}"


class ReplicaSettings(BaseSettings):
    """``SNNLAB_ADVERTISE``, ``SNNLAB_LEASE_S``, ``SNNLAB_PEER_CA`` and the key that replicas share.

    >>> ReplicaSettings(advertise="10.0.0.5").addresses(("0.0.0.0", 3000), 3001)
    ('http://10.0.0.5:3000', '10.0.0.5:3001')
    >>> ReplicaSettings(advertise="https://pod-1.snn:8443").addresses(("0.0.0.0", 3000), 0)
    ('https://pod-1.snn:8443', '')
    >>> ReplicaSettings().addresses(("127.0.0.1", 3000), 3001)
    ('http://127.0.0.1:3000', '127.0.0.1:3001')
    >>> ReplicaSettings().addresses(None, 3001)
    ('', '')
    """

    model_config = SettingsConfigDict(env_prefix="SNNLAB_", extra="ignore", frozen=True, populate_by_name=True)

    advertise: str | None = Field(
        default=None, min_length=1, description="Host, or URL, under which the other replicas reach this one"
    )
    lease_s: float = Field(default=10.0, ge=1.0, description="Seconds after which a silent replica loses what it owns")
    peer_ca: Path | None = Field(default=None, description="PEM file of who signs the replicas' certificates")
    key: SecretStr | None = Field(default=None, validation_alias="SNNLAB_API_KEY", description="The service's key")

    @classmethod
    def load(cls) -> "ReplicaSettings":
        """As the environment says. Raises ConfigError for what cannot be used."""
        try:
            found = cls()
        except ValidationError as error:
            told = "; ".join(
                f"{'.'.join(map(str, part['loc']))}: {part['msg']}, got {part['input']!r}" for part in error.errors()
            )
            raise ConfigError(f"the replica's settings cannot be used: {told}; change the SNNLAB_* it names") from error
        found.addresses(None, 0)
        return found

    def addresses(self, listening: tuple[str, int] | None, grpc_port: int) -> tuple[str, str]:
        """Where others reach it over HTTP and gRPC: as advertised, else where it listens; empty where nobody can.

        Raises ConfigError for an address that is none.
        """
        if self.advertise is None and listening is None:
            return "", ""
        said = urlsplit(self._said(listening))
        try:
            port = said.port or (listening[1] if listening else 0)
        except ValueError as error:
            raise self._wrong() from error
        if said.scheme not in {"http", "https"} or not said.hostname or said.path.strip("/") or said.query:
            raise self._wrong()
        host = f"[{said.hostname}]" if ":" in said.hostname else said.hostname
        return f"{said.scheme}://{host}:{port}" if port else "", f"{host}:{grpc_port}" if grpc_port else ""

    def _said(self, listening: tuple[str, int] | None) -> str:
        if self.advertise is None:
            host = listening[0] if listening else ""
            everywhere = host in {"0.0.0.0", "::", ""}  # noqa: S104 - a name that others can ask is needed
            host = socket.gethostname() if everywhere else host
        elif "://" in self.advertise:
            return self.advertise
        else:
            host = self.advertise
        return f"http://[{host}]" if host.count(":") > 1 and not host.startswith("[") else f"http://{host}"

    def _wrong(self) -> ConfigError:
        return ConfigError(
            f"SNNLAB_ADVERTISE {self.advertise!r} is no address of this replica; give a host such as 10.0.0.5, "
            "or a URL such as http://10.0.0.5:3000"
        )


def listening(arguments: list[str] | None = None) -> tuple[str, int] | None:
    """Host and port that this process serves; None where that cannot be told. BentoML hands it the socket, ``--fd``."""
    arguments = sys.argv if arguments is None else arguments
    try:
        descriptor = int(arguments[arguments.index("--fd") + 1])
        with socket.socket(fileno=os.dup(descriptor)) as found:
            name = found.getsockname()
    except (ValueError, IndexError, OSError):
        return None
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None
