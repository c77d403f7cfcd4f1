"""Memory: bytes of one more entity, and bytes of one more synapse.

Both are slopes between two sizes of the real arrays, so that what does not grow is not counted. An entity's share holds
the arrays of its rows and its name in the pool.
"""

import sys
from collections.abc import Sequence

import numpy as np

from snnlab.bench.rows import Row
from snnlab.bench.workload import detector, stream
from snnlab.config import NeuromorphicConfig
from snnlab.detectors import Detector
from snnlab.reservoirs import Network
from snnlab.types import Arrays

__all__ = ["NOTES", "run"]

ENTITY_BARS = {256: 16_000.0}
SYNAPSE_BARS = {"static": 6.0, "plastic": 12.0}
NOTES = (
    "An entity's peer is what it would take with a network of its own, learnt weights and all; a synapse's is its "
    "share of a dense float32 matrix."
)


def run(neurons: Sequence[int] = (256,), *, entities: int = 1_024, synapse_neurons: int = 1_000) -> list[Row]:
    """Bytes an entity at each size of network, and bytes a synapse."""
    return [*(_entity(size, entities) for size in neurons), *_synapses(synapse_neurons)]


def _entity(neurons: int, entities: int) -> Row:
    batch = stream(2 * entities, entities=2 * entities)
    subject = detector(batch, neurons=neurons)
    subject.process(batch.slice(0, entities))
    few = _held(subject)
    subject.process(batch.slice(entities, 2 * entities))
    each = (_held(subject) - few) / entities
    network = subject.plan.network
    own = _bytes(network.fresh_learned()) if network is not None else 0
    return Row.of(
        f"memory.entity.{neurons}",
        each,
        "bytes",
        peer="a network for each entity",
        peer_value=each + own,
        bar=ENTITY_BARS.get(neurons),
        better="lower",
    )


def _held(subject: Detector) -> int:
    """Bytes of everything that a detector remembers of its entities."""
    total = 0
    for shard in subject.shards:
        total += _bytes(shard.state) + shard.pool.nbytes + sys.getsizeof(shard.pool.names)
        total += sum(sys.getsizeof(name) for name in shard.pool.names)
    return total


def _synapses(neurons: int) -> list[Row]:
    rows = []
    for name, algorithm in (("static", "none"), ("plastic", "STDP")):
        small, large = (_network(size, algorithm) for size in (neurons, 2 * neurons))
        synapses = large.targets.size - small.targets.size
        dense = 4 * (large.n_neurons**2 - small.n_neurons**2) / synapses
        value = (_synaptic(large) - _synaptic(small)) / synapses
        rows.append(
            Row.of(
                f"memory.synapse.{name}",
                value,
                "bytes",
                peer="dense float32",
                peer_value=dense,
                bar=SYNAPSE_BARS[name],
                better="lower",
            )
        )
    return rows


def _network(neurons: int, algorithm: str) -> Network:
    changes = {"reservoir.neurons": neurons, "learning.algorithm": algorithm}
    return Network.build(NeuromorphicConfig().replace(changes), n_inputs=100)


def _synaptic(network: Network) -> int:
    """Bytes of the arrays that have an entry a synapse: all that a running network holds."""
    held = network.held
    total = network.targets.nbytes + (held.nbytes if isinstance(held, np.ndarray) else 0)
    if network.plastic:
        incoming = network.incoming
        total += incoming.source.nbytes + incoming.slot.nbytes + network.fresh_learned()["weights"].nbytes
    return int(total)


def _bytes(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())
