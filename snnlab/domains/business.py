"""The business domain."""

from snnlab.domains.domain import AnomalyType, Domain, ReadoutSpec

__all__ = ["BUSINESS"]

BUSINESS = Domain(
    name="business",
    title="Business process anomalies",
    entity="case",
    types=(
        AnomalyType(
            name="transaction_pattern_change",
            title="Transaction pattern change",
            hints=("amount", "price", "value", "total", "sum"),
            signature={"readout:level": 0.2},
        ),
        AnomalyType(
            name="workflow_deviation",
            title="Workflow deviation",
            hints=("activity", "step", "event", "task", "state"),
            signature={"readout:context": 0.2},
        ),
        AnomalyType(
            name="unusual_user_behavior",
            title="Unusual user behaviour",
            hints=("resource", "user", "org", "employee", "terminal"),
            signature={},
        ),
        AnomalyType(
            name="compliance_violation",
            title="Compliance violation",
            hints=("approv", "role", "group", "limit"),
            signature={},
        ),
    ),
    readouts=(
        ReadoutSpec(kind="context", settings={}),
        ReadoutSpec(kind="level", settings={"leak": 1.0}),
        ReadoutSpec(kind="joint", settings={"weight": 0.5}),
        ReadoutSpec(kind="predictive", settings={"weight": 0.5}),
    ),
)
