"""Machines on a shop floor that report every twenty minutes.

Entity: a machine (40). Columns: ``temperature_c`` and ``humidity_percent`` (a daily and a slow seasonal rhythm around
the place's own level), ``vibration_mm_s`` and ``pressure_bar`` (each machine's own level), ``dimension_mm`` (around
the nominal size of the product). Category ``product`` (8; a machine makes a lot of 25, then another).
Event type: ``reading``.

- environmental_change: temperature and humidity leave the machine's own level for its time of day.
- equipment_malfunction: vibration jumps up while pressure falls, against the machine's own levels.
- predictive_maintenance: vibration alone grows slowly over the machine's own level, up to a repair.
- quality_control_deviation: the dimension is off for its product, and common for another.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from snnlab.datasets.generators.assembly import assemble, check_request, generators_of, sorted_by_time, words
from snnlab.datasets.generators.episodes import Episodes
from snnlab.datasets.generators.strengths import Strengths, strengths
from snnlab.datasets.labelled import LabelledStream
from snnlab.types import Arrays

__all__ = ["generate"]

MACHINES = tuple(f"machine-{i:02d}" for i in range(40))
PRODUCTS = tuple(f"part-{letter}" for letter in "ABCDEFGH")
PERIOD_S = 1200.0
LOT = 25


@dataclass(frozen=True)
class _Floor:
    """Levels of the machines (one entry a machine) and nominal sizes of the products."""

    temperature: Float64[np.ndarray, " m"]
    humidity: Float64[np.ndarray, " m"]
    vibration: Float64[np.ndarray, " m"]
    pressure: Float64[np.ndarray, " m"]
    phase_s: Float64[np.ndarray, " m"]
    nominal: Float64[np.ndarray, " p"]


def generate(seed: int, events: int = 20_000, anomalies: bool = True, world: int | None = None) -> LabelledStream:
    """A labelled stream of machine readings.

    Raises ConfigError for a negative seed or fewer than 500 events.

    >>> stream = generate(seed=1, events=1_000, anomalies=False)
    >>> stream.events.names, stream.events.category_names, int(stream.label.sum())
    (('temperature_c', 'humidity_percent', 'vibration_mm_s', 'pressure_bar', 'dimension_mm'), ('product',), 0)
    """
    check_request(seed, events)
    of_world, rng = generators_of("sensor", seed, world)
    fixed = strengths("sensor")
    floor = _floor(of_world)
    table = _readings(rng, floor, events)
    train = int(fixed.train * events)
    marks = _inject(rng, fixed, floor, table, train) if anomalies else {}
    return assemble(
        "sensor",
        seed,
        seconds=table["seconds"],
        columns={
            "temperature_c": table["temperature"],
            "humidity_percent": np.clip(table["humidity"], 1.0, 100.0),
            "vibration_mm_s": table["vibration"],
            "pressure_bar": table["pressure"],
            "dimension_mm": table["dimension"],
        },
        entities=words(table["machine"], MACHINES),
        event_types=["reading"] * events,
        categories={"product": words(table["product"], PRODUCTS)},
        marks=marks,
        train=train,
        world=world,
    )


def _floor(rng: np.random.Generator) -> _Floor:
    n = len(MACHINES)
    return _Floor(
        temperature=rng.uniform(16.0, 34.0, n),
        humidity=rng.uniform(32.0, 66.0, n),
        vibration=np.exp(rng.uniform(np.log(0.8), np.log(8.0), n)),
        pressure=rng.uniform(2.0, 9.0, n),
        phase_s=rng.uniform(0.0, PERIOD_S, n),
        nominal=rng.permutation(np.linspace(12.0, 60.0, len(PRODUCTS)) + rng.uniform(-2.0, 2.0, len(PRODUCTS))),
    )


def _readings(rng: np.random.Generator, floor: _Floor, n: int) -> Arrays:
    turns = n // len(MACHINES) + 2
    turn, machine = (axis.ravel() for axis in np.indices((turns, len(MACHINES))))
    seconds = turn * PERIOD_S + floor.phase_s[machine] + rng.uniform(-30.0, 30.0, len(turn)) + 60.0
    lot = rng.integers(0, len(PRODUCTS), (turns // LOT + 2, len(MACHINES)))
    product = lot[(turn + machine * 7 % LOT) // LOT, machine]
    table = sorted_by_time({"seconds": seconds, "machine": machine, "product": product}, n)
    machine, product = table["machine"], table["product"]
    day = np.cos(2 * np.pi * (table["seconds"] / 86_400.0 - 15.0 / 24.0))
    season = np.sin(2 * np.pi * table["seconds"] / (30 * 86_400.0))
    table["temperature"] = floor.temperature[machine] + 3.0 * day + season + rng.normal(0.0, 0.35, n)
    table["humidity"] = floor.humidity[machine] - 6.0 * day - 2.0 * season + rng.normal(0.0, 1.0, n)
    table["vibration"] = floor.vibration[machine] * np.exp(rng.normal(0.0, 0.05, n))
    table["pressure"] = floor.pressure[machine] * np.exp(rng.normal(0.0, 0.02, n))
    table["dimension"] = floor.nominal[product] + rng.normal(0.0, 0.03, n)
    return table


def _below(level: Float64[np.ndarray, " m"], quantile: float) -> Bool[np.ndarray, " m"]:
    return np.asarray(level <= np.quantile(level, quantile))


def _inject(
    rng: np.random.Generator, fixed: Strengths, floor: _Floor, table: Arrays, train: int
) -> dict[str, Bool[np.ndarray, " n"]]:
    machine = table["machine"]
    quota = fixed.quota(len(machine))
    episodes = Episodes(rng, machine, first=train, margin=fixed.margin)
    marks = {kind: np.zeros(len(machine), np.bool_) for kind in fixed.types}

    change = fixed["environmental_change"]
    mild = _below(floor.temperature, change.victims) & _below(floor.humidity, change.victims)
    for rows in episodes.runs(quota, change.run, eligible=mild[machine]):
        table["temperature"][rows] += rng.uniform(*change.temperature)
        table["humidity"][rows] += rng.uniform(*change.humidity)
        marks["environmental_change"][rows] = True

    wear = fixed["predictive_maintenance"]
    calm = _below(floor.vibration, wear.victims)
    for rows in episodes.runs(quota, wear.run, lead=len(wear.lead), eligible=calm[machine]):
        table["vibration"][rows] *= _growth(wear.lead, wear.first, wear.step, len(rows))
        marks["predictive_maintenance"][rows[len(wear.lead) :]] = True

    fault = fixed["equipment_malfunction"]
    strong = _below(floor.vibration, fault.victims) & ~_below(floor.pressure, 1.0 - fault.victims)
    for rows in episodes.runs(quota, fault.run, eligible=strong[machine]):
        table["vibration"][rows] *= rng.uniform(*fault.vibration, len(rows))
        table["pressure"][rows] *= rng.uniform(*fault.pressure, len(rows))
        marks["equipment_malfunction"][rows] = True

    quality = fixed["quality_control_deviation"]
    for rows in episodes.runs(quota, quality.run):
        table["dimension"][rows] += rng.choice([-1.0, 1.0]) * rng.uniform(*quality.shift, len(rows))
        marks["quality_control_deviation"][rows] = True
    return marks


def _growth(lead: tuple[float, ...], first: float, step: float, length: int) -> Float64[np.ndarray, " k"]:
    after: Int64[np.ndarray, " k"] = np.arange(length - len(lead))
    return np.concatenate([lead, first + step * after])
