import json

import pytest

from snnlab.errors import ConfigError
from snnlab.evaluation import Figure, Operations, document, energy, machine
from snnlab.evaluation.figures import table


def test_lower_is_better_turns_ratio_and_bar_round():
    figure = Figure.of("latency.verdict.256.p99", 50.0, "us", peer="torch", peer_value=200.0, bar=100.0, better="lower")
    assert figure.ratio == 4.0
    assert figure.holds
    assert not Figure.of("x", 101.0, "us", bar=100.0, better="lower").holds


def test_what_could_not_be_measured_does_not_hold():
    assert Figure.of("x", float("nan"), "F1", bar=0.5).holds is False


def test_the_document_is_strict_json():
    rows = [Figure.of("a", float("nan"), "F1"), Figure.of("b", 2.0, "F1", bar=1.0)]
    text = json.loads(json.dumps(document("bench detection", rows, kernel="avx2"), allow_nan=False))
    assert set(text) == {"command", "snnlab", "machine", "rows"}
    assert text["machine"]["kernel"] == "avx2"
    assert text["rows"][0]["value"] is None
    assert set(text["rows"][1]) == {"id", "value", "unit", "peer", "peer_value", "ratio", "bar", "holds"}


def test_the_machine_says_what_it_is():
    assert machine()["cpu"]
    assert machine()["cores"] >= 1


def test_a_bar_that_is_missed_is_plain_to_see():
    assert "NO" in table([Figure.of("a", 0.1, "F1", bar=0.5)])


def test_energy_is_operations_times_published_picojoules():
    operations = Operations(1, 5, 100_000) + Operations(1, 5, 83_000)
    assert energy(operations).joules == pytest.approx(183_000 * 23.6e-12)
    assert energy(operations, "truenorth").joules_per_event == pytest.approx(183_000 * 2.5e-12 / 2)
    assert energy(operations).to_json()["estimate"] is True
    assert "estimated" in str(energy(operations))


def test_an_unknown_chip_is_refused_by_name():
    with pytest.raises(ConfigError, match="akida"):
        energy(Operations(1, 1, 1), "akida")
