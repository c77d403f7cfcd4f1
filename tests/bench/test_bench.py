"""Structure, ids and documents; how long anything takes is what the benchmarks say, and no test."""

import json
from contextlib import ExitStack
from functools import partial
from shutil import which

import numpy as np
import pytest
from typer.testing import CliRunner

from snnlab.bench import batch_replay, detection, engine, growth, imports, latency, memory, seed, seed_tasks, throughput
from snnlab.bench.cli import app
from snnlab.bench.engine_network import network_of, raster
from snnlab.bench.peers.dense import DenseNetwork
from snnlab.bench.peers.simulators import prepared
from snnlab.bench.peers.torch_cells import SpikingRows
from snnlab.bench.rows import Row, report, result
from snnlab.bench.timing import Spread, each, in_turn, settled
from snnlab.bench.workload import detector, stream
from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError, DatasetMissing
from snnlab.evaluation.figures import Figure
from snnlab.reservoirs import Network
from snnlab.reservoirs import engine as engine_of
from snnlab.reservoirs.engines.peers.run import Run

KEYS = {"id", "value", "unit", "peer", "peer_value", "ratio", "bar", "holds"}


def ids(rows):
    return [row.figure.id for row in rows]


def test_a_document_has_the_agreed_keys_and_the_machine(tmp_path):
    rows = [Row.of("a.b", Spread.of([1.0, 3.0]), "s", peer="p", peer_value=4.0, bar=1.0, better="lower")]
    text = report("bench a", rows, path=tmp_path / "a.json", notes="why")
    content = json.loads((tmp_path / "a.json").read_text())
    assert {"command", "snnlab", "machine", "rows"} <= set(content)
    assert set(content["rows"][0]) == KEYS
    assert content["spread"]["a.b"] == {"median": 2.0, "low": 1.0, "high": 3.0, "rounds": 2}
    assert {"cpu", "cores", "kernel", "load"} <= set(content["machine"])
    assert "a.b" in text
    assert "2x" in text
    assert "NO" in text
    assert text.endswith("why")


def test_the_median_of_the_rounds_is_the_figure():
    row = Row.of("a", Spread.of([5.0, 1.0, 2.0]), "events/s", peer="p", peer_value=Spread.of([1.0, 1.0]))
    assert row.figure == Figure("a", 2.0, "events/s", "p", 1.0, 2.0)


def test_rounds_are_taken_in_turn_and_the_first_is_thrown_away():
    order = []

    def measure(name):
        return lambda at: order.append((name, at)) or np.array([at])

    found = in_turn(2, a=measure("a"), b=measure("b"))
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert found["a"].ravel().tolist() == [1, 2]


def test_wall_and_processor_time_are_both_taken():
    with settled():
        taken = each([lambda: None] * 3)
    assert taken.shape == (3, 2)
    assert (taken >= 0).all()


def test_every_entity_is_known_before_one_comes_again():
    batch = stream(30, features=3, entities=10)
    assert len(set(batch.entities.words()[:10])) == 10
    assert batch.names == ("f0", "f1", "f2")
    assert len(detector(batch).domain.features) == 3
    assert len(detector(batch, own_past=True).domain.features) == 6


@pytest.mark.parametrize(("learn", "synapse"), [(False, "delta"), (True, "delta"), (False, "exponential")])
def test_the_dense_peer_does_the_engine_s_work_spike_for_spike(learn, synapse):
    changes = {
        "reservoir.input_synapse": synapse,
        "reservoir.neurons": 80,
        "performance.spike_precision": "float64",
        "learning.homeostasis.rate": 0.0,
        "learning.algorithm": "STDP" if learn else "none",
    }
    network = Network.build(NeuromorphicConfig().replace(changes), n_inputs=100)
    given = raster(network, 200)
    learned, state = network.fresh_learned(), network.fresh_state(1)
    spikes = engine_of("native").simulate(network, learned, state, 0, given, learn)
    dense = DenseNetwork(network, learn=learn)
    ptr, address = given
    fired = [dense.step(address[ptr[t] : ptr[t + 1]]) for t in range(200)]
    assert [(t, j) for t, some in enumerate(fired) for j in some.tolist()] == list(
        zip(spikes.tick.tolist(), spikes.neuron.tolist(), strict=True)
    )
    assert len(spikes.tick) > 100


def test_latency_names_its_percentiles():
    rows = latency.run((64,), events=8, entities=20, rounds=2)
    kinds = [f"latency.{kind}.64" for kind in ("verdict", "columns", "reservoir")]
    assert ids(rows) == [f"{kind}.{q}" for kind in kinds for q in ("p50", "p99", "cpu_p50", "cpu_p99")]
    assert all(row.figure.value > 0 and row.figure.ratio for row in rows)
    assert {row.spread.rounds for row in rows} == {2}
    assert latency.BARS[256] == 50.0


def test_throughput_runs_one_and_two_shards():
    rows = throughput.run((64,), events=60, entities=30, batch=30, rounds=1)
    assert ids(rows) == [
        "throughput.verdicts.64",
        "throughput.verdicts.64.cpu_second",
        "throughput.verdicts.64.one_shard",
        "throughput.verdicts.64.own_past",
        "throughput.events_per_tick.64",
    ]
    assert rows[0].figure.bar == 250_000.0


def test_memory_is_a_slope():
    rows = memory.run((64,), entities=32, synapse_neurons=50)
    assert ids(rows) == ["memory.entity.64", "memory.synapse.static", "memory.synapse.plastic"]
    static = rows[1].figure
    assert static.value == pytest.approx(6.0)
    assert rows[2].figure.value > static.value


def test_engine_names_its_sizes():
    rows, notes = engine.run((64,), ticks=5, rounds=1)
    assert ids(rows) == [
        "engine.static.64",
        "engine.static.64.float32",
        "engine.static.64.rate",
        "engine.stdp.64",
        "engine.stdp.64.rate",
        "engine.two_shards",
    ]
    assert rows[0].figure.peer == "numpy dense"
    assert rows[-1].figure.bar == 1.8
    assert "int8" in notes


def test_peers_stand_beside_the_same_figure_and_are_drawn(tmp_path):
    pytest.importorskip("nest")
    pytest.importorskip("norse")
    picture, report = tmp_path / "engine.png", tmp_path / "engine.json"
    peers = [word for name in ("nest", "torch_index_add", "norse") for word in ("--peers", name)]
    small = ["engine", "--neurons", "64", "--ticks", "5", "--rounds", "1", "--json", str(report)]
    done = CliRunner().invoke(app, [*small, *peers, "--plot", str(picture)])
    assert done.exit_code == 0, done.output
    found = {row["id"]: row for row in json.loads(report.read_text())["rows"]}
    named = {
        "engine.static.64.nest",
        "engine.static.64.torch_index_add",
        "engine.static.64.norse",
        "engine.stdp.64.nest",
    }
    assert named < set(found)
    assert all(found[name]["ratio"] > 0 and found[name]["peer"] == name.split(".")[-1] for name in named)
    assert "engine.stdp.64.norse" not in found
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_bars_are_those_of_the_kernel_that_ran(monkeypatch):
    subject = engine._Subject(10_000, "static", 1, 1)
    for told, bar in (("int8 AVX-512 expansion of bit masks", 6.0), ("int8 rows of levels", 4.0)):
        monkeypatch.setattr(engine.Native, "kernel", staticmethod(lambda network, told=told: told))
        assert subject._bar("brian2_cpp", None) == bar
    assert engine._Subject(10_000, "stdp", 1, 1)._bar("nest", None) == 50.0
    assert engine._Subject(1000, "static", 1, 1)._bar("nest", None) is None
    row = Row.of("a", 2.0, "us/tick", peer="p", peer_value=11.0, better="lower")
    assert [row.with_ratio_bar(bar).figure.holds for bar in (5.0, 6.0, None)] == [True, False, None]


def test_rows_added_by_index_in_torch_fire_as_the_engine_does():
    torch = pytest.importorskip("torch")
    network = network_of(100, "static", "float64")
    learned, state = network.fresh_learned(), network.fresh_state(1)
    given = raster(network, 200)
    peer = SpikingRows(Run.of(network, learned, state, 0, given, learn=False))
    spikes = engine_of("native").simulate(network, learned, state, 0, given)
    assert peer.simulate(torch) == spikes.tick.size > 100
    np.testing.assert_allclose(peer._v.numpy(), state["membrane"][0], atol=1e-9)
    assert torch.get_num_threads() >= 1
    assert peer.time(0).shape == (1,)


def test_a_replay_on_a_device_stands_beside_all_cores(monkeypatch):
    monkeypatch.setattr(batch_replay, "ENTITIES", 3)
    monkeypatch.setattr(batch_replay, "NETWORKS", 2)
    static, learning = network_of(64, "static", "float32"), network_of(64, "stdp")
    given = raster(static, 5)
    monkeypatch.setattr(batch_replay, "device", lambda *_, **__: None)
    assert batch_replay.rows(static, learning, given, 1) == []
    monkeypatch.setattr(batch_replay, "device", lambda *_, **__: engine_of("native"))  # stands in for one
    figures = [row.figure for row in batch_replay.rows(static, learning, given, 1)]
    assert [figure.id for figure in figures] == [
        "engine.replay.64.cuda",
        "engine.replay.64.cuda.norse",
        "engine.sweep.64.cuda",
    ]
    assert all(figure.ratio > 0 for figure in figures)


@pytest.mark.slow
def test_a_program_of_brian2_is_built_once_and_timed_each_round():
    pytest.importorskip("brian2")
    if which("g++") is None:
        pytest.skip("there is no g++ to compile with")
    network = network_of(64, "static")
    with ExitStack() as stack:
        measure = prepared("brian2_cpp", network, partial(raster, network), 1, stack, learn=False)
        assert (np.concatenate([measure(0), measure(1)]) > 0).all()


def test_an_ablation_stands_beside_the_whole_detector(monkeypatch):
    made = []

    def protocol(name, factory, root):
        made.append(factory)
        return [Figure.of(f"detection.{name}.f1", 0.4 + 0.4 / len(made), "F1", bar=0.7)]

    monkeypatch.setattr(detection, "protocol", protocol)
    monkeypatch.setattr(detection, "detectors_of", lambda name, **options: options)
    rows = detection.run(("skab",), ablation=("reservoir", "plasticity"))
    assert made == [{}, {"reservoir": False}, {"plasticity": False}]
    assert ids(rows) == [f"detection.skab.f1{end}" for end in ("", ".no_reservoir", ".no_plasticity")]
    assert rows[0].figure.holds
    assert rows[1].figure.bar is None
    assert rows[1].figure.peer_value == pytest.approx(0.8)
    assert rows[1].figure.ratio == pytest.approx(0.75)


def test_what_cannot_be_measured_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="'magic'"):
        detection.run(("skab",), ablation=("magic",))
    with pytest.raises(DatasetMissing, match="snnlab data fetch"):
        detection.run(root=tmp_path)


def test_importing_is_timed_in_new_processes(monkeypatch):
    assert list(imports._WAYS) == ["snnlab", "detector"]
    monkeypatch.setattr(imports, "_WAYS", {"snnlab": "import snnlab"})
    monkeypatch.setattr(imports, "_PEER", "pass")
    (row,) = imports.run(rounds=1)
    assert row.figure.id == "import.snnlab"
    assert row.figure.bar == 0.6


def test_the_command_writes_what_it_prints_and_draws_it(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "NEURONS", (200, 400))
    monkeypatch.setattr(growth, "ENTITIES", (32, 64))
    plot = tmp_path / "out.png"
    done = CliRunner().invoke(
        app, ["memory", "--neurons", "64", "--json", str(tmp_path / "out.json"), "--plot", str(plot)]
    )
    assert done.exit_code == 0, done.output
    assert plot.stat().st_size > 1_000
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["command"] == "bench memory"
    assert all(row["id"] in done.output for row in content["rows"])


def test_bad_input_ends_with_one_sentence_and_code_2(tmp_path):
    runner = CliRunner()
    assert runner.invoke(app, ["memory", "--json", str(tmp_path / "none" / "out.json")]).exit_code == 2
    assert "'magic'; there is all, brian2_cpp" in runner.invoke(app, ["engine", "--peers", "magic"]).output
    refused = runner.invoke(app, ["detection", "skab", "--ablation", "magic"])
    assert refused.exit_code == 2
    assert "magic" in refused.output


def test_nothing_is_unknown_to_json():
    told = json.loads(json.dumps(result("bench x", [Row.of("a", float("nan"), "s", bar=1.0)]), allow_nan=False))
    assert told["rows"][0]["value"] is None


def test_the_largest_configuration_is_the_one_that_is_asked_for():
    config = NeuromorphicConfig.from_yaml(seed.CONFIG)
    assert (config.input.neurons, config.reservoir.neurons, config.readout.neurons) == (1_000, 10_000, 100)
    assert (config.reservoir.connectivity, config.reservoir.spectral_radius) == (0.1, 0.9)
    assert (config.learning.algorithm, config.performance.spike_precision) == ("STDP", "float32")


def test_a_small_one_of_its_kind_is_trained_saved_loaded_and_served(tmp_path):
    small = tmp_path / "small.yaml"
    small.write_text(seed.CONFIG.read_text().replace("neurons: 10000", "neurons: 300"))
    rows = seed.run(events=1_000, entities=600, service=False, config=small)
    values = {row.figure.id: row.figure.value for row in rows}
    assert ids(rows) == [
        "seed.build", "seed.train", "seed.artifact", "seed.rate", "seed.rate_off", "seed.input_gain", "seed.load",
        "seed.exact_after_load", "seed.entities", "seed.resident.shard",
    ]  # fmt: skip
    assert values["seed.exact_after_load"] == 1.0
    assert values["seed.entities"] >= 600
    assert 0.0 < values["seed.artifact"] < 5.0
    assert values["seed.resident.shard"] > 50.0
    assert 0.0 < values["seed.rate"] < 50.0


def test_served_events_are_one_an_entity_and_later_with_each_lap():
    one, two = seed_tasks.spread(40, lap=1), seed_tasks.spread(40, lap=2)
    assert len(set(one.entities.words())) == len(one) == 40
    assert not set(one.event_ids) & set(two.event_ids)
    assert two.timestamps.min() > one.timestamps.max() - 3_600_000_000
    one.check()


def test_a_part_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="ModelNotFound"):
        seed._apart("served", str(tmp_path / "none.snn"), 3)


@pytest.mark.slow  # it makes a tracking store
def test_a_small_one_of_its_kind_passes_the_gate(tmp_path):
    small, model = tmp_path / "small.yaml", tmp_path / "small.snn"
    small.write_text(seed.CONFIG.read_text().replace("neurons: 10000", "neurons: 300"))
    seed_tasks.trained(str(small), str(model), 1_000)
    gate = seed._apart("promoted", str(model), str(tmp_path))
    assert gate["promoted"]
    assert gate["same"]
    assert 0.0 < gate["value"] <= 1.0
