"""The tracer of OpenTelemetry: spans in batches over OTLP/HTTP, off the threads that work."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Thread

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import snnlab
from snnlab.tracing import Attribute, Kind

__all__ = ["OtelSpan", "OtelTracer"]

_KINDS = {kind.name.lower(): kind for kind in SpanKind}
_CONTEXT = TraceContextTextMapPropagator()


class OtelSpan:
    """A span of OpenTelemetry's."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        """Call it otherwise."""
        self._span.update_name(name)

    def tell(self, **attributes: Attribute) -> None:
        """Add attributes."""
        self._span.set_attributes(_named(attributes))

    def fail(self, why: str) -> None:
        """Say that it failed."""
        self._span.set_status(Status(StatusCode.ERROR, why))


class OtelTracer:
    """The spans of one process. It is no provider for others: BentoML has its own, and leaves the global one alone."""

    def __init__(self, service: str) -> None:
        self._provider = TracerProvider(resource=_resource(service))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("snnlab", snnlab.__version__)

    @contextmanager
    def span(
        self,
        name: str,
        kind: Kind,
        parents: Sequence[str],
        carrier: Mapping[str, str] | None,
        attributes: Mapping[str, Attribute],
    ) -> Iterator[OtelSpan]:
        """A span; see ``snnlab.tracing.span``."""
        contexts = [context for parent in parents if (context := _context(parent)).is_valid]
        within: Context | None = None
        if carrier is not None:  # whoever called is the parent, not what another tracer put around the call
            within = _CONTEXT.extract(carrier, Context())
        elif len(contexts) == 1 and not trace.get_current_span().get_span_context().is_valid:
            within = trace.set_span_in_context(trace.NonRecordingSpan(contexts.pop()), Context())
        with self._tracer.start_as_current_span(
            name,
            context=within,
            kind=_KINDS[kind],
            attributes=_named(attributes),
            links=[Link(context) for context in contexts],
        ) as span:
            yield OtelSpan(span)

    def headers(self) -> dict[str, str]:
        """The context of the span under way."""
        carrier: dict[str, str] = {}
        _CONTEXT.inject(carrier)
        return carrier

    def ids(self) -> tuple[str, str] | None:
        """Trace and span id of the span under way."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return None
        return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)

    def close(self, patience_s: float) -> None:
        """Send what is not sent yet; a collector that does not answer is not waited for."""
        closing = Thread(target=self._provider.shutdown, name="snnlab-traces", daemon=True)
        closing.start()
        closing.join(patience_s)


def _context(parent: str) -> SpanContext:
    context = _CONTEXT.extract({"traceparent": parent}, Context())
    return trace.get_current_span(context).get_span_context()


def _named(attributes: Mapping[str, Attribute]) -> dict[str, str | int | float | bool]:
    return {
        name if "." in name else f"snnlab.{name}": value
        for name, value in attributes.items()
        if value not in {None, ""}
    }


def _resource(service: str) -> Resource:
    """Who sends the spans; what the environment says of it comes first."""
    told: dict[str, str | int] = {"service.version": snnlab.__version__, "process.pid": os.getpid()}
    if "OTEL_SERVICE_NAME" not in os.environ and "service.name=" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        told["service.name"] = service
    return Resource.create(told)
