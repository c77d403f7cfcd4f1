"""Operations as the kernel counts them: by hand on a small network, and by NeuroBench on the same network on norse."""

import threading

import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.evaluation import Operations
from snnlab.reservoirs import Network, engine
from snnlab.reservoirs.engines.tally import OPEN, tallied

NEURONS, INPUTS = 60, 10


def network_of(**changes):
    small = {"reservoir.neurons": NEURONS, "reservoir.input_strength": 0.5}
    return Network.build(NeuromorphicConfig().replace(small | changes), INPUTS)


def raster_of(ticks, silent=0, seed=0):
    dense = np.random.default_rng(seed).random((ticks, INPUTS)) < 0.2
    dense[ticks - silent :] = False
    tick, address = np.nonzero(dense)
    return dense, (np.searchsorted(tick, np.arange(ticks + 1)).astype(np.int64), address.astype(np.int32))


def simulated(network, raster, learn=False):
    return engine().simulate(network, network.fresh_learned(), network.fresh_state(1), 0, raster, learn=learn)


@pytest.mark.parametrize("algorithm", ["none", "STDP"])
def test_operations_are_those_that_can_be_counted_by_hand(algorithm):
    network, ticks = network_of(**{"learning.algorithm": algorithm}), 200
    dense, raster = raster_of(ticks)
    found = simulated(network, raster, learn=True)
    delivered = int((found.tick < ticks - network.lif.delay).sum())
    inputs = int(dense.sum()) * network.input_targets.shape[1]
    assert found.tick.size > NEURONS
    assert found.synaptic_events == inputs + delivered * network.targets.shape[1]
    assert found.neuron_updates == ticks * NEURONS


def test_a_long_run_that_learns_row_by_row_counts_the_same_updates():
    network = network_of(**{"reservoir.neurons": 800, "reservoir.connectivity": 0.9})
    _, raster = raster_of(60)
    found = simulated(network, raster, learn=True)
    assert network.targets.size * 4 > 2**21  # large enough to be learnt row by row
    assert found.neuron_updates == 60 * 800


def test_ticks_of_a_gap_that_are_decayed_at_once_are_one_update():
    network = network_of()
    learned, state = network.fresh_learned(), network.fresh_state(1)
    silent = np.full((1, 1), -1, np.int32)
    row, gap = np.zeros(1, np.int32), np.array([10_000])
    found = engine().drive(network, learned, state, row, silent, silent * 0, gap, ticks=3)
    assert found.neuron_updates == (1 + 3) * NEURONS


def test_a_tally_sums_calls_on_all_threads_and_ends_with_its_block():
    network = network_of()
    address = np.arange(8, dtype=np.int32).reshape(4, 2)
    row, gap = np.zeros(4, np.int32), np.zeros(4, np.int64)

    def drive(found):
        learned, state = network.fresh_learned(), network.fresh_state(1)
        found.append(engine().drive(network, learned, state, row, address, address * 0, gap, ticks=5))

    found = []
    with tallied() as outer, tallied() as inner:
        threads = [threading.Thread(target=drive, args=(found,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    drive(found)
    assert not OPEN
    assert outer.updates == inner.updates == 3 * 4 * 5 * NEURONS
    assert outer.synaptic == sum(one.synaptic_events for one in found[:3]) > 0
    assert outer.spikes == sum(one.total_spikes for one in found[:3])


def test_a_tally_ends_where_its_block_fails():
    def fail():
        with tallied():
            assert len(OPEN) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not OPEN


def test_neurobench_counts_the_same_operations_sparsity_and_connections():
    """The exported network on norse, watched by NeuroBench's own hooks, against the kernel's counters."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("norse")
    benchmarks = pytest.importorskip("neurobench.benchmarks")
    from neurobench.metrics.static import ConnectionSparsity
    from neurobench.metrics.workload import ActivationSparsity, SynapticOperations
    from neurobench.models import TorchModel

    from snnlab.reservoirs.exchange import to_nir
    from snnlab.reservoirs.exchange.on_norse import on_norse

    plain = {
        "learning.algorithm": "none", "neuron.refractory": 0.0, "neuron.adaptation": 0.0, "reservoir.inhibition": 0.0,
        "learning.homeostasis.rate": 0.0, "reservoir.input_synapse": "exponential", "reservoir.spectral_radius": 0.7,
    }  # fmt: skip
    network, ticks = network_of(**plain), 150
    dense, raster = raster_of(ticks, silent=60)  # so that every spike is delivered within the run
    counted = simulated(network, raster)

    class Fires(torch.nn.Module):
        """NeuroBench reads sparsity off the outputs of layers that give spikes alone."""

        def forward(self, spikes):
            return spikes

    class Run(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model, self.fires = on_norse(to_nir(network), tick=1.0), Fires()

        def forward(self, batch):
            state, total = None, 0
            for t in range(batch.shape[1]):
                _, state = self.model(batch[:, t], state)
                total = total + self.fires(state.cache["neurons"])
            return total

    model = TorchModel(Run())
    model.add_activation_module(Fires)
    data = torch.utils.data.TensorDataset(torch.from_numpy(dense[None].astype(np.float32)), torch.zeros(1))
    metrics = [[ConnectionSparsity], [SynapticOperations, ActivationSparsity]]
    with torch.no_grad():
        found = benchmarks.Benchmark(model, torch.utils.data.DataLoader(data), [], [], metrics).run(quiet=True)

    did = Operations(1, counted.tick.size, counted.synaptic_events, counted.neuron_updates)
    assert did.spikes > 2 * NEURONS
    assert found["SynapticOperations"]["Effective_ACs"] == did.synaptic
    assert found["SynapticOperations"]["Effective_MACs"] == 0
    assert found["ActivationSparsity"] == pytest.approx(did.activation_sparsity, abs=1e-12)
    synapses = network.targets.size + network.input_targets.size
    assert found["ConnectionSparsity"] == pytest.approx(1 - synapses / (NEURONS * (NEURONS + INPUTS)), abs=5e-4)
