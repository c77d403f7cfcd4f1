import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest

HEADER = ["event_id", "timestamp", "entity", "score", "severity", "anomaly", "type"]


def rows_of(path):
    with path.open(newline="") as content:
        header, *rows = csv.reader(content)
    assert header == HEADER
    return rows


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """A file without times, entities or labels, with one burst in it."""
    path = tmp_path_factory.mktemp("calm") / "calm.csv"
    rng = np.random.default_rng(0)
    values = rng.normal([20.0, 1.0], [1.0, 0.1], (1500, 2))
    values[1400:1405] = [60.0, 4.0]
    path.write_text("pressure,flow\n" + "".join(f"{a:.4f},{b:.4f}\n" for a, b in values))
    return path


def test_an_untrained_detector_learns_a_file_without_times_in_its_order(snnlab, calm, tmp_path):
    out = tmp_path / "out.csv"
    done = snnlab("score", calm, "--domain", "sensor", "--scores", out)
    assert done.code == 0, done.err
    rows = rows_of(out)
    assert [row[0] for row in rows] == [str(at) for at in range(1500)]
    found = [int(row[0]) for row in rows if row[5] == "1"]
    assert set(found) & set(range(1400, 1405))
    assert all(row[6] for row in rows if row[5] == "1")
    assert all(not row[6] for row in rows if row[5] == "0")
    scores = [float(row[3]) for row in rows]
    assert max(scores) == max(scores[1400:1405])
    assert "1500 events" in done.out
    assert "severity" in done.out


def test_a_trained_detector_judges_new_files_of_any_format_alike(snnlab, files, tmp_path):
    model, figures = tmp_path / "model.snn", tmp_path / "figures.json"
    done = snnlab("train", "--domain", "security", "--data", files / "train.csv", "--save", model, "--no-track")
    assert done.code == 0, done.err
    assert "left out" in done.out
    told = []
    for name in ("test.csv", "test.csv.gz", "test.parquet"):
        out = tmp_path / f"{name}.out"
        done = snnlab("score", files / name, "--model", model, "--scores", out, "--json", figures)
        assert done.code == 0, done.err
        told.append(out.read_text())
    assert told[0] == told[1] == told[2]
    assert len(told[0].splitlines()) == 1501
    assert "ROC-AUC" in done.out
    values = {row["id"]: row["value"] for row in json.loads(figures.read_text())["rows"]}
    assert values["score.events"] == 1500
    assert values["score.roc_auc"] > 0.9
    assert not (tmp_path / "mlruns").exists()


def test_two_runs_of_a_model_are_the_same_and_leave_the_file_as_it_was(snnlab, files, tmp_path):
    model = tmp_path / "model.snn"
    snnlab("train", "--domain", "security", "--data", files / "train.csv", "--save", model, "--no-track")
    before = model.read_bytes()
    told = []
    for learn in ("--learn", "--learn", "--no-learn"):
        snnlab("score", files / "test.csv", "--model", model, "--scores", tmp_path / "out.csv", learn)
        told.append((tmp_path / "out.csv").read_text())
    assert told[0] == told[1]
    assert told[1] != told[2]
    assert model.read_bytes() == before


def test_extra_columns_are_ignored_and_missing_ones_are_named(snnlab, refused, calm, tmp_path):
    model = tmp_path / "model.snn"
    snnlab("train", "--domain", "sensor", "--data", calm, "--save", model, "--no-track")
    wide, narrow = tmp_path / "wide.csv", tmp_path / "narrow.csv"
    wide.write_text("colour,flow,pressure,weight\n" + "red,1.0,20.0,7\nblue,1.1,21.0,8\n")
    narrow.write_text("pressure\n20.0\n21.0\n")
    assert snnlab("score", wide, "--model", model).code == 0
    assert "no column 'flow'" in refused("score", narrow, "--model", model)
    words = tmp_path / "words.csv"
    words.write_text("pressure,flow\nlow,1.0\nhigh,1.1\n")
    assert "'pressure'" in refused("score", words, "--model", model)


def test_late_events_are_scored_or_where_it_is_asked_for_rejected_and_counted(snnlab, tmp_path):
    path, out = tmp_path / "late.csv", tmp_path / "out.csv"
    times = [1_700_000_000 + at * 60 for at in range(400)]
    times[300] -= 10_000_000
    path.write_text("timestamp,entity,load\n" + "".join(f"{t},a,{1 + (at % 7) / 10}\n" for at, t in enumerate(times)))
    assert snnlab("score", path, "--domain", "performance", "--scores", out).code == 0
    assert all(row[3] for row in rows_of(out))
    done = snnlab("score", path, "--domain", "performance", "--scores", out, "--lateness", "60")
    assert done.code == 0, done.err
    row = rows_of(out)[300]
    assert (row[3], row[5], row[6]) == ("", "0", "")
    assert "1 events of late were rejected" in done.err
    assert len(rows_of(out)) == 400


def test_a_file_in_disorder_is_taken_in_its_order_with_one_warning(snnlab, tmp_path):
    path, out = tmp_path / "shuffled.csv", tmp_path / "out.csv"
    times = np.random.default_rng(0).permutation(300) * 60 + 1_700_000_000
    path.write_text("timestamp,load\n" + "".join(f"{t},{1 + (at % 7) / 10}\n" for at, t in enumerate(times)))
    done = snnlab("score", path, "--domain", "performance", "--scores", out)
    assert done.code == 0, done.err
    assert done.err.count("sort the file by time") == 1
    assert [int(row[1]) for row in rows_of(out)] == [int(t) * 1_000_000 for t in times]
    assert all(row[3] for row in rows_of(out))


def test_standard_input_and_output(calm):
    done = subprocess.run(
        [sys.executable, "-m", "snnlab", "score", "-", "--domain", "sensor", "--scores", "-"],
        input=calm.read_text(),
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0].split(",") == HEADER
    assert len(lines) == 1501
    assert "1500 events" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a,b\n1,2\n3\n", "line 3"),
        ("load\n", "no rows"),
        ("", "empty"),
        ("load\ninf\n", "inf"),
    ],
)
def test_a_file_that_is_none_is_refused(refused, tmp_path, content, told):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    assert told in refused("score", path, "--domain", "sensor")


def test_wrong_arguments_are_refused_in_one_sentence(refused, calm, tmp_path):
    assert "either --domain" in refused("score", calm)
    assert "security" in refused("score", calm, "--domain", "secrity")
    assert "no public set" in refused("score", tmp_path / "nothing.csv", "--domain", "sensor")
    assert "models:/NAME@champion" in refused("score", calm, "--model", tmp_path / "nothing.snn")
    assert "--no-learn" in refused("score", calm, "--domain", "sensor", "--no-learn")
    assert "folder" in refused("score", tmp_path, "--domain", "sensor")
    assert "no column 'speed'" in refused("score", calm, "--domain", "sensor", "--features", "speed")
    assert "cannot be written" in refused("score", calm, "--domain", "sensor", "--scores", tmp_path / "no" / "out.csv")
    (tmp_path / "cut.snn").write_bytes(b"snnlab")
    assert refused("score", calm, "--model", tmp_path / "cut.snn")


@pytest.mark.real
def test_public_sets_are_scored_by_name(snnlab, tmp_path):
    if "SNNLAB_DATA" not in os.environ:
        pytest.skip("SNNLAB_DATA names no folder of public sets")
    done = snnlab("score", "nab/realTweets/Twitter_volume_IBM", "--domain", "performance")
    assert done.code == 0, done.err
    assert "ROC-AUC" in done.out
    done = snnlab("score", "skab/valve2", "--domain", "sensor", "--scores", tmp_path / "out.csv")
    assert done.code == 0, done.err
    assert done.out.count("ROC-AUC") == 4
    assert all(row[0].count("/") >= 2 for row in rows_of(tmp_path / "out.csv"))
