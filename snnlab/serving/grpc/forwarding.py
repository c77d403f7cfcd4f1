"""Calls for what another replica owns are sent on to it, once, byte for byte."""

from pathlib import Path

import grpc

from snnlab import tracing
from snnlab.errors import OwnedElsewhere
from snnlab.serving.application import Application
from snnlab.serving.grpc.settings import GrpcSettings
from snnlab.serving.peers import FORWARDED

__all__ = ["Channels"]

_ANSWER_S = 10.0


class Channels:
    """One channel to each replica that was asked; with TLS where this one speaks it, trusting its own certificate."""

    def __init__(self, application: Application, settings: GrpcSettings) -> None:
        self._application = application
        self._settings = settings
        self._open: dict[str, grpc.aio.Channel] = {}

    async def ask(self, method: str, content: bytes, context: grpc.aio.ServicerContext, error: OwnedElsewhere) -> bytes:
        """The owner's answer; its status ends this call, too.

        Raises ``error`` where the call was forwarded already, or where the owner cannot be asked.
        """
        owner = self._application.replica.peer(error.owner)
        if not owner.grpc or any(name == FORWARDED for name, _ in context.invocation_metadata() or ()):
            raise error
        call = self._channel(owner.grpc).unary_unary(method)
        beside = (self._application.peers.headers | tracing.headers()).items()  # the owner's span is a child of this
        try:
            answer: bytes = await call(content, timeout=_ANSWER_S, metadata=tuple(beside))
        except grpc.aio.AioRpcError as refused:
            if refused.code() is not grpc.StatusCode.UNAVAILABLE:
                await context.abort(refused.code(), refused.details() or "")
            self._application.disowned(error.model)
            raise error from refused
        return answer

    async def close(self) -> None:
        """Let go of every channel."""
        for channel in self._open.values():
            await channel.close()

    def _channel(self, address: str) -> grpc.aio.Channel:
        if address not in self._open:
            size = self._settings.message_bytes
            options = [
                ("grpc.max_receive_message_length", size),
                ("grpc.max_send_message_length", size),
                ("grpc.enable_http_proxy", 0),
                ("grpc.initial_reconnect_backoff_ms", 200),
                ("grpc.max_reconnect_backoff_ms", 1000),
            ]
            if self._settings.tls_cert is None:
                self._open[address] = grpc.aio.insecure_channel(address, options)
            else:
                trusted = self._trusted(self._settings.tls_cert)
                self._open[address] = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(trusted), options)
        return self._open[address]

    def _trusted(self, own: Path) -> bytes:
        return (self._application.peers.settings.peer_ca or own).read_bytes()
