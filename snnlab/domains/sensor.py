"""The sensor domain."""

from snnlab.domains.domain import AnomalyType, Domain, ReadoutSpec
from snnlab.features import Feature

__all__ = ["SENSOR"]

DAY = 86_400.0

SENSOR = Domain(
    name="sensor",
    threshold=4.0,
    gate=2.0,
    title="Sensor patterns",
    entity="machine",
    features=(
        Feature(name="temperature", aggregate="deviation", column="temperature_c", window=DAY / 2, group="environment"),
        Feature(name="humidity", aggregate="deviation", column="humidity_percent", window=DAY / 2, group="environment"),
        Feature(
            name="pressure", aggregate="deviation", column="pressure_bar", window=7 * DAY, log=True, group="machine"
        ),
        Feature(
            name="vibration", aggregate="deviation", column="vibration_mm_s", window=7 * DAY, log=True, group="wear"
        ),
        Feature(
            name="dimension", aggregate="deviation", column="dimension_mm", key="product", window=7 * DAY, group="part"
        ),
    ),
    types=(
        AnomalyType(
            name="environmental_change",
            title="Environmental change",
            hints=("temp", "humid", "ambient", "thermo"),
            signature={"environment": 1, "readout:level": 0.2},
            actions=(
                "Check ventilation, heating and open doors near the machine",
                "Compare with the sensors next to it to rule out a broken one",
                "Pause work that needs a stable climate",
            ),
        ),
        AnomalyType(
            name="equipment_malfunction",
            title="Equipment malfunction",
            hints=("pressure", "current", "volt", "flow", "speed", "torque"),
            signature={"machine": 1, "readout:change": 0.2},
            actions=(
                "Stop the machine and secure it",
                "Inspect the pressure line, seals and bearings",
                "Set aside the parts made since the event",
            ),
        ),
        AnomalyType(
            name="predictive_maintenance",
            title="Predictive maintenance trigger",
            hints=("vibration", "accel", "rms", "wear"),
            signature={"wear": 1, "machine": -1},
            actions=(
                "Plan an inspection of bearings and balance within the week",
                "Order the spare parts that wear",
                "Watch the vibration trend and shorten the lubrication interval",
            ),
        ),
        AnomalyType(
            name="quality_control_deviation",
            title="Quality control deviation",
            hints=("quality", "dimension", "width", "thick", "weight"),
            signature={"part": 1, "readout:predictive": 0.2},
            actions=(
                "Measure the part again by hand and set the lot aside",
                "Check tool wear, offset and the program for this product",
                "Recalibrate the gauge",
            ),
        ),
    ),
    readouts=(
        ReadoutSpec(
            kind="level",
            groups=("environment",),
            settings={"weight": 1.5, "pool": "sum", "leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="level",
            groups=("machine",),
            settings={"weight": 1.3, "leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="level",
            groups=("wear",),
            settings={"weight": 1.4, "leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="level",
            groups=("part",),
            settings={"weight": 1.3, "leak": 1, "habit": 4000, "gate": 6, "habituation": 0},
        ),
        ReadoutSpec(
            kind="predictive",
            groups=("environment", "machine", "wear", "part"),
            settings={"weight": 0.3, "habituation": 0},
        ),
        ReadoutSpec(kind="level", settings={"warmup": 150, "absorb": 0.005}, among_entities=0.7),
        ReadoutSpec(kind="change", settings={"weight": 0.5}, among_entities=0.7),
        ReadoutSpec(kind="context", settings={"weight": 0.5}),
        ReadoutSpec(kind="extreme", aggregates=("deviation",)),
        ReadoutSpec(kind="predictive", settings={"weight": 0.5}),
    ),
)
