"""The native engine on CUDA: many entities at once, or many networks, a block of threads each.

What it is for: replays and sweeps of hundreds. Networks of a sweep learn, each alone; entities that share what is
learnt do not, as they would take turns at every event, which is what a processor is good at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final
from warnings import catch_warnings, filterwarnings

import numpy as np

from snnlab.errors import ConfigError
from snnlab.reservoirs.engines.base import Raster
from snnlab.reservoirs.engines.fitting import check_raster, check_row, state_of
from snnlab.reservoirs.engines.peers.engine import PeerEngine
from snnlab.reservoirs.engines.peers.run import needed, refuse
from snnlab.reservoirs.network import Network
from snnlab.reservoirs.plasticity import Stdp
from snnlab.types import Array, Arrays

__all__ = ["Cuda", "devices"]

_MOST_THREADS = 512
_NEURONS = 2**26
"""Of all entities of one launch: a device needs some 50 bytes for each."""


@final
@dataclass(frozen=True)
class Cuda(PeerEngine):
    """Runs networks on the CUDA device of that number, in float32, int8 or float64.

    ``threads`` of a block are a multiple of 32; by default as many as a network of that size keeps busy. Raises
    ConfigError where there is no such device, EngineMissing where numba-cuda is not installed.
    """

    device: int = 0
    threads: int | None = None
    name: ClassVar[str] = "cuda"

    def __post_init__(self) -> None:
        """Check that the device is there."""
        if self.threads is not None and (self.threads % 32 or not 32 <= self.threads <= _MOST_THREADS):
            raise ConfigError(
                f"engine 'cuda' runs no {self.threads} threads a block: take a multiple of 32, {_MOST_THREADS} at most"
            )
        with catch_warnings():
            filterwarnings("ignore", message="RTLD_GLOBAL is enabled")  # as it is once NEST was imported
            needed("numba_cuda", self.name, "numba-cuda")
            needed("numba.cuda", self.name, "numba-cuda with CUDA's bindings")
        count = devices()
        if not 0 <= self.device < count:
            raise ConfigError(
                f"engine 'cuda' cannot run on device {self.device}: numba sees {count} CUDA devices; "
                + (f"take 0 to {count - 1}" if count else "use engine 'native'")
            )

    def simulate_rows(
        self,
        network: Network,
        learned: Arrays,
        state: Arrays,
        rows: Sequence[int],
        rasters: Sequence[tuple[Array, Array]],
        *,
        learn: bool = False,
    ) -> list[Raster]:
        """See :meth:`..peers.engine.PeerEngine.simulate_rows`: at once."""
        from snnlab.reservoirs.engines.cuda.launch import Batch, launch

        self._refuse(network, learn=learn)
        given, distinct = _rasters(network, rasters)
        for row in rows:
            check_row(state, row)
        own, found, most = state_of(network, state), [], max(1, _NEURONS // network.n_neurons)
        for begin in range(0, len(rows), most):
            part = slice(begin, begin + most)
            chosen = list(rows[part])
            states = tuple(array[chosen] for array in own)
            batch = Batch([(network, learned)], [0] * len(chosen), distinct, given[part], states)
            found += launch(batch, self.device, self.threads)
            for array, after in zip(own, states, strict=True):
                array[chosen] = after
        return found

    def simulate_networks(
        self, networks: Sequence[Network], raster: tuple[Array, Array], learned: Sequence[Arrays] | None = None
    ) -> list[Raster]:
        """The same input to each of several networks from rest; those of one shape run at once.

        Each learns in its own ``learned``, in place; without these nothing is learnt. Raises ConfigError as
        :meth:`simulate_rows` does, and for a rule that is not STDP.
        """
        from snnlab.reservoirs.engines.cuda.launch import Batch, launch

        own = [network.fresh_learned() for network in networks] if learned is None else learned
        found: dict[int, Raster] = {}
        for learn, alike in _by_shape(networks, learn=learned is not None):
            chosen = [networks[one] for one in alike]
            given, rasters = _rasters(chosen[0], [raster] * len(alike))
            states = [state_of(network, network.fresh_state(1)) for network in chosen]
            batch = Batch(
                [(networks[one], own[one]) for one in alike], range(len(alike)), rasters, given,
                tuple(np.concatenate(column) for column in zip(*states, strict=True)), learn,
            )  # fmt: skip
            found |= zip(alike, launch(batch, self.device, self.threads), strict=True)
        return [found[one] for one in range(len(networks))]

    def _refuse(self, network: Network, *, learn: bool) -> None:
        rule, way_out = network.config.learning.algorithm, "simulate with learn=False, or each network once by a sweep"
        homeostatic = learn and network.config.learning.homeostasis.rate > 0.0
        refuse(
            self.name,
            {f"plasticity ({rule})": (learn and network.plastic, way_out), "homeostasis": (homeostatic, way_out)},
        )


def devices() -> int:
    """How many CUDA devices there are; none where the driver is missing, too old or refuses."""
    from numba import cuda

    try:
        return len(cuda.gpus)
    except Exception:  # noqa: BLE001 - each driver fails in its own way
        return 0


def _rasters(network: Network, rasters: Sequence[tuple[Array, Array]]) -> tuple[list[int], list[tuple[Array, Array]]]:
    """Which of the distinct rasters each is, and these, checked."""
    places: dict[tuple[int, int], int] = {}
    given = [places.setdefault((id(ptr), id(address)), len(places)) for ptr, address in rasters]
    distinct = dict(zip(given, rasters, strict=True))
    return given, [_raster(network, distinct[place]) for place in range(len(places))]


def _raster(network: Network, given: tuple[Array, Array]) -> tuple[Array, Array]:
    ptr, address = np.ascontiguousarray(given[0], np.int64), np.ascontiguousarray(given[1], np.int32)
    check_raster(network, ptr, address)
    return ptr, address


def _by_shape(networks: Sequence[Network], *, learn: bool) -> list[tuple[int, list[int]]]:
    """Networks that one launch may hold: of the same sizes, precision and learning; and what they learn by."""
    alike: dict[Any, list[int]] = {}
    for one, network in enumerate(networks):
        by = _learns_by(network) if learn else 0
        rows = network.targets, network.input_targets
        shapes = tuple((array.shape, array.dtype) for array in rows)
        alike.setdefault((by, shapes, network.real, network.quantised, network.rule.traces), []).append(one)
    return [(key[0], chosen) for key, chosen in alike.items()]


def _learns_by(network: Network) -> int:
    from snnlab.reservoirs.engines.cuda.kernel import HOMEOSTASIS, STDP

    rule = network.config.learning.algorithm
    other = network.plastic and not isinstance(network.rule, Stdp)
    refuse("cuda", {f"the rule {rule}": (other, "set learning.algorithm to STDP or none")})
    if network.plastic:
        return STDP
    return HOMEOSTASIS if network.config.learning.homeostasis.rate > 0.0 else 0
