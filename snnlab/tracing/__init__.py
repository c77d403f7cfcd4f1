"""Traces by OpenTelemetry: off unless the environment asks for them, and then nothing of it is imported.

They are on where ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``) names a collector or
``SNNLAB_TRACES=on`` means the one at http://localhost:4318; ``SNNLAB_TRACES=off``, ``OTEL_SDK_DISABLED=true`` and
``OTEL_TRACES_EXPORTER=none`` keep them off. OpenTelemetry's other variables (``OTEL_TRACES_SAMPLER``,
``OTEL_SERVICE_NAME``, ``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_BSP_*``…) hold as its specification has them.

An entry point calls ``start`` and ``stop``; everything else calls ``span``, which does nothing while traces are off.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol, Self

from snnlab.errors import ConfigError

__all__ = ["Attribute", "Kind", "Span", "Tracer", "enabled", "headers", "ids", "span", "start", "stop", "wanted"]

Attribute = str | int | float | bool | None
Kind = Literal["internal", "server", "client", "producer", "consumer"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Span(Protocol):
    """One piece of work under way."""

    def rename(self, name: str) -> None:
        """Call it otherwise: what it is may be known only in its middle."""

    def tell(self, **attributes: Attribute) -> None:
        """Add what is known of it by now; names without a dot stand below ``snnlab.``, and None is left out."""

    def fail(self, why: str) -> None:
        """Say that it failed, without an exception that tells so."""


class Tracer(Protocol):
    """Makes spans and knows which one is under way."""

    def span(
        self,
        name: str,
        kind: Kind,
        parents: Sequence[str],
        carrier: Mapping[str, str] | None,
        attributes: Mapping[str, Attribute],
    ) -> AbstractContextManager[Span]:
        """A span; see the function ``span``."""

    def headers(self) -> dict[str, str]:
        """The context of the span under way, as a message carries it."""

    def ids(self) -> tuple[str, str] | None:
        """Trace and span id of the span under way."""

    def close(self, patience_s: float) -> None:
        """Send what is not sent yet."""


class _Off:
    """A span of nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def rename(self, name: str) -> None:
        """Nothing."""

    def tell(self, **attributes: Attribute) -> None:
        """Nothing."""

    def fail(self, why: str) -> None:
        """Nothing."""


class _Here:
    """What this process traces with."""

    tracer: Tracer | None = None


_OFF = _Off()


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether an environment asks for traces. Raises ConfigError for a word that it does not know.

    >>> wanted({}), wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}), wanted({"SNNLAB_TRACES": "on"})
    (False, True, True)
    """
    word = environment.get("SNNLAB_TRACES", "").strip().lower()
    if word not in {"", "on", "off"}:
        raise ConfigError(f"SNNLAB_TRACES={word!r}; say on, off, or nothing: then OTEL_EXPORTER_OTLP_ENDPOINT decides")
    refused = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    refused = refused or environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    return word != "off" and not refused and (word == "on" or any(environment.get(name) for name in _ENDPOINTS))


def start(service: str) -> bool:
    """Trace this process from now on if the environment asks for it; returns whether it does.

    Raises ConfigError where OpenTelemetry is not installed.
    """
    if _Here.tracer is None and wanted(os.environ):
        try:
            from snnlab.tracing.otel import OtelTracer
        except ImportError as missing:
            raise ConfigError(
                f"traces need OpenTelemetry ({missing}); install snnlab[serve], or set SNNLAB_TRACES=off"
            ) from missing
        _Here.tracer = OtelTracer(service)
    return enabled()


def stop(patience_s: float = 3.0) -> None:
    """Trace no more; what is not sent yet is sent, unless the collector takes longer than that."""
    tracer, _Here.tracer = _Here.tracer, None
    if tracer is not None:
        tracer.close(patience_s)


def enabled() -> bool:
    """Whether this process traces."""
    return _Here.tracer is not None


def span(
    name: str,
    told: Mapping[str, Attribute] | None = None,
    *,
    kind: Kind = "internal",
    parents: Sequence[str] = (),
    carrier: Mapping[str, str] | None = None,
    **attributes: Attribute,
) -> AbstractContextManager[Span]:
    """Work that takes as long as the ``with`` block; an exception that leaves the block is told of.

    ``carrier`` is what came with a call (lower-case headers): the caller's span is the parent. ``parents`` are the
    contexts (``traceparent``) of messages: a single one is the parent, several are links. Without either, the parent
    is the span under way, if there is one; beside it, messages are links. ``told`` and what else is given are its
    attributes, as in ``Span.tell``.

    >>> with span("detector.process", n_events=3) as one:
    ...     one.tell(n_anomalies=0)
    """
    if _Here.tracer is None:
        return _OFF
    return _Here.tracer.span(name, kind, parents, carrier, {**told, **attributes} if told else attributes)


def headers() -> dict[str, str]:
    """The context of the span under way, as a message or a call carries it on: ``traceparent``, or nothing.

    >>> headers()
    {}
    """
    return {} if _Here.tracer is None else _Here.tracer.headers()


def ids() -> tuple[str, str] | None:
    """Trace and span id of the span under way, in hexadecimal; None where there is none."""
    return None if _Here.tracer is None else _Here.tracer.ids()
