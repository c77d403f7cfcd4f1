"""The business domain."""

from snnlab.domains.domain import AnomalyType, Domain, ReadoutSpec
from snnlab.features import Feature

__all__ = ["BUSINESS"]

DAY = 86_400.0

BUSINESS = Domain(
    name="business",
    title="Business process anomalies",
    entity="customer",
    recall=131_072,  # a label of an order, a payment or a card comes a week later
    features=(
        Feature(name="amount", aggregate="deviation", column="amount_eur", window=180 * DAY, log=True, group="amount"),
        Feature(
            name="new activity", aggregate="novel", column="activity", key="employee", window=365 * DAY, group="habit"
        ),
        Feature(name="own approval", aggregate="match", column="requester", other="approver", group="approval"),
        Feature(name="step", aggregate="category", column="activity", group="order"),
    ),
    types=(
        AnomalyType(
            name="transaction_pattern_change",
            title="Transaction pattern change",
            hints=("amount", "price", "value", "total", "sum"),
            signature={"amount": 1, "readout:level": 0.2},
            actions=(
                "Confirm the order with the customer over a known channel",
                "Hold payment and delivery until it is confirmed",
                "Check whether the customer's account data changed lately",
            ),
        ),
        AnomalyType(
            name="workflow_deviation",
            title="Workflow deviation",
            hints=("activity", "step", "event", "task", "state"),
            signature={"order": 1, "readout:context": 0.2},
            actions=(
                "Stop the case before its next step",
                "Have the skipped or swapped step done and recorded",
                "Ask who moved the case on, and how the system let them",
            ),
        ),
        AnomalyType(
            name="unusual_user_behavior",
            title="Unusual user behaviour",
            hints=("resource", "user", "org", "employee", "terminal"),
            signature={"habit": 1},
            actions=(
                "Ask the employee's manager whether the task was handed over",
                "Check the employee's account for use by someone else",
                "Review the employee's other actions of the day",
            ),
        ),
        AnomalyType(
            name="compliance_violation",
            title="Compliance violation",
            hints=("approv", "role", "group", "limit"),
            signature={"approval": 1},
            actions=(
                "Have the approval repeated by someone else",
                "Report the case to the compliance officer",
                "Close the gap in the rule that separates duties",
            ),
        ),
    ),
    readouts=(
        ReadoutSpec(
            kind="level",
            groups=("amount",),
            settings={"weight": 1.1, "leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="context",
            groups=("order",),
            settings={"weight": 1.1, "peers": 0, "habits": 0, "repeats": 0, "strength": 2, "gate": 5, "habituation": 0},
        ),
        ReadoutSpec(
            kind="level",
            groups=("habit",),
            settings={"floor": 0.1, "leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="level",
            groups=("approval",),
            settings={"floor": 0.1, "leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="predictive",
            groups=("amount", "order", "habit", "approval"),
            settings={"weight": 0.3, "habituation": 0},
        ),
        # The order of steps is judged in nats, as it comes; who does what with whom is calibrated, and counts less.
        ReadoutSpec(kind="context", settings={"calibrated": False, "habits": 0, "peers": 0}),
        ReadoutSpec(kind="context", settings={"weight": 0.6, "order": 0, "repeats": 0, "gate": 5}),
        ReadoutSpec(kind="level", settings={"leak": 1.0, "warmup": 150, "absorb": 0.005}),
        ReadoutSpec(kind="joint", settings={"weight": 0.5}),
        ReadoutSpec(kind="extreme", aggregates=("deviation",)),
        ReadoutSpec(kind="reputation"),
        ReadoutSpec(kind="predictive", settings={"weight": 0.3}),
    ),
)
