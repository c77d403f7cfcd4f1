"""Where a Pulsar cluster is, and how one gets in: from the bus's URL and from ``SNNLAB_PULSAR_*``."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from snnlab.errors import ConfigError

__all__ = ["Address", "PulsarSettings"]

_ADMIN_OFFSET = {"pulsar": 8080 - 6650, "pulsar+ssl": 8443 - 6651}
_PORTS = {"pulsar": 6650, "pulsar+ssl": 6651}
_OPTIONS = {"admin", "encoding", "features"}
_FORM = "pulsar://HOST:PORT[/TENANT/NAMESPACE][?admin=http://HOST:PORT&encoding=arrow|avro&features=NAME,NAME]"


class PulsarSettings(BaseSettings):
    """What does not belong into a URL: ``SNNLAB_PULSAR_TOKEN`` and the files of TLS."""

    model_config = SettingsConfigDict(env_prefix="SNNLAB_PULSAR_", frozen=True)

    token: SecretStr | None = Field(default=None, description="JSON web token")
    ca: Path | None = Field(default=None, description="PEM file of the authorities that are trusted, for pulsar+ssl")
    certificate: Path | None = Field(default=None, description="PEM file of this client's certificate")
    key: Path | None = Field(default=None, description="PEM file of this client's private key")
    log: Path = Field(default=Path(os.devnull), description="file for what the client says; what matters is raised")


@dataclass(frozen=True)
class Address:
    """A parsed URL with its settings.

    >>> there = Address.of("pulsar://broker:6650/shop/live?encoding=avro", PulsarSettings())
    >>> there.service, there.admin, there.namespace, there.encoding
    ('pulsar://broker:6650', 'http://broker:8080', 'shop/live', 'avro')
    """

    service: str
    admin: str
    namespace: str
    encoding: Literal["arrow", "avro"]
    features: tuple[str, ...]
    settings: PulsarSettings

    @classmethod
    def of(cls, url: str, settings: PulsarSettings) -> "Address":
        """Raises ConfigError for a URL that cannot be used."""
        parts = urlsplit(url)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        path = parts.path.strip("/") or "public/default"
        encoding = asked.get("encoding", "arrow")
        if parts.scheme not in _PORTS or not parts.netloc or path.count("/") != 1 or set(asked) - _OPTIONS:
            raise ConfigError(f"{url!r} names no Pulsar bus; write {_FORM}")
        if encoding not in {"arrow", "avro"}:
            raise ConfigError(f"{url!r}: encoding {encoding!r}; events are published as arrow or as avro")
        features = tuple(name for name in asked.get("features", "").split(",") if name)
        admin = asked.get("admin") or _admin(parts.scheme, parts.netloc)
        return cls(f"{parts.scheme}://{parts.netloc}", admin, path, encoding, features, settings)  # type: ignore[arg-type]

    def client_options(self) -> dict[str, Any]:
        """Options of ``pulsar.Client``."""
        import pulsar

        files = self.settings
        options: dict[str, Any] = {"operation_timeout_seconds": 20, "connection_timeout_ms": 5000}
        # Not Python's logging: the client's threads outlive its closing, and must not enter an interpreter that ends.
        options["logger"] = pulsar.FileLogger(pulsar.LoggerLevel.Warn, str(files.log))
        if files.token is not None:
            options["authentication"] = pulsar.AuthenticationToken(files.token.get_secret_value())
        if self.service.startswith("pulsar+ssl"):
            options["tls_validate_hostname"] = True
            options["tls_trust_certs_file_path"] = None if files.ca is None else str(files.ca)
            options["tls_certificate_file_path"] = None if files.certificate is None else str(files.certificate)
            options["tls_private_key_file_path"] = None if files.key is None else str(files.key)
        return options


def _admin(scheme: str, hosts: str) -> str:
    """The HTTP interface of the first broker: as far above the broker's port as it is by Pulsar's own defaults."""
    host, _, port = hosts.split(",", maxsplit=1)[0].partition(":")
    at = int(port or _PORTS[scheme]) + _ADMIN_OFFSET[scheme]
    return f"{'https' if scheme == 'pulsar+ssl' else 'http'}://{host}:{at}"
