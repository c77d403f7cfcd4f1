"""Who may call: those that REST answers, by the same Guard. Health checks are free, as the probes of REST are."""

from collections.abc import Awaitable, Callable

import grpc

from snnlab.serving.auth import Guard
from snnlab.serving.journal import refused

__all__ = ["KeyInterceptor"]

_FREE = "/grpc.health.v1.Health/"

_Continue = Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]]


class KeyInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpc has no types
    """Answers UNAUTHENTICATED to what a Guard refuses."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def intercept_service(
        self, continuation: _Continue, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler:
        """The method that was asked for, or one that refuses."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(_FREE):
            return handler
        given = {str(name): str(value) for name, value in handler_call_details.invocation_metadata}
        # A web page cannot speak gRPC, so that there is no rebound name to ask about.
        refusal = self._guard.refusal({"authorization": given.get("authorization", ""), "host": "localhost"})
        if refusal is None:
            return handler
        refused("grpc", handler_call_details.method, grpc.StatusCode.UNAUTHENTICATED.name)
        return _refusing(handler, refusal)


def _refusing(handler: grpc.RpcMethodHandler, refusal: str) -> grpc.RpcMethodHandler:
    async def unary(_: object, context: grpc.aio.ServicerContext) -> None:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, refusal)

    if not handler.response_streaming:
        make = (
            grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
        )
    else:
        make = (
            grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        )
    return make(unary, handler.request_deserializer, handler.response_serializer)
