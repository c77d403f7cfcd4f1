"""Networks to NIR files and back, and the same file on norse."""

import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError, ModelFormatError, ModelNotFound, ModelVersionError
from snnlab.reservoirs import Network, engine
from snnlab.reservoirs.exchange import from_nir, load_graph, losses, read_nir, to_nir, write_nir
from snnlab.reservoirs.exchange.on_norse import run_on_norse

nir = pytest.importorskip("nir")

NEURONS, INPUTS = 80, 12
PLAIN = {
    "learning.algorithm": "none",
    "learning.homeostasis.rate": 0.0,
    "neuron.refractory": 0.0,
    "neuron.adaptation": 0.0,
    "reservoir.input_strength": 0.4,
}
"""What NIR can express but for the tick."""


def network_of(changes):
    return Network.build(NeuromorphicConfig().replace({"reservoir.neurons": NEURONS, **changes}), INPUTS)


def learned_of(network, seed=0):
    """Something learnt everywhere, some weights at the bound of zero."""
    rng = np.random.default_rng(seed)
    learned = network.fresh_learned()
    learned["threshold"] += rng.uniform(0.0, 0.1, network.n_neurons).astype(network.real)
    learned["homeostat"][0] = 1.3
    if network.plastic:
        learned["weights"] *= rng.integers(0, 3, learned["weights"].shape).astype(network.real)
    return learned


@pytest.mark.parametrize("integration", ["euler", "exact"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"reservoir.input_synapse": "exponential", "reservoir.delay": 3.0},
        {"learning.algorithm": "none", "performance.spike_precision": "int8"},
        {"performance.spike_precision": "float64", "reservoir.inhibition": 0.0},
        {"learning.algorithm": "R-STDP"},
        {"learning.algorithm": "BCM"},
    ],
    ids=lambda changes: ",".join(str(value) for value in changes.values()) or "default",
)
def test_a_network_comes_back_from_its_file_bit_for_bit(tmp_path, changes, integration):
    network = network_of(changes)
    learned = learned_of(network)
    write_nir(tmp_path / "one.nir", network, learned, integration)
    found = read_nir(tmp_path / "one.nir")
    assert found.notes == ()
    pairs = [(network.to_arrays(), found.network.to_arrays()), (learned, found.learned)]
    for there, back in pairs:
        assert there.keys() == back.keys()
        for name, array in there.items():
            assert back[name].dtype == array.dtype, name
            np.testing.assert_array_equal(back[name], array, err_msg=name)
    np.testing.assert_array_equal(found.network.excitatory, network.excitatory)
    assert found.network.w_max == network.w_max


def test_a_network_from_a_file_goes_on_as_the_one_that_was_written(tmp_path):
    network = network_of({})
    learned = learned_of(network)
    write_nir(tmp_path / "one.nir", network, learned)
    found = read_nir(tmp_path / "one.nir")
    raster = _raster(300)
    mine = engine().simulate(network, learned, network.fresh_state(1), 0, raster, learn=True)
    its = engine().simulate(found.network, found.learned, found.network.fresh_state(1), 0, raster, learn=True)
    assert mine.tick.size > 100
    np.testing.assert_array_equal(mine.tick, its.tick)
    np.testing.assert_array_equal(mine.neuron, its.neuron)
    np.testing.assert_array_equal(learned["weights"], found.learned["weights"])


def _dense_input(ticks, seed=0):
    return (np.random.default_rng(seed).random((ticks, INPUTS)) < 0.15).astype(int)


def _raster(ticks, seed=0):
    tick, address = np.nonzero(_dense_input(ticks, seed))
    return np.searchsorted(tick, np.arange(ticks + 1)).astype(np.int64), address.astype(np.int32)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"reservoir.input_synapse": "exponential"},
        {"reservoir.inhibition": 0.0},
        {"neuron.tau_synapse": 20.0},
        {"tick": 0.5, "reservoir.delay": 0.5},
    ],
    ids=["delta", "exponential", "no inhibition", "equal time constants", "half a tick"],
)
def test_norse_fires_from_the_file_spike_for_spike_as_the_native_engine(tmp_path, changes):
    pytest.importorskip("norse")
    network, ticks = network_of(PLAIN | changes), 500
    learned = learned_of(network)
    write_nir(tmp_path / "one.nir", network, learned)
    raster = engine().simulate(network, learned, network.fresh_state(1), 0, _raster(ticks))
    mine = np.zeros((ticks, NEURONS), bool)
    mine[raster.tick, raster.neuron] = True
    assert mine.sum() > 2 * NEURONS
    assert raster.synaptic_events > ticks * NEURONS / 10
    its = run_on_norse(load_graph(tmp_path / "one.nir"), _dense_input(ticks), tick=network.config.tick)
    np.testing.assert_array_equal(its, mine)


def test_exact_constants_stepped_by_euler_are_not_the_same_spikes(tmp_path):
    """The two ways to write constants differ, so that the test above could fail."""
    pytest.importorskip("norse")
    network, ticks = network_of(PLAIN), 500
    same, other = (run_on_norse(to_nir(network, None, way), _dense_input(ticks)) for way in ("euler", "exact"))
    assert (same != other).any()


def test_norse_is_not_asked_for_what_it_would_leave_out():
    pytest.importorskip("norse")
    graph = to_nir(network_of(PLAIN | {"neuron.v_reset": -0.5}))
    with pytest.raises(ConfigError, match="v_reset"):
        run_on_norse(graph, _dense_input(3))


def test_what_nir_cannot_hold_is_named():
    names = {loss.name for loss in losses(network_of({}))}
    assert names == {
        "refractory period", "adaptive threshold", "plasticity", "homeostasis", "sparse weights", "tick",
    }  # fmt: skip
    assert {loss.name for loss in losses(network_of(PLAIN))} == {"sparse weights", "tick"}
    assert "int8 levels" in {loss.name for loss in losses(network_of(PLAIN | {"performance.spike_precision": "int8"}))}


def test_a_graph_that_was_changed_beside_its_metadata_is_refused():
    graph = to_nir(network_of({}))
    graph.nodes["neurons"].v_threshold[3] += 0.5
    with pytest.raises(ModelFormatError, match="neurons"):
        from_nir(graph)
    graph = to_nir(network_of({}))
    graph.edges.remove(("neurons", "inhibition_pool"))
    with pytest.raises(ModelFormatError, match="edges"):
        from_nir(graph)
    graph = to_nir(network_of({}))
    del graph.metadata["snnlab"]["targets"]
    with pytest.raises(ModelFormatError, match="targets"):
        from_nir(graph)
    graph.metadata["snnlab"]["format"] = 99
    with pytest.raises(ModelVersionError, match="99"):
        from_nir(graph)


def test_a_weight_that_another_tool_changed_is_read():
    network = network_of({})
    graph = to_nir(network)
    source, target = 5, int(network.targets[5, 1])
    graph.nodes["recurrent_weights"].weight[target, source] = 0.125
    assert from_nir(graph).learned["weights"][source, 1] == 0.125


def _foreign(recurrent, **values):
    rng = np.random.default_rng(1)
    arrays = {
        "tau_mem": 0.02, "tau_syn": 0.005, "r": 1.0, "v_leak": 0.0, "v_reset": 0.0, "v_threshold": 1.0, "w_in": 5.0,
    } | values  # fmt: skip
    node = nir.CubaLIF(**{name: np.broadcast_to(value, 20).astype(float) for name, value in arrays.items()})
    nodes = {
        "in": nir.Input(input_type={"input": np.array([4])}),
        "w": nir.Linear(weight=rng.uniform(0, 6, (20, 4))),
        "lif": node,
        "out": nir.Output(output_type={"output": np.array([20])}),
    }
    edges = [("in", "w"), ("w", "lif"), ("lif", "out")]
    if recurrent:
        nodes |= {"r": nir.Linear(weight=rng.normal(0, 0.4, (20, 20))), "d": nir.Delay(delay=np.full(20, 1e-3))}
        edges += [("lif", "r"), ("r", "d"), ("d", "lif")]
    return nir.NIRGraph(nodes=nodes, edges=edges)


def test_anothers_graph_is_read_with_its_weights_and_thresholds(tmp_path):
    graph = _foreign(recurrent=True, v_threshold=np.linspace(1.0, 2.0, 20))
    nir.write(tmp_path / "foreign.nir", graph)
    found = read_nir(tmp_path / "foreign.nir")
    network = found.network
    assert (network.n_neurons, network.n_inputs, found.notes) == (20, 4, ())
    dense = np.zeros((20, 20))
    np.put_along_axis(dense, network.targets.astype(int), network.weights, axis=1)
    np.testing.assert_allclose(dense.T, graph.nodes["r"].weight, rtol=1e-6)
    np.testing.assert_allclose(1.0 + found.learned["threshold"], np.linspace(1.0, 2.0, 20), rtol=1e-6)
    ticks = 200
    tick, address = np.nonzero(np.random.default_rng(0).random((ticks, 4)) < 0.3)
    given = np.searchsorted(tick, np.arange(ticks + 1)).astype(np.int64), address.astype(np.int32)
    raster = engine().simulate(network, found.learned, network.fresh_state(1), 0, given)
    again = from_nir(to_nir(network, found.learned))
    other = engine().simulate(again.network, again.learned, again.network.fresh_state(1), 0, given)
    assert raster.tick.size > 50
    np.testing.assert_array_equal(raster.neuron, other.neuron)


def test_what_a_network_cannot_hold_of_anothers_graph_is_told():
    graph = _foreign(recurrent=True)
    graph.nodes["d"].delay[:] = 0.0
    assert "one tick" in from_nir(graph).notes[0]
    with pytest.raises(ConfigError, match="tau_mem"):
        from_nir(_foreign(recurrent=False, tau_mem=np.linspace(0.01, 0.02, 20)))
    graph = _foreign(recurrent=True)
    graph.nodes["d"].delay[:] = 5e-3
    with pytest.raises(ConfigError, match=r"delay of 5\.0 ms"):
        from_nir(graph)
    graph = _foreign(recurrent=False)
    graph.nodes["lif"] = nir.IF(r=np.ones(20), v_threshold=np.ones(20))
    with pytest.raises(ConfigError, match="'lif' \\(IF\\)"):
        from_nir(graph)


def test_no_file_and_a_file_of_something_else_are_told_apart(tmp_path):
    with pytest.raises(ModelNotFound, match="no file"):
        read_nir(tmp_path / "none.nir")
    (tmp_path / "text.nir").write_text("not HDF5")
    with pytest.raises(ModelFormatError, match="no whole NIR graph"):
        read_nir(tmp_path / "text.nir")
    with pytest.raises(ConfigError, match="neither euler nor exact"):
        to_nir(network_of({}), None, "heun")
