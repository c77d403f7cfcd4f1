"""How memory grows: bytes that are really held, over the neurons of a network and over a detector's entities.

``memory.neurons.<kind>`` is the exponent of the power law that fits the bytes of a running network (topology, weights,
what learning needs, one entity's state) over its neurons: ``static`` and ``plastic`` with as many synapses a neuron at
every size, ``share`` with a tenth of all the others, where synapses are what grows with the square. ``memory.entities``
is that of a detector over its entities. All that Python and NumPy have allocated is counted, by ``tracemalloc``.
"""

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnlab.bench.rows import Row
from snnlab.bench.workload import detector, stream
from snnlab.config import NeuromorphicConfig
from snnlab.evaluation.growth import Growth
from snnlab.reservoirs import Network, engine

__all__ = ["BAR", "ENTITIES", "KINDS", "NEURONS", "Curve", "curves", "network_bytes", "rows"]

BAR = 1.05
"""The exponent up to which growth is called linear."""

NEURONS = (500, 1_000, 2_000, 4_000)
ENTITIES = (1_000, 2_000, 4_000, 8_000)

FAN_IN = 100
"""Synapses a neuron receives, which facts of the engine say is enough."""

KINDS: Mapping[str, Mapping[str, Any]] = {
    "static": {"learning.algorithm": "none", "reservoir.fan_in": FAN_IN},
    "plastic": {"learning.algorithm": "STDP", "reservoir.fan_in": FAN_IN},
    "share": {"learning.algorithm": "none", "reservoir.connectivity": 0.1},
}
_TOLD = {
    "static": f"static, {FAN_IN} synapses a neuron",
    "plastic": f"plastic, {FAN_IN} synapses a neuron",
    "share": "static, 10 % of all neurons",
}


@dataclass(frozen=True)
class Curve:
    """Bytes over sizes, as measured."""

    id: str
    name: str
    sizes: tuple[int, ...]
    bytes: tuple[int, ...]

    @property
    def along(self) -> str:
        """What the sizes count."""
        return "entities" if self.id == "memory.entities" else "neurons"

    @property
    def law(self) -> Growth:
        """The power law that fits."""
        return Growth.of(self.sizes, self.bytes)


def curves(neurons: Sequence[int], entities: Sequence[int], *, size: int = 256) -> list[Curve]:
    """Curves of each kind of network over ``neurons``, and of a detector of ``size`` neurons over ``entities``."""
    found = [
        Curve(f"memory.neurons.{kind}", _TOLD[kind], tuple(neurons), tuple(network_bytes(n, kind) for n in neurons))
        for kind in KINDS
    ]
    many = tuple(_entity_bytes(count, size) for count in entities)
    return [*found, Curve("memory.entities", f"{size} neurons", tuple(entities), many)]


def rows(measured: Sequence[Curve]) -> list[Row]:
    """The exponent of each curve; a share of all neurons is what fixed numbers of synapses stand beside."""
    share = next((curve.law.exponent for curve in measured if curve.id.endswith(".share")), None)
    return [
        Row.of(curve.id, curve.law.exponent, "exponent")
        if curve.id.endswith(".share")
        else Row.of(curve.id, curve.law.exponent, "exponent", bar=BAR, better="lower")
        if share is None or curve.along == "entities"
        else Row.of(
            curve.id,
            curve.law.exponent,
            "exponent",
            peer="10 % of all neurons",
            peer_value=share,
            bar=BAR,
            better="lower",
        )
        for curve in measured
    ]


def network_bytes(neurons: int, kind: str) -> int:
    """Bytes of a network that has run: itself, what it learns, and one entity's state."""
    _running(2 * FAN_IN, kind)  # what compiling leaves behind is no network's
    return _held(lambda: _running(neurons, kind))


def _running(neurons: int, kind: str) -> tuple[object, ...]:
    config = NeuromorphicConfig().replace({**KINDS[kind], "reservoir.neurons": neurons})
    network = Network.build(config, n_inputs=100)
    learned, state = network.fresh_learned(), network.fresh_state(1)
    quiet = np.array([0, 1, 1]), np.zeros(1, np.int32)
    engine("native").simulate(network, learned, state, 0, quiet, learn=True)
    return network, learned, state


def _entity_bytes(entities: int, neurons: int) -> int:
    """Bytes that a detector holds more after events of so many entities than after as many events of one."""
    alone, batch = stream(entities, entities=1), stream(entities, entities=entities)
    detector(alone, neurons=neurons).process(alone)  # what compiling leaves behind is no entity's
    with _traced() as now:
        subject = detector(alone, neurons=neurons)
        subject.process(alone)
        few = now()
        subject.process(batch)
        return now() - few


def _held(make: Callable[[], object]) -> int:
    with _traced() as now:
        none = now()
        kept = make()
        held = now() - none
    del kept
    return held


@contextmanager
def _traced() -> Iterator[Callable[[], int]]:
    """What is allocated now, garbage aside."""

    def now() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        yield now
    finally:
        tracemalloc.stop()
