"""The security domain."""

from snnlab.domains.domain import AnomalyType, Domain, ReadoutSpec

__all__ = ["SECURITY"]

SECURITY = Domain(
    name="security",
    title="Security threats",
    entity="user",
    types=(
        AnomalyType(
            name="unusual_access_pattern",
            title="Unusual access pattern",
            hints=("resource", "access", "service", "port", "host", "path"),
            signature={"readout:context": 1},
        ),
        AnomalyType(
            name="data_exfiltration",
            title="Data exfiltration attempt",
            hints=("bytes", "out", "upload", "transfer", "src", "volume"),
            signature={},
        ),
        AnomalyType(
            name="authentication_anomaly",
            title="Authentication anomaly",
            hints=("login", "auth", "fail", "password", "flag"),
            signature={},
        ),
        AnomalyType(
            name="api_abuse",
            title="API abuse",
            hints=("request", "api", "rate", "count", "call", "endpoint"),
            signature={},
        ),
    ),
    readouts=(
        ReadoutSpec(kind="joint", settings={}),
        ReadoutSpec(kind="context", settings={"weight": 0.5}),
        ReadoutSpec(kind="predictive", settings={"weight": 0.5}),
    ),
)
