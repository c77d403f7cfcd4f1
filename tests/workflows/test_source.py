import numpy as np
import pytest

from snnlab.datasets.generators import generate
from snnlab.errors import ConfigError, DataError, SnnlabError
from snnlab.streams import connect
from snnlab.workflows import load_stream, replay


def test_a_generated_stream_is_that_of_its_seed_and_world():
    made = load_stream("sensor", seed=3, world=1, events=800)
    assert made.events == generate("sensor", 3, 800, world=1).events


def test_a_file_is_read_with_its_columns(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("when,host,cpu,bad\n2026-01-01T00:00:00Z,a,1.0,0\n2026-01-01T00:01:00Z,b,2.0,1\n")
    stream = load_stream("performance", str(path), columns={"timestamp": "when", "entity": "host", "label": "bad"})
    assert stream.events.names == ("cpu",)
    assert stream.events.entities.words() == ["a", "b"]
    assert stream.label.tolist() == [0, 1]


def test_what_was_replayed_to_the_bus_comes_back_in_order_of_time(tmp_path):
    made = generate("sensor", 1, 800)
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    told = []
    done = replay(made, url, "web", shards=4, progress=told.append)
    assert (done.published, done.dead, sum(told)) == (800, 0, 800)
    back = load_stream("sensor", f"{url}#web")
    assert not back.labelled
    assert sorted(back.events.event_ids) == sorted(made.events.event_ids)
    assert (np.diff(back.events.timestamps) >= 0).all()
    replay(made, url, "web")


@pytest.mark.parametrize("data", ["nowhere.csv", "no_such_set", "sqlite:///bus.db", "kafka://x#y"])
def test_what_is_no_source_says_so(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SnnlabError) as told:
        load_stream("sensor", data)
    assert data.partition("#")[0] in str(told.value)


def test_an_empty_stream_of_the_bus_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    with connect(url) as bus:
        bus.create("web")
    with pytest.raises(DataError, match="no events"):
        load_stream("sensor", f"{url}#web")


def test_an_unknown_domain_has_no_generator():
    with pytest.raises(ConfigError, match="weather"):
        load_stream("weather")
