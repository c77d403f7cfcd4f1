"""What an engine must hold that learns online, event by event. Peers are held to such an engine: see test_peers."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.reservoirs import Network, engine

pytestmark = pytest.mark.parametrize("name", ["native"])

ENTITIES, INPUTS, TICKS = 5, 40, 2


def network(**changes):
    small = {"reservoir.neurons": 96, "reservoir.input_strength": 0.3}
    return Network.build(NeuromorphicConfig().replace(small | changes), INPUTS, seed=1)


def events(n, seed=0):
    rng = np.random.default_rng(seed)
    address = rng.integers(-1, INPUTS, (n, 9)).astype(np.int32)
    tick = rng.integers(0, TICKS, (n, 9)).astype(np.int32)
    gap = np.where(rng.random(n) < 0.5, 0, rng.integers(0, 150, n)).astype(np.int64)
    return rng.integers(0, ENTITIES, n).astype(np.int32), address, tick, gap


def drive(name, net, learned, state, stream, part=slice(None), learn=True):
    rows, address, tick, gap = (column[part] for column in stream)
    return engine(name).drive(net, learned, state, rows, address, tick, gap, TICKS, learn)


def whole(name, net, stream, learn=True):
    learned, state = net.fresh_learned(), net.fresh_state(ENTITIES)
    return drive(name, net, learned, state, stream, learn=learn), learned, state


def same(one, other):
    return sorted(one) == sorted(other) and all(np.array_equal(one[key], other[key]) for key in one)


def spikes(*activities):
    return [
        (activity.neuron[a:b].tolist(), activity.counts[a:b].tolist())
        for activity in activities
        for a, b in zip(activity.ptr[:-1], activity.ptr[1:], strict=True)
    ]


@settings(derandomize=True, deadline=None, max_examples=20)
@given(cuts=st.lists(st.integers(0, 300), max_size=5))
def test_a_batch_may_be_split_anywhere(name, cuts):
    net, stream = network(), events(300)
    expected, learned, state = whole(name, net, stream)
    edges = [0, *sorted(cuts), 300]
    piecewise, own = net.fresh_learned(), net.fresh_state(ENTITIES)
    parts = [drive(name, net, piecewise, own, stream, slice(a, b)) for a, b in pairwise(edges)]
    assert spikes(*parts) == spikes(expected)
    assert same(piecewise, learned)
    assert same(own, state)
    assert sum(part.total_spikes for part in parts) == expected.total_spikes > 0
    assert sum(part.synaptic_events for part in parts) == expected.synaptic_events > 0


def test_saving_and_restoring_in_mid_stream_changes_nothing(name, tmp_path):
    net, stream = network(), events(400)
    expected, learned, state = whole(name, net, stream)
    first, second = net.fresh_learned(), net.fresh_state(ENTITIES)
    before = drive(name, net, first, second, stream, slice(0, 170))
    for file, arrays in (("network", net.to_arrays()), ("learned", first), ("state", second)):
        np.savez(tmp_path / f"{file}.npz", **arrays)
    read = {
        file: dict(np.load(tmp_path / f"{file}.npz", allow_pickle=False)) for file in ("network", "learned", "state")
    }
    again = Network.from_arrays(read["network"])
    after = drive(name, again, read["learned"], read["state"], stream, slice(170, None))
    assert spikes(before, after) == spikes(expected)
    assert same(read["learned"], learned)
    assert same(read["state"], state)


def test_the_future_changes_nothing(name):
    net, stream = network(), events(200)
    other = tuple(np.concatenate([a[:120], b[120:]]) for a, b in zip(stream, events(200, seed=9), strict=True))
    assert spikes(whole(name, net, stream)[0])[:120] == spikes(whole(name, net, other)[0])[:120]


def test_shards_on_threads_give_what_they_give_alone(name):
    net = network()
    shards = [events(3000, seed) for seed in range(4)]
    alone = [whole(name, net, shard) for shard in shards]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda shard: whole(name, net, shard), shards))
    for (activity, learned, state), (other, other_learned, other_state) in zip(alone, together, strict=True):
        assert spikes(activity) == spikes(other)
        assert same(learned, other_learned)
        assert same(state, other_state)


def test_entities_do_not_hear_each_other(name):
    net, stream = network(), events(300)
    mixed = spikes(whole(name, net, stream, learn=False)[0])
    chosen = stream[0] == 2
    learned, state = net.fresh_learned(), net.fresh_state(ENTITIES)
    alone = drive(name, net, learned, state, tuple(column[chosen] for column in stream), learn=False)
    assert spikes(alone) == [mixed[e] for e in np.flatnonzero(chosen)]


def test_it_learns_only_when_told(name):
    net, stream = network(), events(300)
    _, learned, _ = whole(name, net, stream, learn=False)
    assert same(learned, net.fresh_learned())
    _, learned, _ = whole(name, net, stream, learn=True)
    assert all(not np.array_equal(learned[key], array) for key, array in net.fresh_learned().items())
    assert (learned["weights"][net.excitatory > 0] >= 0).all()
    assert learned["weights"].max() <= np.float32(net.w_max)
    assert np.array_equal(learned["weights"][net.excitatory == 0], net.weights[net.excitatory == 0])


def test_neurons_are_sorted_and_counts_add_up(name):
    activity, _, _ = whole(name, network(), events(300))
    assert len(activity) == 300
    for neurons, counts in spikes(activity):
        assert neurons == sorted(set(neurons))
        assert all(1 <= count <= TICKS for count in counts)
    assert activity.counts.sum() <= activity.total_spikes


def test_a_volley_of_all_neurons_is_reported_whole(name):
    net = network(**{"reservoir.input_strength": 50.0, "reservoir.input_fan_in": 96, "neuron.refractory": 1.0})
    net = Network.build(net.config.replace({"learning.homeostasis.rate": 0.0}), INPUTS)
    stream = events(200)
    expected, _, _ = whole(name, net, stream)
    learned, state = net.fresh_learned(), net.fresh_state(ENTITIES)
    one_by_one = [drive(name, net, learned, state, stream, slice(e, e + 1)) for e in range(200)]
    assert spikes(*one_by_one) == spikes(expected)
    assert expected.neuron.size > 200 * net.n_neurons // 4


def test_a_gap_is_what_silent_ticks_would_be(name):
    changes = {"performance.spike_precision": "float64", "learning.homeostasis.rate": 0.0}
    net = network(**changes, **{"reservoir.settle_ticks": 10_000})
    stream = events(60)
    by_gap, learned, state = whole(name, net, (stream[0] * 0, *stream[1:]))
    ticked, own = net.fresh_learned(), net.fresh_state(ENTITIES)
    found = []
    for e in range(60):
        silent = np.zeros(stream[3][e] + 1, np.int64), np.empty(0, np.int32)
        engine(name).simulate(net, ticked, own, 0, silent, learn=True)
        part = (np.zeros(1, np.int32), *(column[e : e + 1] for column in stream[1:3]), np.zeros(1, np.int64))
        found.append(drive(name, net, ticked, own, part))
    assert spikes(*found) == spikes(by_gap)
    for key in state:
        np.testing.assert_allclose(own[key][0], state[key][0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ticked["weights"], learned["weights"], rtol=1e-9)


def test_driving_and_simulating_agree(name):
    net = network()
    rng = np.random.default_rng(2)
    address = rng.integers(0, INPUTS, (200, 6)).astype(np.int32)
    rows = np.zeros(200, np.int32)
    learned, state = net.fresh_learned(), net.fresh_state(1)
    activity = engine(name).drive(net, learned, state, rows, address, address * 0, rows.astype(np.int64), 1)
    simulated, own = net.fresh_learned(), net.fresh_state(1)
    raster = engine(name).simulate(net, simulated, own, 0, (np.arange(201) * 6, address.ravel()), learn=True)
    assert raster.neuron.tolist() == activity.neuron.tolist()
    assert raster.tick.tolist() == np.repeat(np.arange(200), np.diff(activity.ptr)).tolist()
    assert raster.synaptic_events == activity.synaptic_events
    assert same(own, state)
    assert same(simulated, learned)


def test_float32_and_float64_fire_alike(name):
    rates = []
    for precision in ("float32", "float64"):
        net = network(**{"performance.spike_precision": precision})
        rates.append(whole(name, net, events(4000))[0].total_spikes)
    assert rates[0] == pytest.approx(rates[1], rel=0.1)


def test_a_warm_engine_does_not_keep_its_first_event_waiting(name):
    net, stream = network(), events(1)
    engine(name).warm(net)
    learned, state = net.fresh_learned(), net.fresh_state(ENTITIES)
    started = time.perf_counter()
    drive(name, net, learned, state, stream)
    assert time.perf_counter() - started < 0.5


def test_an_empty_batch_is_nothing(name):
    net, stream = network(), events(5)
    learned, state = net.fresh_learned(), net.fresh_state(ENTITIES)
    activity = drive(name, net, learned, state, stream, slice(0, 0))
    assert len(activity) == activity.neuron.size == activity.total_spikes == 0
    assert same(state, net.fresh_state(ENTITIES))


def test_a_very_long_gap_ends_at_rest(name):
    net, stream = network(), events(50)
    _, learned, state = whole(name, net, stream)
    rows = np.arange(ENTITIES, dtype=np.int32)
    nothing = np.full((ENTITIES, 1), -1, np.int32)
    gap = np.full(ENTITIES, 2**40, np.int64)
    engine(name).drive(net, learned, state, rows, nothing, nothing, gap, 1)
    assert same(state, net.fresh_state(ENTITIES))


@pytest.mark.parametrize(
    ("column", "value"), [(0, ENTITIES), (0, -1), (1, INPUTS), (1, -2), (2, TICKS), (2, -1), (3, -1)]
)
def test_an_index_out_of_range_is_refused_and_nothing_has_changed(name, column, value):
    net, stream = network(), events(20)
    stream[1][13] = 1
    stream[column][13] = value
    learned, state = net.fresh_learned(), net.fresh_state(ENTITIES)
    with pytest.raises(ConfigError, match="event 13"):
        drive(name, net, learned, state, stream)
    assert same(state, net.fresh_state(ENTITIES))
    assert same(learned, net.fresh_learned())


def test_arrays_that_do_not_fit_are_refused(name):
    net, stream = network(), events(20)
    learned, state = net.fresh_learned(), net.fresh_state(ENTITIES)
    with pytest.raises(ConfigError, match="one row, one gap"):
        drive(name, net, learned, state, (stream[0][:5], *stream[1:]))
    with pytest.raises(ConfigError, match="fresh_state"):
        drive(name, net, learned, network(**{"reservoir.neurons": 64}).fresh_state(ENTITIES), stream)
    with pytest.raises(ConfigError, match="fresh_learned"):
        drive(name, net, network(**{"reservoir.fan_in": 4}).fresh_learned(), state, stream)
    with pytest.raises(ConfigError, match="row 5"):
        engine(name).simulate(net, learned, state, ENTITIES, (np.zeros(2, np.int64), np.empty(0, np.int32)))
    with pytest.raises(ConfigError, match="ptr"):
        engine(name).simulate(net, learned, state, 0, (np.array([0, 2]), np.zeros(1, np.int32)))
    with pytest.raises(ConfigError, match="input neurons"):
        engine(name).simulate(net, learned, state, 0, (np.array([0, 1]), np.array([INPUTS], np.int32)))


@pytest.mark.parametrize("pieces", [1, 7, 300])
def test_attached_it_gives_what_it_gives_otherwise(name, pieces):
    net, stream = network(), events(300)
    expected, learned, state = whole(name, net, stream)
    own_learned, own_state = net.fresh_learned(), net.fresh_state(ENTITIES)
    attached = engine(name).attach(net, own_learned, own_state)
    found, total, synaptic = [], 0, 0
    for part in np.array_split(np.arange(300), pieces):
        activity = attached.drive(*(column[part[0] : part[-1] + 1] for column in stream), TICKS)
        found += spikes(activity)  # read before the next call takes the buffers back
        total, synaptic = total + activity.total_spikes, synaptic + activity.synaptic_events
    assert found == spikes(expected)
    assert (total, synaptic) == (expected.total_spikes, expected.synaptic_events)
    assert same(own_learned, learned)
    assert same(own_state, state)


def test_attached_it_refuses_as_it_does_otherwise_and_goes_on(name):
    net, stream = network(), events(40)
    expected, learned, state = whole(name, net, stream)
    own_learned, own_state = net.fresh_learned(), net.fresh_state(ENTITIES)
    attached = engine(name).attach(net, own_learned, own_state)
    for column, value in [(0, ENTITIES), (1, INPUTS), (2, TICKS), (3, -1)]:
        bad = tuple(array.copy() for array in stream)
        bad[1][13] = 1
        bad[column][13] = value
        with pytest.raises(ConfigError, match="event 13"):
            attached.drive(*bad, TICKS)
    with pytest.raises(ConfigError, match="one row, one gap"):
        attached.drive(*stream[:3], stream[3][:5], TICKS)
    assert spikes(attached.drive(*stream, TICKS)) == spikes(expected)
    assert same(own_learned, learned)
    assert same(own_state, state)


def test_only_arrays_that_fit_can_be_attached(name):
    net = network()
    other = network(**{"reservoir.neurons": 64})
    nothing = np.zeros((0, 1), np.int32)
    for learned, state in (
        (net.fresh_learned(), other.fresh_state(2)),
        (network(**{"reservoir.fan_in": 4}).fresh_learned(), net.fresh_state(2)),
    ):
        with pytest.raises(ConfigError, match="fresh_"):
            engine(name).attach(net, learned, state).drive(nothing[:, 0], nothing, nothing, np.zeros(0, np.int64), 1)


def test_an_unknown_engine_is_refused(name):
    with pytest.raises(ConfigError, match=name):
        engine(name + "x")
