"""Where an Ignite cluster is, and how one gets in: from the store's URL and from ``SNNLAB_IGNITE_*``."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from snnlab.errors import ConfigError

__all__ = ["Address", "IgniteSettings"]

_PORT = 10800
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_FORM = "ignite://HOST:PORT[,HOST:PORT][/NAME], or ignite+ssl://, with a NAME of letters, digits and '_'"


class IgniteSettings(BaseSettings):
    """What does not belong into a URL: ``SNNLAB_IGNITE_USER``, ``_PASSWORD`` and the files of TLS."""

    model_config = SettingsConfigDict(env_prefix="SNNLAB_IGNITE_", frozen=True)

    user: str | None = Field(default=None, description="user name")
    password: SecretStr | None = Field(default=None, description="password")
    ca: Path | None = Field(default=None, description="PEM file of the authorities that are trusted, for ignite+ssl")
    certificate: Path | None = Field(default=None, description="PEM file of this client's certificate")
    key: Path | None = Field(default=None, description="PEM file of this client's private key")


@dataclass(frozen=True)
class Address:
    """A parsed URL with its settings; the tables of a store begin with ``name``.

    >>> there = Address.of("ignite://a:10800,b/live", IgniteSettings())
    >>> there.nodes, there.name
    ((('a', 10800), ('b', 10800)), 'live')
    """

    url: str
    nodes: tuple[tuple[str, int], ...]
    name: str
    tls: bool
    settings: IgniteSettings

    @classmethod
    def of(cls, url: str, settings: IgniteSettings) -> "Address":
        """Raises ConfigError for a URL that cannot be used."""
        parts = urlsplit(url)
        name = parts.path.strip("/") or "snnlab"
        hosts = [host.rpartition(":") if ":" in host else (host, "", "") for host in parts.netloc.split(",")]
        sound = all(host and (port.isdecimal() or not colon) for host, colon, port in hosts)
        if parts.scheme not in {"ignite", "ignite+ssl"} or not sound or not _NAME.fullmatch(name) or parts.query:
            raise ConfigError(f"{url!r} names no Ignite store; write {_FORM}")
        nodes = tuple((host, int(port or _PORT)) for host, _, port in hosts)
        return cls(url, nodes, name, parts.scheme == "ignite+ssl", settings)

    def client_options(self) -> dict[str, Any]:
        """Options of ``pyignite.Client``; TLS is not among them, see ``TlsClient``."""
        known = self.settings
        options: dict[str, Any] = {"timeout": 60, "partition_aware": False, "use_ssl": False}
        if known.user is not None and known.password is not None:
            options |= {"username": known.user, "password": known.password.get_secret_value()}
        return options
