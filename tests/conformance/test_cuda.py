"""The CUDA engine beside ``native``. Where there is no device its kernel runs in numba's simulator, a thread a thread.

The simulator is another process, as numba takes it or leaves it on import; and it has no types, so that the kernel is
compiled for a card as well, which needs none.
"""

import os
import re
import subprocess
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.reservoirs import Network, engine, sweep
from snnlab.reservoirs.engines.cuda import engine as cuda_engine
from snnlab.reservoirs.engines.cuda.plan import level_of
from snnlab.reservoirs.engines.fitting import state_of

for _module in ("numba_cuda", "numba.cuda"):  # the latter needs CUDA's bindings
    pytest.importorskip(
        _module, reason="numba-cuda is not installed: pip install 'snnlab[research]'", exc_type=ImportError
    )

INPUTS = 20
EXACT = {"performance.spike_precision": "float64", "reservoir.neurons": 40, "reservoir.connectivity": 0.15}
STATIC = EXACT | {"learning.algorithm": "none", "learning.homeostasis.rate": 0.0}


@pytest.fixture
def chosen(made):
    """Fewer threads than neurons."""
    return made("cuda", threads=32)


def build(seed=1, **changes):
    return Network.build(NeuromorphicConfig().replace(STATIC | changes), INPUTS, seed=seed)


def raster(ticks, seed=0):
    counts = np.random.default_rng(seed).integers(0, 8, ticks)
    counts[::7] = 0
    ptr = np.concatenate([[0], np.cumsum(counts)])
    return ptr, np.random.default_rng(seed + 1).integers(0, INPUTS, ptr[-1]).astype(np.int32)


RASTERS = [raster(8), raster(0), raster(3, 5), raster(8)]


def replayed(on, network, runs=1):
    """Runs one after the other, of rows in another order. Few ticks: a simulator takes a tenth of a second each."""
    state, found = network.fresh_state(5), []
    for _ in range(runs):
        found += on.simulate_rows(network, network.fresh_learned(), state, [2, 0, 4, 1], RASTERS)
    return found, state


def one_by_one(network, runs=1):
    state, found = network.fresh_state(5), []
    for _ in range(runs):
        rows = zip([2, 0, 4, 1], RASTERS, strict=True)
        found += [engine().simulate(network, network.fresh_learned(), state, row, given) for row, given in rows]
    return found, state


def agree(found, expected):
    for one, other in zip(found[0], expected[0], strict=True):
        assert one.tick.tolist() == other.tick.tolist()
        assert one.neuron.tolist() == other.neuron.tolist()
        assert (one.synaptic_events, one.neuron_updates) == (other.synaptic_events, other.neuron_updates)
        assert one.tick.dtype == one.neuron.dtype == np.int32
    for name, array in expected[1].items():
        np.testing.assert_allclose(found[1][name], array, rtol=1e-10, atol=1e-10, err_msg=name)
    assert sum(one.tick.size for one in found[0]) > 20


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"reservoir.delay": 3.0, "reservoir.input_synapse": "exponential", "learning.algorithm": "triplet"},
        {"neuron.refractory": 0.0, "neuron.v_reset": -0.2, "neuron.adaptation": 0.0, "reservoir.inhibition": 0.0},
    ],
    ids=["as configured", "delayed, with traces", "never refractory"],
)
def test_rows_at_once_are_what_native_gives_one_by_one(chosen, changes):
    network = build(**changes)
    agree(replayed(chosen, network, runs=2), one_by_one(network, runs=2))


@pytest.mark.parametrize("place", [1, 0])
def test_sums_outside_shared_memory_are_the_same(chosen, place, monkeypatch):
    from snnlab.reservoirs.engines.cuda import launch as cuda_launch

    monkeypatch.setattr(cuda_launch, "places", lambda n, level: (place, place * n * level))
    network = build()
    agree(replayed(chosen, network), one_by_one(network))


def test_an_output_that_is_full_is_gone_on_with(chosen, monkeypatch):
    from snnlab.reservoirs.engines.cuda import launch as cuda_launch

    launches = []
    monkeypatch.setattr(cuda_launch, "_OUTPUT", 1)
    monkeypatch.setattr(
        cuda_launch, "_packed", lambda *given, own=cuda_launch._packed: launches.append(1) or own(*given)
    )
    network = build()
    agree(replayed(chosen, network), one_by_one(network))
    assert len(launches) > 2


def test_rows_that_do_not_fit_the_device_at_once_follow(chosen, monkeypatch):
    monkeypatch.setattr(cuda_engine, "_NEURONS", 90)
    network = build()
    agree(replayed(chosen, network), one_by_one(network))


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_every_run_gives_the_same_bits(chosen, precision):
    network = build(**{"performance.spike_precision": precision})
    (one, state), (other, own), (native, _) = replayed(chosen, network), replayed(chosen, network), one_by_one(network)
    for first, second in zip(one, other, strict=True):
        assert np.array_equal(first.neuron, second.neuron)
    assert all(np.array_equal(state[name], own[name]) for name in state)
    assert sum(run.tick.size for run in one) == pytest.approx(sum(run.tick.size for run in native), rel=0.05)


@pytest.mark.parametrize(
    "changes",
    [
        {"learning.algorithm": "STDP", "reservoir.delay": 3.0, "learning.homeostasis.rate": 0.02},
        {"learning.algorithm": "none", "learning.homeostasis.rate": 0.02},
        {"learning.algorithm": "STDP", "performance.spike_precision": "float32"},
    ],
    ids=["STDP and homeostasis", "homeostasis alone", "float32"],
)
def test_networks_of_a_sweep_learn_what_native_learns(chosen, changes):
    """Two of one shape, whose windows of STDP are of different lengths, and one of another."""
    networks = {
        "a": build(**changes),
        "b": build(2, **changes, **{"learning.tau_pre": 12.0, "learning.tau_post": 28.0}),
        "c": build(3, **changes, **{"reservoir.neurons": 35}),
    }
    learned, own = ({name: one.fresh_learned() for name, one in networks.items()} for _ in range(2))
    found = sweep(networks, raster(10), chosen, learned)
    expected = sweep(networks, raster(10), engine(), own)
    for name, network in networks.items():
        assert found[name].tick.tolist() == expected[name].tick.tolist()
        assert found[name].neuron.tolist() == expected[name].neuron.tolist()
        for key, array in own[name].items():
            np.testing.assert_allclose(learned[name][key], array, rtol=1e-6, atol=1e-9, err_msg=key)
        before = network.fresh_learned()
        assert any(not np.array_equal(learned[name][key], array) for key, array in before.items())
    assert sweep(networks, raster(10), chosen)["a"].tick.size > 10


def test_what_it_does_not_learn_is_refused(chosen):
    network = build(**{"learning.algorithm": "BCM"})
    with pytest.raises(
        ConfigError, match=r"'cuda' cannot express the rule BCM: set learning.algorithm to STDP or none"
    ):
        sweep({"a": network}, raster(3), chosen, {"a": network.fresh_learned()})
    with pytest.raises(ConfigError, match=r"plasticity \(BCM\): .*by a sweep"):
        chosen.simulate(network, network.fresh_learned(), network.fresh_state(1), 0, raster(3), learn=True)


def test_a_device_without_room_is_told_and_nothing_has_changed(chosen, monkeypatch):
    from snnlab.reservoirs.engines.cuda import launch as cuda_launch

    def full(*_):
        raise RuntimeError("[CUDA_ERROR_OUT_OF_MEMORY] Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY")

    monkeypatch.setattr(cuda_launch, "_spikes", full)
    network = build()
    state = network.fresh_state(2)
    with pytest.raises(ConfigError, match=r"no room for 2 entities of 40 neurons .* simulate fewer at once"):
        chosen.simulate_rows(network, network.fresh_learned(), state, [0, 1], [raster(3)] * 2)
    assert all(np.array_equal(state[name], array) for name, array in network.fresh_state(2).items())


def test_sums_of_levels_fit():
    for greatest in (1e-30, 0.1, 1.0, 1.25, 3e9):
        level = level_of(greatest, bits=31)
        assert np.frexp(level)[0] == 0.5
        assert 2**28 <= greatest / level <= 2**30


@pytest.mark.slow
def test_all_this_holds_in_the_simulator():
    if "NUMBA_ENABLE_CUDASIM" in os.environ or cuda_engine.devices():
        pytest.skip("the tests of this file have run")
    program = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    simulated = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run(program, env=simulated, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout
    assert "15 passed" in done.stdout


class _Compiled(Exception):
    """What would have been launched was compiled: to this."""


class _Compiling:
    """Stands for a kernel: compiles it for the arrays that it is launched with."""

    def __init__(self, kernel, *, goes_on=False):
        self._kernel, self._goes_on = kernel, goes_on

    def __getitem__(self, configuration):
        return self._compile

    def _compile(self, *given):
        from numba import cuda, typeof

        types = tuple(typeof(one) for one in given)
        ptx, _ = cuda.compile(self._kernel.py_func, types, device=False, abi="numba", cc=(9, 0), output="ptx")
        if not self._goes_on:
            raise _Compiled(ptx)


@pytest.mark.parametrize("neurons", [70, 9000])
@pytest.mark.parametrize(
    ("precision", "algorithm", "learn"),
    [
        ("float64", "none", 0),
        ("float32", "none", 0),
        ("int8", "none", 1),
        ("float32", "STDP", 2),
        ("float64", "STDP", 2),
    ],
)
def test_it_compiles_for_a_card(neurons, precision, algorithm, learn, monkeypatch):
    if "NUMBA_ENABLE_CUDASIM" in os.environ:
        pytest.skip("the simulator compiles nothing")
    pytest.importorskip("cuda.core", reason="CUDA's own packages are not installed")
    from numba import cuda
    from numba.cuda import dispatcher

    from snnlab.reservoirs.engines.cuda import launch as cuda_launch
    from snnlab.reservoirs.engines.cuda import resident as cuda_resident

    card = SimpleNamespace(compute_capability=(9, 0), MULTIPROCESSOR_COUNT=132)
    on_the_host = {"to_device": np.asarray, "device_array": np.empty, "gpus": [nullcontext()]}
    for name, stand_in in (on_the_host | {"get_current_device": lambda: card}).items():
        monkeypatch.setattr(cuda, name, stand_in)
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: card)
    monkeypatch.setattr(cuda_resident, "quantise", _Compiling(cuda_resident.quantise, goes_on=True))
    monkeypatch.setattr(cuda_launch, "kernel_of", lambda *of, own=cuda_launch.kernel_of: _Compiling(own(*of)))
    changes = {"reservoir.neurons": neurons, "reservoir.connectivity": 0.01, "performance.spike_precision": precision}
    network = build(**changes, **{"learning.algorithm": algorithm})
    own = state_of(network, network.fresh_state(1))
    with pytest.raises(_Compiled) as compiled:
        cuda_launch.launch(cuda_launch.Batch([(network, network.fresh_learned())], [0], [raster(5)], [0], own, learn))
    ptx = str(compiled.value)
    assert ".entry" in ptx
    if precision == "float32" and not learn:
        assert not re.findall(r"\b(?:add|mul|fma)\.rn\.f64", ptx)
