"""A span around each call over gRPC, child of the caller's, whose context comes as metadata."""

from collections.abc import AsyncIterator, Awaitable, Callable

import grpc

from snnlab import tracing

__all__ = ["TraceInterceptor"]

_FREE = ("/grpc.health.v1.Health/", "/grpc.reflection.")

_Continue = Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]]


class TraceInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpc has no types
    """Stands behind the key, and only where traces are on. A stream has one span, and its messages spans within."""

    async def intercept_service(
        self, continuation: _Continue, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler:
        """The method that was asked for, within a span."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(_FREE):
            return handler
        carrier = {
            str(name): value for name, value in handler_call_details.invocation_metadata if isinstance(value, str)
        }
        if handler.request_streaming and handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(
                _streamed(handler.stream_stream, method, carrier),
                handler.request_deserializer,
                handler.response_serializer,
            )
        if not handler.request_streaming and not handler.response_streaming:
            return grpc.unary_unary_rpc_method_handler(
                _unary(handler.unary_unary, method, carrier), handler.request_deserializer, handler.response_serializer
            )
        return handler


_Unary = Callable[[bytes, grpc.aio.ServicerContext], Awaitable[object]]
_Streamed = Callable[[AsyncIterator[bytes], grpc.aio.ServicerContext], AsyncIterator[object]]


def _told(method: str) -> dict[str, tracing.Attribute]:
    return {"rpc.system": "grpc", "rpc.method": method.removeprefix("/")}


def _unary(behaviour: _Unary, method: str, carrier: dict[str, str]) -> _Unary:
    async def call(content: bytes, context: grpc.aio.ServicerContext) -> object:
        with tracing.span(method.removeprefix("/"), _told(method), kind="server", carrier=carrier):
            return await behaviour(content, context)

    return call


def _streamed(behaviour: _Streamed, method: str, carrier: dict[str, str]) -> _Streamed:
    async def call(contents: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> AsyncIterator[object]:
        with tracing.span(method.removeprefix("/"), _told(method), kind="server", carrier=carrier):
            async for answer in behaviour(contents, context):
                yield answer

    return call
