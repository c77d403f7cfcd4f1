"""What the claims measure and how; what comes out is the benchmark's to say."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from snnlab.bench import claims, contest, growth, plots
from snnlab.bench.cli import app
from snnlab.bench.contest import Contest
from snnlab.bench.peers import lstm
from snnlab.bench.rows import Row
from snnlab.datasets.generators import generate
from snnlab.errors import EngineMissing
from snnlab.evaluation.cost import Operations, energy

needs_torch = pytest.mark.skipif(not lstm.installed(), reason="PyTorch is not installed")

IDS = [
    "claims.quality",
    "claims.latency",
    "claims.latency.p50",
    "claims.latency.gain",
    "claims.energy",
    "claims.energy.one_event",
    "claims.energy.estimate",
    "claims.energy.gain",
    "claims.throughput",
    "claims.throughput.one_thread",
    "claims.throughput.gain",
    "claims.memory",
    "claims.memory.model",
]


COUNTED = "claims.energy.estimate"
"""There where the detector's road counts its operations."""


@pytest.fixture(scope="module")
def watched():
    return Contest.of((2,), events=2_000)


@needs_torch
def test_all_claims_are_measured_beside_the_autoencoder(monkeypatch):
    monkeypatch.setattr(claims, "NEURONS", (200, 400))
    found = claims.run((2, 4), events=2_000, rounds=1, ones=5, batch=50)
    figures = {row.figure.id: row.figure for row in found.rows}
    assert [name for name in figures if name != COUNTED] == [name for name in IDS if name != COUNTED]
    assert all(figure.value > 0 for figure in figures.values())
    assert all(figure.peer_value > 0 for name, figure in figures.items() if not name.endswith(".gain"))
    assert figures["claims.latency.gain"].value == pytest.approx(figures["claims.latency.p50"].ratio)
    assert figures["claims.throughput.gain"].value == pytest.approx(figures["claims.throughput"].ratio)
    assert figures["claims.energy.gain"].bar == 100.0
    assert figures["claims.memory"].peer_value == pytest.approx(1.97, abs=0.03)
    assert "4 W a core" in found.notes
    assert "no meter" in found.notes


@needs_torch
def test_energy_is_processor_time_times_watts(watched):
    times = contest.Times(one=np.array([[1.0, 2.0, 50.0]]), bulk=np.array([[9.0, 10.0]]), two=np.array([[9.0, 10.0]]))
    rows = {row.figure.id: row.figure for row in claims._energy(times, times, 4.0, watched)}
    assert rows["claims.energy"].value == pytest.approx(10e-6 * 4.0 * 1e3)
    assert rows["claims.energy.one_event"].value == pytest.approx(50e-6 * 4.0 * 1e3)


@needs_torch
def test_the_estimate_is_of_the_operations_that_were_counted(watched):
    done = Operations(events=2_000, spikes=8_000, synaptic=1_000_000, updates=512_000)
    (row,) = claims._estimate(replace(watched, operations=done))
    assert row.figure.id == COUNTED
    assert row.figure.value == pytest.approx(energy(done).joules_per_event * 1e3)
    assert row.figure.peer_value == pytest.approx(watched.autoencoder.multiplications * 4.6e-9)
    assert claims._estimate(replace(watched, operations=None)) == []


@needs_torch
def test_the_smallest_that_is_as_good_is_taken_and_else_the_best():
    day = generate("sensor", seed=1, events=2_000)
    assert contest._matched(day, 0.0, (4, 2))[0].hidden == 2
    best, quality = contest._matched(day, 2.0, (1, 2))
    assert best.hidden in {1, 2}
    assert quality <= 1.0


def test_single_events_are_those_of_the_piece():
    piece = generate("sensor", seed=1, events=500).events.slice(10, 14)
    ones = contest.singles(piece)
    assert [len(one) for one in ones] == [1, 1, 1, 1]
    assert all(one == piece.slice(at, at + 1) for at, one in enumerate(ones))


def test_without_torch_the_claims_say_what_to_install(monkeypatch):
    monkeypatch.setattr(lstm, "installed", lambda: False)
    with pytest.raises(EngineMissing, match=r"snnlab\[research\]"):
        claims.run()
    done = CliRunner().invoke(app, ["claims"])
    assert done.exit_code == 2
    assert "snnlab[research]" in done.output


def test_memory_is_linear_in_neurons_and_entities_but_not_with_a_share_of_all():
    found = {curve.id: curve for curve in growth.curves((400, 800), (256, 512), size=64)}
    assert list(found) == [*(f"memory.neurons.{kind}" for kind in growth.KINDS), "memory.entities"]
    assert 0.85 < found["memory.neurons.static"].law.exponent < 1.05
    assert 0.85 < found["memory.neurons.plastic"].law.exponent < 1.05
    assert 1.7 < found["memory.neurons.share"].law.exponent < 2.05
    assert 0.9 < found["memory.entities"].law.exponent < 1.1
    assert found["memory.neurons.plastic"].bytes[1] > found["memory.neurons.static"].bytes[1]
    rows = {row.figure.id: row.figure for row in growth.rows(list(found.values()))}
    assert rows["memory.entities"].holds is not None
    assert rows["memory.neurons.share"].bar is None


def test_a_plot_is_written_in_the_format_of_its_name(tmp_path):
    rows = [Row.of("a.b", 2.0, "us", peer="p", peer_value=4.0, better="lower")]
    plots.save(plots.ratios(rows, "bench a"), tmp_path / "a.svg")
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()[:600]
    curve = growth.Curve("memory.entities", "64 neurons", (1, 2), (10, 20))
    plots.save(
        plots.growth([curve, growth.Curve("memory.neurons.static", "static", (1, 2), (1, 2))]), tmp_path / "b.png"
    )
    assert (tmp_path / "b.png").read_bytes()[:4] == b"\x89PNG"


def test_a_plot_that_cannot_be_drawn_is_refused_before_anything_is_measured(tmp_path):
    for name in ("a.gif", "none/a.png"):
        done = CliRunner().invoke(app, ["latency", "--plot", str(tmp_path / name)])
        assert done.exit_code == 2
