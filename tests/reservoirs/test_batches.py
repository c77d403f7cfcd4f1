import numpy as np
import pytest
import structlog

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.reservoirs import Network, batches, engine, replay
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
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA device")
    return "cuda"


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


@pytest.mark.parametrize("name", ["norse", "snntorch"])
def test_cuda_gives_the_processor_s_spikes(cuda, name):
    network, given = build(), rasters()
    state = network.fresh_state(4)
    found = replay(network, network.fresh_learned(), state, range(4), given, engine(name, device=cuda))
    same(found, state, *one_by_one(network, given))


def test_cuda_is_taken_where_it_is_wanted_and_there(cuda):
    assert batches.accelerated(build(**{"performance.gpu_acceleration": True})).device == cuda
    assert batches.accelerated(build()).name == "native"


def test_without_cuda_there_is_one_notice_that_says_why(monkeypatch):
    monkeypatch.setattr(batches, "_torch_engine", lambda: (None, "torch sees 0 CUDA devices"))
    batches._notice_once.cache_clear()
    network = build(**{"performance.gpu_acceleration": True})
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            assert batches.accelerated(network).name == "native"
    assert len(logs) == 1
    assert logs[0]["event"].endswith("replays and sweeps run on the processor, since torch sees 0 CUDA devices")


def test_the_reason_is_that_of_the_engine(monkeypatch):
    monkeypatch.setattr(batches, "find_spec", lambda name: None)
    assert batches._torch_engine() == (
        None,
        "neither norse nor snntorch is installed: pip install 'snnlab[research]'",
    )


def test_a_row_that_comes_twice_is_refused():
    network, given = build(), rasters((5, 5))
    for rows in ([0, 0], [0]):
        with pytest.raises(ConfigError, match="each row once"):
            replay(network, network.fresh_learned(), network.fresh_state(2), rows, given)
