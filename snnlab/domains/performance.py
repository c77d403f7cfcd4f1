"""The performance domain."""

from snnlab.domains.domain import AnomalyType, Domain, ReadoutSpec
from snnlab.features import Feature

__all__ = ["PERFORMANCE"]

DAY = 86_400.0

PERFORMANCE = Domain(
    name="performance",
    title="Performance anomalies",
    entity="service",
    features=(
        Feature(name="latency", aggregate="deviation", column="latency_ms", window=7 * DAY, log=True, group="latency"),
        # Over an hour and a half a service's load hardly follows the day: what falls faster is no evening.
        Feature(name="load", aggregate="deviation", column="requests_per_s", window=5400.0, log=True, group="traffic"),
        Feature(name="memory", aggregate="deviation", column="memory_mb", window=7 * DAY, log=True, group="memory"),
        Feature(name="errors in 10 s", aggregate="sum", column="errors", key="stream", window=10.0, group="errors"),
    ),
    types=(
        AnomalyType(
            name="latency_spike",
            title="Latency spike",
            hints=("latency", "response", "duration", "time", "delay"),
            signature={"latency": 1, "readout:change": 0.2},
            actions=(
                "Look at the slowest traces of the service around the event",
                "Check its dependencies and its database for locks",
                "Compare with the last deployment and roll it back if it began there",
            ),
        ),
        AnomalyType(
            name="throughput_degradation",
            title="Throughput degradation",
            hints=("throughput", "request", "rps", "qps", "count", "network"),
            signature={"traffic": 1, "readout:phase": 0.2},
            actions=(
                "Check the load balancer and whether clients reach the service",
                "Compare incoming with answered requests, and the lengths of queues",
                "Look for a dependency that holds requests back",
                "Tell the owners of the services upstream",
            ),
        ),
        AnomalyType(
            name="resource_exhaustion",
            title="Resource exhaustion",
            hints=("cpu", "mem", "disk", "heap", "load", "util"),
            signature={"memory": 1, "readout:level": 0.2},
            actions=(
                "Take a heap dump before the process is killed",
                "Restart or scale out the service within its error budget",
                "Look for a leak in what was deployed last",
            ),
        ),
        AnomalyType(
            name="service_cascade_failure",
            title="Service cascade failure",
            hints=("error", "fail", "5xx", "timeout"),
            signature={"errors": 1},
            actions=(
                "Find the first failing service: the others follow from it",
                "Open circuit breakers and stop retries towards it",
                "Shed load until the first service has recovered",
                "Call the incident lead",
            ),
        ),
    ),
    readouts=(
        ReadoutSpec(
            kind="level",
            groups=("latency",),
            settings={"leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="level",
            groups=("traffic",),
            settings={"weight": 1.15, "leak": 0.7, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="level",
            groups=("memory",),
            settings={"weight": 1.1, "leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="level",
            groups=("errors",),
            settings={"weight": 1.2, "leak": 1, "floor": 0.3, "gate": 1e9, "habituation": 0},
        ),
        ReadoutSpec(
            kind="predictive",
            groups=("latency", "traffic", "memory", "errors"),
            settings={"weight": 0.3, "habituation": 0},
        ),
        # Server metrics drift: what changes counts most. The weights hold the others to a share of the false alarms.
        ReadoutSpec(kind="change", settings={"weight": 0.9}, among_entities=0.7),
        ReadoutSpec(kind="novelty", settings={"weight": 0.6}, among_entities=0.7),
        ReadoutSpec(kind="phase", settings={}, among_entities=0.7),
        ReadoutSpec(kind="level", settings={"weight": 0.5, "warmup": 150, "absorb": 0.005}, among_entities=0.7),
        ReadoutSpec(kind="context", settings={"weight": 0.5}),
        ReadoutSpec(kind="extreme", aggregates=("deviation",)),
        ReadoutSpec(kind="predictive", settings={"weight": 0.2}),
    ),
)
