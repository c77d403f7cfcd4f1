import pytest

from snnlab.datasets.files import read_events
from snnlab.datasets.generators import generate


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_generated_events_read_again_are_the_same(snnlab, tmp_path, ending):
    path = tmp_path / f"sensor.{ending}"
    assert snnlab("data", "generate", "sensor", "--events", 600, "--seed", 5, "--out", path).code == 0
    made, read = generate("sensor", 5, 600), read_events(path)
    assert read.events.names == made.events.names
    assert read.events.category_names == made.events.category_names
    assert read.events.event_ids == made.events.event_ids
    assert read.events.timestamps.tolist() == made.events.timestamps.tolist()
    assert read.events.values == pytest.approx(made.events.values)
    assert read.label.tolist() == made.label.tolist()
    assert list(read.kind) == list(made.kind)


def test_bad_requests_are_refused(refused, tmp_path):
    assert "no generator" in refused("data", "generate", "weather", "--out", tmp_path / "a.csv")
    assert ".parquet" in refused("data", "generate", "sensor", "--out", tmp_path / "a.xlsx")
    assert "cannot be written" in refused("data", "generate", "sensor", "--out", tmp_path / "no" / "a.csv")
    assert "500" in refused("data", "generate", "sensor", "--events", 3)
    assert "no public set 'nap'" in refused("data", "fetch", "nap")


def test_sets_that_are_absent_are_listed_with_the_command_that_brings_them(snnlab, tmp_path, monkeypatch):
    monkeypatch.delenv("SNNLAB_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    told = snnlab("data", "list").out
    assert all(f"snnlab data fetch {name}" in told for name in ("nab", "skab", "asd", "nsl_kdd", "card_fraud"))


def test_sets_that_are_there_are_listed_with_their_streams(snnlab, tmp_path, monkeypatch):
    runs = tmp_path / "skab" / "data" / "valve1"
    told = snnlab("data", "list", "--names")
    assert told.code == 0
    assert not runs.exists()
