"""Exchange: networks as NIR graphs, what such a graph cannot hold, and the chips that it would take.

NIR (J. E. Pedersen et al., Neuromorphic intermediate representation, Nat. Commun. 15, 8122, 2024) is what simulators
and neuromorphic chips read from each other.
"""

from snnlab.reservoirs.exchange.files import load_graph, read_nir, write_nir
from snnlab.reservoirs.exchange.losses import Loss, losses
from snnlab.reservoirs.exchange.placement import CHIPS, Chip, Placement, place
from snnlab.reservoirs.exchange.reading import Imported, from_nir
from snnlab.reservoirs.exchange.writing import to_nir

__all__ = [
    "CHIPS",
    "Chip",
    "Imported",
    "Loss",
    "Placement",
    "from_nir",
    "load_graph",
    "losses",
    "place",
    "read_nir",
    "to_nir",
    "write_nir",
]
