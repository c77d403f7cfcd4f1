"""The security domain."""

from snnlab.domains.domain import AnomalyType, Domain, ReadoutSpec
from snnlab.features import Feature

__all__ = ["SECURITY"]

DAY = 86_400.0

SECURITY = Domain(
    name="security",
    title="Security threats",
    entity="user",
    features=(
        Feature(name="new resource", aggregate="novel", column="resource", window=180 * DAY, group="access"),
        Feature(name="bytes out", aggregate="deviation", column="bytes_out", window=30 * DAY, log=True, group="volume"),
        Feature(name="new source", aggregate="novel", column="source", window=180 * DAY, group="login"),
        Feature(name="calls in 5 s", aggregate="count", window=5.0, group="rate"),
    ),
    types=(
        AnomalyType(
            name="unusual_access_pattern",
            title="Unusual access pattern",
            hints=("resource", "access", "service", "port", "host", "path"),
            signature={"access": 1, "readout:context": 1},
            actions=(
                "Ask the user's manager whether this access is part of their work",
                "Review what was read or changed in the resource since the event",
                "Narrow the user's permissions to the resources of their role",
            ),
        ),
        AnomalyType(
            name="data_exfiltration",
            title="Data exfiltration attempt",
            hints=("bytes", "out", "upload", "transfer", "src", "volume"),
            signature={"volume": 1},
            actions=(
                "Hold further uploads of the account until someone has looked",
                "Find out where the bytes went and what they held",
                "Compare with planned transfers, such as backups and migrations",
                "Keep the logs of the session as evidence",
            ),
        ),
        AnomalyType(
            name="authentication_anomaly",
            title="Authentication anomaly",
            hints=("login", "auth", "fail", "password", "flag"),
            signature={"login": 1},
            actions=(
                "Lock the account or ask for a second factor at once",
                "Block the source networks of the failed logins",
                "Ask the user to change the password and end all sessions",
            ),
        ),
        AnomalyType(
            name="api_abuse",
            title="API abuse",
            hints=("request", "api", "rate", "count", "call", "endpoint"),
            signature={"rate": 1},
            actions=(
                "Limit the rate of the account's key",
                "Rotate the key and find out who holds it",
                "Look at which endpoints were walked through and what they returned",
            ),
        ),
    ),
    readouts=(
        ReadoutSpec(
            kind="level",
            groups=("access",),
            settings={"floor": 0.1, "leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="level",
            groups=("volume",),
            settings={"weight": 1.1, "leak": 0.7, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="level",
            groups=("login",),
            settings={"floor": 0.1, "leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="level",
            groups=("rate",),
            settings={"floor": 0.05, "leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="predictive",
            groups=("access", "volume", "login", "rate"),
            settings={"weight": 0.3, "habituation": 0},
        ),
        # Distance finds what is new, frequency what comes in floods: a known attack is near to itself, and still rare.
        ReadoutSpec(kind="joint", settings={}),
        ReadoutSpec(kind="context", settings={"gate": 5}),
        ReadoutSpec(kind="extreme", aggregates=("deviation",)),
        ReadoutSpec(kind="reputation"),
        ReadoutSpec(kind="predictive", settings={"weight": 0.8, "calibrated": False}),
    ),
)
