"""Peers are held to ``native``: the same spikes, the same state after them, or a refusal that names what they lack.

An engine enters by its name in ``snnlab.reservoirs.NAMES``; one that is not installed, or whose
device is not there, is skipped and says so.
"""

import subprocess
import sys
from importlib.util import find_spec
from shutil import which

import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError, EngineMissing
from snnlab.reservoirs import NAMES, Network, engine
from snnlab.reservoirs.engines.peers import run as peer

INPUTS = 40
EXACT = {"performance.spike_precision": "float64", "learning.homeostasis.rate": 0.0, "reservoir.neurons": 80}
STATIC = EXACT | {"learning.algorithm": "none"}
PLAIN = STATIC | {"neuron.adaptation": 0.0, "reservoir.inhibition": 0.0, "reservoir.input_synapse": "exponential"}
"""What NEST's iaf_psc_exp has."""
WEAK = {"reservoir.input_strength": 0.1}
BATCHED = ("cuda", "norse", "snntorch")
FULL = ("brian2", *BATCHED)


def build(**changes):
    return Network.build(NeuromorphicConfig().replace(STATIC | changes), INPUTS, seed=1)


def raster(ticks, per_tick=4, seed=0):
    """Input with neurons that spike twice in a tick, and ticks without any."""
    counts = np.random.default_rng(seed).integers(0, 2 * per_tick, ticks)
    ptr = np.concatenate([[0], np.cumsum(counts)])
    return ptr, np.random.default_rng(seed + 1).integers(0, INPUTS, ptr[-1]).astype(np.int32)


def standing(network, busy):
    """Arrays as they are in the middle of things: thresholds and gain learnt, and a row that has just fired."""
    rng = np.random.default_rng(5)
    learned, state = network.fresh_learned(), network.fresh_state(3)
    learned["threshold"][:] = rng.normal(0, 0.05, network.n_neurons)
    learned["homeostat"][0] = 1.2
    if busy:
        engine().simulate(network, learned, state, 1, raster(30, seed=9))
    else:
        state["membrane"][1], state["current"][1] = rng.random(network.n_neurons), rng.normal(0, 0.3, network.n_neurons)
    return learned, state


def agree(one, other, tolerance=1e-10):
    (found, learned, state), (expected, own_learned, own_state) = one, other
    assert found.tick.tolist() == expected.tick.tolist()
    assert found.neuron.tolist() == expected.neuron.tolist()
    assert found.synaptic_events == expected.synaptic_events
    for name in own_state:
        np.testing.assert_allclose(state[name], own_state[name], rtol=tolerance, atol=tolerance, err_msg=name)
    for name in own_learned:
        np.testing.assert_allclose(learned[name], own_learned[name], rtol=tolerance, atol=tolerance, err_msg=name)


def simulated(chosen, network, given, busy=False, learn=False):
    learned, state = standing(network, busy)
    return chosen.simulate(network, learned, state, 1, given, learn), learned, state


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"reservoir.delay": 3.0, "reservoir.input_synapse": "exponential"},
        {"neuron.refractory": 0.0, "neuron.v_reset": -0.2, "neuron.adaptation": 0.0},
        {"learning.algorithm": "triplet"},
    ],
    ids=["as configured", "delayed", "never refractory", "traces"],
)
def test_a_peer_goes_on_from_where_native_stands_and_leaves_what_native_leaves(name, changes, made):
    network, given = build(**changes), raster(120)
    expected = simulated(engine(), network, given, busy=True)
    assert expected[0].tick.size > 500
    agree(simulated(made(name), network, given, busy=True), expected)


@pytest.mark.parametrize(
    "changes", [{}, {"reservoir.delay": 3.0}, {"tick": 0.1}, {"neuron.tau_synapse": 20.0}], ids=str
)
def test_nest_goes_on_from_a_row_that_has_been_silent(changes, made):
    network, given = build(**PLAIN | WEAK | changes), raster(200)
    expected = simulated(engine(), network, given)
    assert expected[0].tick.size > 200
    agree(simulated(made("nest"), network, given), expected)


@pytest.mark.parametrize("target", ["cython", pytest.param("cpp_standalone", marks=pytest.mark.slow)])
def test_brian2_compiles_what_its_numpy_target_runs(target, made):
    if which("g++") is None:
        pytest.skip("there is no g++ to compile with")
    network, given = build(**{"learning.algorithm": "STDP"}), raster(100)
    expected = simulated(engine(), network, given, busy=True, learn=True)
    agree(simulated(made("brian2", target=target), network, given, busy=True, learn=True), expected)
    import brian2

    assert type(brian2.get_device()).__name__ == "RuntimeDevice"


@pytest.mark.parametrize("name", ["brian2", "nest", *BATCHED])
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_at_lower_precision_they_fire_alike(name, precision, made):
    network = build(**PLAIN | WEAK | {"performance.spike_precision": precision})
    rates = [simulated(one, network, raster(300))[0].tick.size for one in (engine(), made(name))]
    assert rates[0] > 300
    assert rates[1] == pytest.approx(rates[0], rel=0.05)


def events(n, entities=4, seed=0):
    rng = np.random.default_rng(seed)
    address = rng.integers(-1, INPUTS, (n, 9)).astype(np.int32)
    gap = np.where(rng.random(n) < 0.5, 0, rng.integers(0, 60, n)).astype(np.int64)
    return rng.integers(0, entities, n).astype(np.int32), address, rng.integers(0, 2, (n, 9)).astype(np.int32), gap


def driven(chosen, network, stream, parts=1):
    learned, state = network.fresh_learned(), network.fresh_state(5)
    found = []
    for part in np.array_split(np.arange(len(stream[0])), parts):
        activity = chosen.attach(network, learned, state).drive(*(column[part] for column in stream), 2, learn=False)
        found += [
            (activity.neuron[a:b].tolist(), activity.counts[a:b].tolist())
            for a, b in zip(activity.ptr[:-1], activity.ptr[1:], strict=True)
        ]
    return found, state, activity.total_spikes


@pytest.mark.parametrize("name", FULL)
def test_events_of_several_entities_are_answered_as_native_answers_them(name, made):
    network, stream = build(**{"reservoir.settle_ticks": 1000}), events(30, entities=2)
    expected, state, total = driven(engine(), network, stream)
    assert sum(len(neurons) for neurons, _ in expected) > 100
    for parts in (1, 2):
        found, own, own_total = driven(made(name), network, stream, parts)
        assert found == expected
        assert parts > 1 or own_total == total
        for key in state:
            np.testing.assert_allclose(own[key], state[key], rtol=1e-9, atol=1e-9, err_msg=key)


def test_nest_answers_events_from_silent_rows(made):
    network, stream = build(**PLAIN | WEAK | {"reservoir.settle_ticks": 1000}), events(50)
    expected, _, total = driven(engine(), network, stream)
    assert (driven(made("nest"), network, stream)[::2]) == (expected, total)
    assert total > 200


@pytest.mark.parametrize("name", BATCHED)
def test_a_batch_of_rows_gives_what_its_rows_give_alone(name, made):
    network, chosen = build(), made(name)
    rasters = [raster(ticks, seed=ticks) for ticks in (150, 20, 0, 90)]
    learned, state = network.fresh_learned(), network.fresh_state(4)
    together = chosen.simulate_rows(network, learned, state, range(4), rasters)
    own = network.fresh_state(4)
    for row, given in enumerate(rasters):
        alone = engine().simulate(network, learned, own, row, given)
        assert together[row].tick.tolist() == alone.tick.tolist()
        assert together[row].neuron.tolist() == alone.neuron.tolist()
    assert sum(one.tick.size for one in together) > 500
    for key in own:
        np.testing.assert_allclose(state[key], own[key], rtol=1e-10, atol=1e-10, err_msg=key)


REFUSED = [
    ("nest", PLAIN | {"neuron.adaptation": 0.1}, False, "adaptive threshold.*neuron.adaptation to 0"),
    ("nest", PLAIN | {"reservoir.inhibition": 1.0}, False, "lateral inhibition.*reservoir.inhibition to 0"),
    ("nest", PLAIN | {"reservoir.input_synapse": "delta"}, False, "on the membrane at once.*exponential"),
    ("nest", PLAIN | {"tick": 0.0005, "neuron.refractory": 2.0}, False, "0.0005 ms.*another tick"),
    ("brian2", {"neuron.tau_synapse": 20.0}, False, "equal time constants.*neuron.tau_synapse apart"),
]
LEARNING = [
    (name, PLAIN | changes, True, words)
    for name, changes, words in [
        *((peer_name, {"learning.homeostasis.rate": 0.02}, "homeostasis.*learn=False") for peer_name in NAMES[1:]),
        *((peer_name, {"learning.algorithm": "BCM"}, "the rule BCM.*STDP") for peer_name in ("brian2", "nest")),
        *((peer_name, {"learning.algorithm": "STDP"}, r"plasticity \(STDP\).*learn=False") for peer_name in BATCHED),
    ]
]


@pytest.mark.parametrize(("name", "changes", "learn", "words"), [*REFUSED, *LEARNING])
def test_what_a_peer_cannot_express_is_refused_by_name_with_the_way_out(name, changes, learn, words, made):
    network = build(**changes)
    learned, state = network.fresh_learned(), network.fresh_state(1)
    with pytest.raises(ConfigError, match=f"engine '{name}' cannot express .*{words}.*or use engine 'native'"):
        made(name).simulate(network, learned, state, 0, raster(5), learn)
    assert all(np.array_equal(state[key], array) for key, array in network.fresh_state(1).items())


def test_nest_refuses_to_begin_where_it_cannot(made):
    network = build(**PLAIN)
    with pytest.raises(ConfigError, match=r"begin refractory.*silent"):
        simulated(made("nest"), network, raster(5), busy=True)
    learns = build(**PLAIN | {"learning.algorithm": "STDP"})
    state = learns.fresh_state(1)
    state["age"][:] = 50
    with pytest.raises(ConfigError, match=r"before the run.*fresh row"):
        made("nest").simulate(learns, learns.fresh_learned(), state, 0, raster(5), learn=True)


def test_brian2_refuses_to_learn_over_spikes_that_are_long_under_way(made):
    network = build(**{"learning.algorithm": "STDP", "reservoir.delay": 3.0})
    with pytest.raises(ConfigError, match="under way"):
        simulated(made("brian2"), network, raster(5), busy=True, learn=True)


@pytest.mark.parametrize("name", NAMES[1:])
def test_bad_arrays_and_events_are_refused_as_native_refuses_them(name, made):
    chosen, network = made(name), build(**PLAIN)
    learned, state = network.fresh_learned(), network.fresh_state(5)
    nothing = np.zeros(2, np.int64), np.empty(0, np.int32)
    with pytest.raises(ConfigError, match="row 5"):
        chosen.simulate(network, learned, state, 5, nothing)
    with pytest.raises(ConfigError, match="input neurons"):
        chosen.simulate(network, learned, state, 0, (np.array([0, 1]), np.array([INPUTS], np.int32)))
    with pytest.raises(ConfigError, match="fresh_state"):
        chosen.simulate(network, learned, build(**{"reservoir.neurons": 40}).fresh_state(1), 0, nothing)
    stream = events(20)
    for column, value in [(0, 5), (0, -1), (1, INPUTS), (1, -2), (2, 2), (3, -1)]:
        bad = tuple(array.copy() for array in stream)
        bad[1][13] = 1
        bad[column][13] = value
        with pytest.raises(ConfigError, match="event 13"):
            chosen.drive(network, learned, state, *bad, 2, learn=False)
    with pytest.raises(ConfigError, match="one row, one gap"):
        chosen.drive(network, learned, state, *stream[:3], stream[3][:5], 2, learn=False)
    long = (*stream[:3], stream[3] + 10**6)
    with pytest.raises(ConfigError, match="1000000 at most"):
        chosen.drive(network, learned, state, *long, 2, learn=False)
    with pytest.raises(ConfigError, match=r"learning from events.*learn=False"):
        chosen.drive(Network.build(NeuromorphicConfig(), INPUTS), learned, state, *stream, 2)


@pytest.mark.parametrize("name", NAMES[1:])
def test_nothing_in_is_nothing_out(name, made):
    chosen, network = made(name), build(**PLAIN)
    learned, state = network.fresh_learned(), network.fresh_state(1)
    chosen.warm(network)
    found = chosen.simulate(network, learned, state, 0, (np.zeros(1, np.int64), np.empty(0, np.int32)))
    none = np.zeros((0, 1), np.int32)
    activity = chosen.drive(network, learned, state, none[:, 0], none, none, np.zeros(0, np.int64), 1, learn=False)
    assert found.tick.size == len(activity) == activity.total_spikes == 0
    assert all(np.array_equal(state[key], array) for key, array in network.fresh_state(1).items())


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("brian2", {"target": "fortran"}, "'fortran'; there is numpy, cython, cpp_standalone"),
        ("nest", {"threads": 0}, "0 threads"),
        ("norse", {"device": "abacus"}, "'abacus': take cpu"),
        ("snntorch", {"device": "cuda:99"}, "'cuda:99': torch sees"),
        ("cuda", {"device": 99}, "device 99: numba sees"),
        ("cuda", {"threads": 33}, "33 threads a block: .* multiple of 32"),
        ("norse", {"colour": 1}, "does not take .*colour"),
        ("neuron", {}, "unknown engine 'neuron'; there is native, cuda, brian2, nest, norse, snntorch"),
    ],
)
def test_options_that_mean_nothing_are_refused(name, options, words):
    with pytest.raises(ConfigError, match=words):
        engine(name, **options)


@pytest.mark.parametrize("name", NAMES[1:])
def test_an_engine_that_is_not_installed_says_how_to_install_it(name, monkeypatch):
    for module in {"brian2": ["brian2"], "cuda": ["numba_cuda"]}.get(name, [name, "torch"]):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        EngineMissing, match=rf"engine '{name}' needs .* not installed: pip install 'snnlab\[research\]'"
    ):
        engine(name)


def test_brian2_without_a_compiler_says_what_to_do(monkeypatch, made):
    made("brian2")
    monkeypatch.setattr("snnlab.reservoirs.engines.peers.brian2.which", lambda name: None)
    assert engine("brian2").target == "numpy"
    with pytest.raises(EngineMissing, match=r"no C\+\+ compiler: install g\+\+, or take target 'numpy'"):
        engine("brian2", target="cpp_standalone")


def test_one_that_fails_to_load_says_so(monkeypatch):
    def broken(module):
        raise RuntimeError(f"{module}: operator does not exist")

    monkeypatch.setattr(peer, "import_module", broken)
    with pytest.raises(EngineMissing, match=r"cannot be imported .*operator does not exist"):
        peer.needed("norse", "norse", "norse")


def test_a_simulator_is_imported_only_when_it_is_asked_for():
    """And NEST greets nobody."""
    program = (
        "import sys, snnlab.reservoirs as r; r.engine(); r.engines.installed();"
        "names = ('torch', 'norse', 'snntorch', 'brian2', 'nest', 'numba.cuda');"
        "print([name for name in names if name in sys.modules]);" + "r.engine('nest')" * (find_spec("nest") is not None)
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "[]\n"
