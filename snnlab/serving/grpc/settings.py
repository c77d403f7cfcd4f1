"""Where the gRPC interface listens, who may ask, and how much one message may carry, from the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from snnlab.errors import ConfigError
from snnlab.serving.auth import bound_to_loopback

__all__ = ["GrpcSettings"]


class GrpcSettings(BaseSettings):
    """``SNNLAB_GRPC_*``, and the service's key.

    >>> GrpcSettings(port=3001).address
    '127.0.0.1:3001'
    """

    model_config = SettingsConfigDict(env_prefix="SNNLAB_GRPC_", extra="ignore", frozen=True, populate_by_name=True)

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on")
    port: int = Field(default=3001, ge=0, le=65535, description="Port to listen on; 0 in the environment: none at all")
    tls_cert: Path | None = Field(default=None, description="PEM file of the certificate chain")
    tls_key: Path | None = Field(default=None, description="PEM file of the certificate's private key")
    key: SecretStr | None = Field(default=None, validation_alias="SNNLAB_API_KEY", description="The service's key")
    message_bytes: int = Field(default=16 * 2**20, gt=0, description="Bytes that one message may have")
    events: int = Field(default=100_000, gt=0, description="Events that one message may hold")

    @model_validator(mode="after")
    def _both_of_tls(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("give both SNNLAB_GRPC_TLS_CERT and SNNLAB_GRPC_TLS_KEY, or neither")
        return self

    @property
    def address(self) -> str:
        """Host and port, as gRPC wants them."""
        return f"{self.bracketed}:{self.port}"

    @property
    def bracketed(self) -> str:
        """The host, an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @classmethod
    def load(cls) -> "GrpcSettings":
        """As the environment says; without a host, loopback where REST listens there only, else every address.

        Raises ConfigError for what cannot be used.
        """
        try:
            found = cls()
        except ValidationError as error:
            told = "; ".join(
                f"{'.'.join(map(str, part['loc']))}: {part['msg']}, got {part['input']!r}" for part in error.errors()
            )
            raise ConfigError(
                f"the gRPC settings cannot be used: {told}; change the SNNLAB_GRPC_* that it names"
            ) from error
        if "host" in found.model_fields_set or bound_to_loopback():
            return found
        return found.model_copy(update={"host": "0.0.0.0"})  # noqa: S104 - REST is reachable from everywhere, too; Guard asks for the key
