import json

import numpy as np
import pytest

from snnlab.datasets.generators import generate
from snnlab.detectors import Detector
from snnlab.evaluation import Operations, energy, evaluate, measured, run
from snnlab.evaluation.cost import ENERGIES
from snnlab.evaluation.measuring import SHOWN, WATTS_A_CORE
from snnlab.evaluation.rapl import Rapl
from snnlab.reservoirs.engines.tally import add


def test_updates_of_neurons_count_where_their_energy_is_published():
    operations = Operations(events=2, spikes=5, synaptic=1_000, updates=500)
    assert energy(operations).joules == pytest.approx((1_000 * 23.6 + 500 * 81.0) * 1e-12)
    assert "500 synaptic operations x 23.6 pJ + 250 updates of neurons x 81 pJ" in str(energy(operations))
    assert energy(operations, "spinnaker2").joules == pytest.approx(1_000 * 10.0 * 1e-12)
    assert "without neuron updates" in str(energy(operations, "spinnaker2"))


def test_sparsity_is_the_share_of_updates_without_a_spike():
    both = Operations(1, 10, 0, 500) + Operations(1, 20, 0, 1_000)
    assert both == Operations(2, 30, 0, 1_500)
    assert both.activation_sparsity == pytest.approx(0.98)
    assert np.isnan(Operations(1, 0, 0).activation_sparsity)


def test_every_energy_has_a_source_and_says_that_it_is_an_estimate():
    for chip, rates in ENERGIES.items():
        content = energy(Operations(1, 1, 1, 1), chip).to_json()
        assert content["source"] == rates.source
        assert content["estimate"] is True
        assert any(year in rates.source for year in ("2014", "2018", "2023"))


@pytest.fixture(scope="module")
def stream():
    return generate("sensor", seed=1, events=1_500)


def test_a_detectors_run_is_counted_and_the_report_shows_it(stream):
    detector = Detector.for_events("sensor", stream.events, shards=2)
    with measured(detector) as measuring:
        verdicts = run(detector, stream)
    cost = measuring.cost
    neurons, ticks = detector.plan.network.n_neurons, detector.domain.clock.event_ticks
    assert cost.operations.events == len(stream)
    assert cost.operations.updates >= len(stream) * neurons * ticks
    assert cost.operations.updates % neurons == 0
    assert 0.9 < cost.operations.activation_sparsity < 1.0
    assert cost.operations.synaptic > cost.operations.spikes > 0
    assert cost.cpu_seconds > 0
    learnt = sum(array.nbytes for shard in detector.shards for array in shard.learnt.values())
    assert cost.footprint > learnt
    report = evaluate(verdicts, stream, baselines=[]).with_cost(cost)
    assert "estimated on loihi" in str(report)
    assert "cost; energies are estimates" in report._repr_html_()
    content = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert content["cost"] == cost.figures()
    assert {f"cost.joules_per_event.{chip}" for chip in SHOWN} <= content["cost"].keys()
    assert cost.figures()["cost.joules_per_event.cpu"] == cost.cpu_seconds * WATTS_A_CORE / len(stream)
    assert "estimated energy" in str(cost)


def test_counting_does_not_change_what_is_said(stream):
    batch = stream.events.slice(0, 400)
    plain = Detector.for_events("sensor", batch).process(batch).score
    counted = Detector.for_events("sensor", batch)
    with measured(counted):
        np.testing.assert_array_equal(counted.process(batch).score, plain)


def test_without_a_reservoir_there_is_nothing_to_count(stream):
    detector = Detector.for_events("sensor", stream.events, reservoir=False)
    with measured(detector) as measuring:
        detector.process(stream.events.slice(0, 10))
    assert measuring.cost is None


def test_an_open_measure_takes_what_any_engine_adds():
    detector = Detector.build("sensor", names=["pressure"])
    with measured(detector) as measuring:
        add(3, 40, 500)
    assert measuring.cost.operations == Operations(0, 3, 40, 500)


def _counters(folder, microjoules, most=1_000_000):
    for package, value in enumerate(microjoules):
        place = folder / f"intel-rapl:{package}"
        place.mkdir(parents=True, exist_ok=True)
        (place / "energy_uj").write_text(f"{value}\n")
        (place / "max_energy_range_uj").write_text(f"{most}\n")
        (folder / f"intel-rapl:{package}:0").mkdir(exist_ok=True)  # a part of the package, counted in it


def test_energy_counters_are_summed_over_packages_and_start_again_at_their_limit(tmp_path):
    _counters(tmp_path, [100, 999_000])
    rapl = Rapl.of(tmp_path)
    assert (len(rapl.packages), rapl.refused) == (2, "")
    before = rapl.read()
    _counters(tmp_path, [600, 2_000])
    assert rapl.joules(before) == pytest.approx((500 + 3_000) * 1e-6)


def test_a_machine_without_counters_or_with_locked_ones_says_so(tmp_path):
    assert "no energy counters" in Rapl.of(tmp_path / "none").refused
    assert "no energy counters" in Rapl.of(tmp_path).refused
    (tmp_path / "intel-rapl:0" / "energy_uj").mkdir(parents=True)  # what cannot be read as a file
    locked = Rapl.of(tmp_path)
    assert "cannot be read" in locked.refused
    assert locked.joules(locked.read()) is None
