"""The performance domain."""

from snnlab.domains.domain import AnomalyType, Domain, ReadoutSpec

__all__ = ["PERFORMANCE"]

PERFORMANCE = Domain(
    name="performance",
    title="Performance anomalies",
    entity="service",
    types=(
        AnomalyType(
            name="latency_spike",
            title="Latency spike",
            hints=("latency", "response", "duration", "time", "delay"),
            signature={"readout:change": 0.2},
        ),
        AnomalyType(
            name="throughput_degradation",
            title="Throughput degradation",
            hints=("throughput", "request", "rps", "qps", "count", "network"),
            signature={"readout:phase": 0.2},
        ),
        AnomalyType(
            name="resource_exhaustion",
            title="Resource exhaustion",
            hints=("cpu", "mem", "disk", "heap", "load", "util"),
            signature={"readout:level": 0.2},
        ),
        AnomalyType(
            name="service_cascade_failure",
            title="Service cascade failure",
            hints=("error", "fail", "5xx", "timeout"),
            signature={},
        ),
    ),
    readouts=(
        ReadoutSpec(kind="novelty", settings={}),
        ReadoutSpec(kind="phase", settings={}),
        ReadoutSpec(kind="change", settings={}),
        ReadoutSpec(kind="level", settings={"weight": 0.5}),
        ReadoutSpec(kind="context", settings={"weight": 0.5}),
        ReadoutSpec(kind="predictive", settings={"weight": 0.5}),
    ),
)
