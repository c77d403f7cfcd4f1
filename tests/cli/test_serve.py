from uuid import uuid4

import pytest

from snnlab.stores import AnomalyFilter, connect


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("SNNLAB_HOME", "SNNLAB_BUS", "SNNLAB_STORE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_worker_scores_what_was_replayed_and_goes_on_where_it_stopped(snnlab, files, place):
    header, *lines = (files / "train.csv").read_text().splitlines(keepends=True)
    (place / "before.csv").write_text(header + "".join(lines[:900]))
    (place / "after.csv").write_text(header + "".join(lines[900:2400]))
    snnlab("train", "--domain", "security", "--data", "before.csv", "--save", "model.snn", "--no-track")
    done = snnlab("replay", "after.csv", "--to", "sqlite:///bus.db", "--topic", "office", "--shards", "2")
    assert done.code == 0, done.err
    assert "1500 events published" in done.out
    work = ["--model", "model.snn", "--from", "sqlite:///bus.db", "--topic", "office", "--once"]
    done = snnlab("worker", *work)
    assert done.code == 0, done.err
    assert "1500 events scored by model" in done.out
    assert "office: 0 events scored" in snnlab("worker", *work).out
    with connect(f"sqlite:///{place / '.snnlab' / 'store.db'}") as store:
        assert store.anomalies(AnomalyFilter(stream="office"), limit=10).items


def test_what_cannot_be_replayed_or_worked_on_is_refused(refused, files, place):
    to = ["--to", "sqlite:///bus.db", "--topic", "office"]
    assert "speed" in refused("replay", files / "test.csv", *to, "--speed", "quickly")
    assert "no public set" in refused("replay", "nothing.csv", *to)
    away = ["--to", "pulsar://127.0.0.1:1", "--topic", "office"]
    assert "Pulsar's HTTP interface at http://127.0.0.1:1431" in refused("replay", files / "test.csv", *away)
    assert "only Pulsar" in refused("rekey", "raw", "--bus", "sqlite:///bus.db", "--topic", "office")
    assert "no stream" in refused("dead-letters", "list", "--from", "sqlite:///bus.db", "--topic", "wed")
    assert "no model" in refused("worker", "--model", "no.snn", "--from", "sqlite:///bus.db", "--topic", "office")
    assert "no model" in refused("serve", "--model", "no.snn")


def test_the_same_road_leads_over_pulsar_and_ignite(snnlab, files, place, pulsar_url, empty_ignite):
    header, *lines = (files / "train.csv").read_text().splitlines(keepends=True)
    (place / "before.csv").write_text(header + "".join(lines[:900]))
    (place / "after.csv").write_text(header + "".join(lines[900:1800]))
    snnlab("train", "--domain", "security", "--data", "before.csv", "--save", "model.snn", "--no-track")
    bus = f"{pulsar_url}/cli/{uuid4().hex}"
    done = snnlab("replay", "after.csv", "--to", bus, "--topic", "office", "--shards", "2", "--speed", "max")
    assert "900 events published" in done.out, done.err
    snnlab("replay", "before.csv", "--to", bus, "--topic", "office")
    work = ["worker", "--model", "model.snn", "--from", bus, "--store", empty_ignite, "--topic", "office", "--once"]
    done = snnlab(*work)
    assert "1800 events scored by model" in done.out, done.err
    listed = snnlab("dead-letters", "list", "--from", bus, "--topic", "office").out
    assert "more than" in listed
    assert "behind the last event" in listed
    waiting = int(listed.split("office: ")[1].split()[0])
    assert waiting > 0
    done = snnlab("dead-letters", "replay", "--from", bus, "--topic", "office")
    assert f"{waiting} events published again, 0 stay" in done.out
    assert f"office: {waiting} events scored" in snnlab(*work).out
    with connect(empty_ignite) as store:
        assert store.anomalies(AnomalyFilter(stream="office"), limit=10).items
