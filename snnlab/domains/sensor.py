"""The sensor domain."""

from snnlab.domains.domain import AnomalyType, Domain, ReadoutSpec

__all__ = ["SENSOR"]

SENSOR = Domain(
    name="sensor",
    title="Sensor patterns",
    entity="machine",
    types=(
        AnomalyType(
            name="environmental_change",
            title="Environmental change",
            hints=("temp", "humid", "ambient", "thermo"),
            signature={"readout:level": 0.2},
        ),
        AnomalyType(
            name="equipment_malfunction",
            title="Equipment malfunction",
            hints=("pressure", "current", "volt", "flow", "speed", "torque"),
            signature={"readout:change": 0.2},
        ),
        AnomalyType(
            name="predictive_maintenance",
            title="Predictive maintenance trigger",
            hints=("vibration", "accel", "rms", "wear"),
            signature={},
        ),
        AnomalyType(
            name="quality_control_deviation",
            title="Quality control deviation",
            hints=("quality", "dimension", "width", "thick", "weight"),
            signature={"readout:predictive": 0.2},
        ),
    ),
    readouts=(
        ReadoutSpec(kind="level", settings={}),
        ReadoutSpec(kind="change", settings={"weight": 0.5}),
        ReadoutSpec(kind="context", settings={"weight": 0.5}),
        ReadoutSpec(kind="predictive", settings={"weight": 0.5}),
    ),
)
