"""A gRPC server on the event loop that it is started on: the service, health checks, and reflection."""

from pathlib import Path
from typing import Self

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from snnlab import tracing
from snnlab.errors import ConfigError
from snnlab.serving.application import Application
from snnlab.serving.auth import Guard, is_loopback
from snnlab.serving.grpc.forwarding import Channels
from snnlab.serving.grpc.key import KeyInterceptor
from snnlab.serving.grpc.service import NAME, Neuromorphic
from snnlab.serving.grpc.settings import GrpcSettings
from snnlab.serving.grpc.traced import TraceInterceptor

__all__ = ["GrpcServer"]

_GRACE_S = 2.0


class GrpcServer:
    """A server that listens. ``port`` is the one it has, which is another than asked for where that was 0."""

    def __init__(
        self, server: grpc.aio.Server, checks: health.aio.HealthServicer, port: int, channels: Channels
    ) -> None:
        self.port = port
        self._channels = channels
        self._server = server
        self._checks = checks

    @classmethod
    async def start(cls, application: Application, settings: GrpcSettings) -> Self:
        """Listen as the settings say. Raises ConfigError for an address or a certificate that cannot be used."""
        guard = Guard(settings.key, loopback=is_loopback(settings.bracketed))
        server = grpc.aio.server(
            interceptors=[KeyInterceptor(guard), *([TraceInterceptor()] if tracing.enabled() else [])],
            options=[
                ("grpc.max_receive_message_length", settings.message_bytes),
                ("grpc.max_send_message_length", settings.message_bytes),
                ("grpc.so_reuseport", 0),  # two services on one port would each get half of the calls
            ],
        )
        channels = Channels(application, settings)
        service = Neuromorphic(application, settings.events, channels).handler()
        server.add_generic_rpc_handlers((service,))
        checks = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)
        names = (NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        port = _listen(server, settings)
        await server.start()
        for name in ("", NAME):
            await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
        return cls(server, checks, port, channels)

    async def stop(self) -> None:
        """Take no more calls, and wait a moment for those under way."""
        await self._checks.enter_graceful_shutdown()
        await self._server.stop(_GRACE_S)
        await self._channels.close()


def _listen(server: grpc.aio.Server, settings: GrpcSettings) -> int:
    address = settings.address
    try:
        if settings.tls_cert is None or settings.tls_key is None:
            return int(server.add_insecure_port(address))
        pair = (_pem(settings.tls_key), _pem(settings.tls_cert))
        return int(server.add_secure_port(address, grpc.ssl_server_credentials([pair])))
    except RuntimeError as error:
        raise ConfigError(
            f"gRPC cannot listen on {address}: {error}; choose another SNNLAB_GRPC_PORT (0 for none), "
            "or end what listens there"
        ) from error


def _pem(place: Path) -> bytes:
    try:
        content = place.read_bytes()
    except OSError as error:
        raise ConfigError(f"{place} cannot be read: {error.strerror}; give the PEM files of gRPC's TLS") from error
    if b"-----BEGIN" not in content:
        raise ConfigError(f"{place} is no PEM file; give one that begins with -----BEGIN")
    return content
