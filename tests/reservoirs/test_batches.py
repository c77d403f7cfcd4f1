import numpy as np
import pytest
import structlog

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.reservoirs import Network, batches, engine, replay, sweep
from snnlab.reservoirs.engines import installed

INPUTS = 30


def build(**changes):
    small = {"reservoir.neurons": 80, "performance.spike_precision": "float64", "learning.homeostasis.rate": 0.0}
    return Network.build(NeuromorphicConfig().replace(small | changes), INPUTS, seed=2)


def rasters(lengths=(200, 50, 0, 120)):
    rng = np.random.default_rng(3)
    return [(np.arange(ticks + 1) * 3, rng.integers(0, INPUTS, 3 * ticks).astype(np.int32)) for ticks in lengths]


@pytest.fixture
def cuda():
    try:
        return engine("cuda")
    except ConfigError as error:
        pytest.skip(str(error))


def one_by_one(network, given):
    learned, state = network.fresh_learned(), network.fresh_state(len(given))
    found = [engine().simulate(network, learned, state, row, one) for row, one in enumerate(given)]
    return found, state


def same(found, state, expected, own):
    for one, other in zip(found, expected, strict=True):
        assert one.tick.tolist() == other.tick.tolist()
        assert one.neuron.tolist() == other.neuron.tolist()
    assert sum(one.tick.size for one in found) > 500
    for name in own:
        np.testing.assert_allclose(state[name], own[name], rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("chosen", [None, "native", "norse", "snntorch"])
def test_rows_replayed_at_once_give_what_they_give_one_by_one(chosen):
    if chosen not in (None, *installed()):
        pytest.skip(f"{chosen} is not installed")
    network, given = build(), rasters()
    state = network.fresh_state(4)
    on = None if chosen is None else engine(chosen)
    found = replay(network, network.fresh_learned(), state, range(4), given, on)
    same(found, state, *one_by_one(network, given))


@pytest.mark.parametrize("name", ["cuda", "norse", "snntorch"])
def test_cuda_gives_the_processor_s_spikes(cuda, name):
    network, given = build(), rasters()
    state = network.fresh_state(4)
    if name not in installed():
        pytest.skip(f"{name} is not installed")
    chosen = cuda if name == "cuda" else engine(name, device="cuda")
    found = replay(network, network.fresh_learned(), state, range(4), given, chosen)
    same(found, state, *one_by_one(network, given))


def test_cuda_is_taken_where_it_is_wanted_and_there(cuda):
    assert batches.accelerated(build(**{"performance.gpu_acceleration": True})) == cuda
    assert batches.accelerated(build()).name == "native"


def test_without_cuda_there_is_one_notice_that_says_why(monkeypatch):
    def without(name):
        if name == "cuda":
            raise ConfigError("numba sees 0 CUDA devices")
        return engine(name)

    monkeypatch.setattr(batches, "engine", without)
    batches._notice_once.cache_clear()
    network = build(**{"performance.gpu_acceleration": True})
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            assert batches.accelerated(network).name == "native"
    assert len(logs) == 1
    assert logs[0]["event"].endswith("replays and sweeps run on the processor, since numba sees 0 CUDA devices")


@pytest.mark.parametrize("chosen", [None, "native", "brian2"])
def test_networks_of_a_sweep_learn_each_its_own(chosen):
    if chosen not in (None, *installed()):
        pytest.skip(f"{chosen} is not installed")
    on = None if chosen is None else engine(chosen)
    networks = {name: build(**{"learning.learning_rate": rate}) for name, rate in (("slow", 0.001), ("fast", 0.02))}
    learned = {name: network.fresh_learned() for name, network in networks.items()}
    given = rasters((60,))[0]
    found = sweep(networks, given, on, learned)
    for name, network in networks.items():
        own = network.fresh_learned()
        alone = engine().simulate(network, own, network.fresh_state(1), 0, given, learn=True)
        assert found[name].neuron.tolist() == alone.neuron.tolist()
        np.testing.assert_allclose(learned[name]["weights"], own["weights"], atol=1e-12)
    moved = [np.abs(learned[name]["weights"] - networks[name].weights).max() for name in ("slow", "fast")]
    assert 0 < moved[0] < moved[1]
    assert sweep(networks, given, on)["slow"].neuron.size > 0


def test_a_row_that_comes_twice_is_refused():
    network, given = build(), rasters((5, 5))
    for rows in ([0, 0], [0]):
        with pytest.raises(ConfigError, match="each row once"):
            replay(network, network.fresh_learned(), network.fresh_state(2), rows, given)
