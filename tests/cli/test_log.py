"""What processes of their own tell: their logs line by line, and the trace that leads through them."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from snnlab.detectors import Detector
from snnlab.events import EventBatch

START = 1_700_000_000_000_000


def table(count, begun=0):
    rng = np.random.default_rng(begun)
    rows = np.arange(begun, begun + count)
    values = rng.normal([0.5, 20.0], [0.05, 2.0], (count, 2))
    return rows, values


@pytest.fixture
def place(tmp_path):
    rows, values = table(1200)
    detector = Detector.build("performance", names=["cpu", "latency"], entities=True, seed=1)
    entities = [f"host-{row % 5}" for row in rows]
    detector.process(
        EventBatch.from_columns(values, ["cpu", "latency"], timestamps=START + rows * 1_000_000, entities=entities)
    )
    (tmp_path / "web.snn").write_bytes(detector.save())
    rows, values = table(200, begun=1200)
    values[150:155] = [5.0, 900.0]
    with (tmp_path / "live.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["timestamp", "entity", "cpu", "latency"])
        for row, value in zip(rows.tolist(), values.tolist(), strict=True):
            out.writerow([START + row * 1_000_000, f"host-{row % 5}", *value])
    return tmp_path


@pytest.mark.slow  # two processes of the command line, which import and compile
def test_processes_tell_one_story_in_their_logs_and_in_one_trace(place, collector):
    def command(*words):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SNNLAB_", "OTEL_"))}
        own = {"SNNLAB_HOME": str(place), "SNNLAB_LOG_LEVEL": "debug", "SNNLAB_API_KEY": "secret-key"}
        done = subprocess.run(
            [sys.executable, "-m", "snnlab", *words],
            cwd=place,
            env=clean | own | collector.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "secret-key" not in done.stderr
        return [json.loads(line) for line in done.stderr.splitlines()]

    bus = ["sqlite:///bus.db", "--topic", "hosts"]
    assert command("replay", "live.csv", "--to", *bus, "--shards", "2") == []
    lines = command("worker", "--model", "web.snn", "--from", *bus, "--once")
    events = [line["event"] for line in lines]
    assert (events[0], events[-1]) == ("worker started", "worker stopped")
    assert lines[-1]["n_events"] == 200
    assert {line["shard"] for line in lines if line["event"] == "shard taken"} == {0, 1}
    assert {line["shard"] for line in lines if line["event"] == "shard released"} == {0, 1}
    assert {line["shard"] for line in lines if line["event"] == "checkpoint"} == {0, 1}
    assert {(line["model"], line["stream"]) for line in lines} == {("web", "hosts")}
    told = [line for line in lines if line["event"] == "anomaly"]
    assert told
    assert {"anomaly_id", "event_id", "shard", "type", "severity", "trace_id", "span_id"} <= set(told[0])
    (sent,) = collector.named("publish hosts")
    worked = {one.id: one for one in collector.named("process hosts")}
    assert {(one.trace, one.parent) for one in worked.values()} == {(sent.trace, sent.id)}
    assert {one.attributes["snnlab.shard"] for one in worked.values()} == {0, 1}
    assert {(line["trace_id"], line["span_id"] in worked) for line in told} == {(sent.trace, True)}
    assert (sent.service, {one.service for one in worked.values()}) == ("snnlab-replay", {"snnlab-worker"})
