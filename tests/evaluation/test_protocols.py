"""Protocols on streams of a few hundred events; on the real sets where SNNLAB_DATA names them."""

import os
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from snnlab.datasets.generators import DOMAINS
from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import ConfigError
from snnlab.evaluation import protocols
from snnlab.evaluation.baselines import BASELINES
from snnlab.evaluation.metrics import vus_pr
from snnlab.evaluation.protocols import generated
from snnlab.evaluation.protocols.card_fraud import delayed
from snnlab.evaluation.protocols.judging import ranked
from snnlab.evaluation.protocols.nsl_kdd import normals_then_test
from snnlab.events import EventBatch

real = pytest.mark.skipif("SNNLAB_DATA" not in os.environ, reason="SNNLAB_DATA names no folder of public sets")
DAY = 86_400_000_000


@pytest.fixture
def use(monkeypatch):
    """Give a protocol these streams instead of those of its set, and get its figures by name."""

    def figures(name, parts, factory):
        monkeypatch.setattr(import_module(f"snnlab.evaluation.protocols.{name}"), "streams", lambda *_: parts)
        rows = protocols.run(name, factory)
        prefix = f"detection.{name}."
        assert all(row.id.startswith(prefix) for row in rows)
        return {row.id.removeprefix(prefix): row for row in rows}

    return figures


def test_nab_ranks_the_alarms_and_reports_its_own_threshold_beside(use, stream, factory):
    part = replace(stream, windows=[(300, 309), (400, 409), (500, 509)])
    rows = use("nab", [part, part], factory)
    assert rows["standard"].value == pytest.approx(100.0)
    assert rows["standard"].holds
    assert rows["standard.own_threshold"].value == pytest.approx(100.0)
    assert set(rows) == {f"{p}{own}" for p in ("standard", "low_fp", "low_fn") for own in ("", ".own_threshold")}


def test_skab_pools_points_after_training_online_and_frozen(use, stream, factory):
    made = []

    def noted(part):
        made.append(factory(part))
        return made[-1]

    rows = use(
        "skab",
        [
            replace(stream, meta={"changepoints": [50, 300, 400, 500]}),
            replace(stream, label=np.zeros(600, np.int8), kind=()),
        ],
        noted,
    )
    assert len(made) == 2  # the run without anomalies is left out; one online run, one frozen
    assert made[0].learnt == [True] * 600
    assert made[1].learnt == [True] * 100 + [False] * 500
    assert rows["f1"].value == pytest.approx(2 * 3 / (2 * 3 + 3))
    assert rows["far"].value == pytest.approx(100 * 3 / 497)
    assert rows["far"].holds
    assert rows["mar"].value == 0.0
    assert rows["changepoint_nab"].value == pytest.approx(100.0)


def test_asd_takes_means_over_servers(use, stream, factory):
    rows = use("asd", [replace(stream, name="omi-1"), replace(stream, name="omi-2")], factory)
    assert rows["vus_pr"].value == pytest.approx(rows["omi-1.vus_pr"].value)
    assert rows["vus_pr"].peer == "smoothed_difference"
    assert 0 < rows["ap"].value <= 1


def test_nsl_trains_on_normal_connections_only(use, stream, factory):
    label = stream.label.copy()
    label[10] = 1
    dirty = replace(stream, label=label, kind=())
    clean = normals_then_test(dirty)
    assert len(clean) == 599
    assert clean.train == 99
    assert clean.label.sum() == 3
    rows = use("nsl_kdd", [dirty], factory)
    assert rows["auc"].value > 0.99
    assert set(rows) == {"auc", "f1", "best_f1", "prequential_auc"}


def test_process_logs_are_judged_by_case(use, factory):
    bad = np.arange(20) % 5 == 0
    values = np.zeros((20, 4))
    values[bad, 2] = 9.0
    events = EventBatch.from_columns(
        values.reshape(-1, 1), ["amount"], entities=[f"case {case}" for case in np.arange(20).repeat(4)]
    )
    part = LabelledStream("Receipt-0.1-1", events, bad.repeat(4).astype(np.int8), meta={"log": "Receipt"})
    rows = use("process_logs", [part, part], factory)
    assert rows["receipt_f1"].value == 1.0
    assert rows["receipt_f1"].peer_value == pytest.approx(2 * 0.2 / 1.2)


@pytest.fixture
def cards():
    """Twelve days of fifty transactions, one fraud a day, the amount a giveaway."""
    rng = np.random.default_rng(0)
    amount, label = rng.normal(50, 1, (600, 1)), np.zeros(600, np.int8)
    amount[25::50], label[25::50] = 90, 1
    times = np.arange(12).repeat(50) * DAY + np.tile(np.arange(50), 12) * 1_000_000
    events = EventBatch.from_columns(
        amount, ["amount"], timestamps=times, entities=[f"card{i % 40}" for i in range(600)]
    )
    return LabelledStream("all", events, label, train=100)


def test_card_labels_come_seven_days_late(cards, detector):
    verdicts = delayed(detector, cards)
    assert verdicts.event_id == cards.events.event_ids
    day_of = dict(zip(cards.events.event_ids, cards.events.timestamps // DAY, strict=True))
    assert {at // DAY - day_of[event] for event, _, at in detector.labels} == {7}
    truth = dict(zip(cards.events.event_ids, cards.label, strict=True))
    assert all(label == bool(truth[event]) for event, label, _ in detector.labels)
    assert sum(label for _, label, _ in detector.labels) == 5


def test_card_fraud_is_judged_after_the_training_month(use, cards, factory):
    rows = use("card_fraud", [cards], factory)
    assert rows["ap"].value > 0.4
    assert rows["cp100"].value == pytest.approx(rows["cp100_attainable"].value)


def test_generated_streams_are_judged_by_their_worst_type():
    found = generated.run(protocols.detectors_of("generated"), seeds=(71,))
    rows = {row.id.removeprefix("detection.generated."): row for row in found}
    assert list(rows) == [f"{domain}.{name}" for domain in DOMAINS for name in ("least_ap", "accuracy", "false_alarms")]
    assert all(row.holds for row in found)
    assert all(0.0 < rows[f"{domain}.least_ap"].peer_value <= 1.0 for domain in DOMAINS)


def test_a_rejected_event_ranks_lowest():
    assert ranked(np.array([0.0, np.nan, 2.0])).argmin() == 1


def test_an_unknown_set_is_refused_by_name():
    with pytest.raises(ConfigError, match="'kdd99'"):
        protocols.protocol("kdd99")


@real
@pytest.mark.real
def test_vus_pr_of_plain_scores_on_asd_is_what_was_published_elsewhere():
    from snnlab.datasets import public

    frozen, chance, smooth = [], [], []
    for number, part in enumerate(public.load("asd")):
        rows, label = slice(part.train, None), part.label[part.train :]
        values = part.events.values
        mean, spread = values[: part.train].mean(0), values[: part.train].std(0)
        frozen.append(vus_pr((((values[rows] - mean) / np.where(spread > 0, spread, 1.0)) ** 2).mean(1), label))
        chance.append(vus_pr(np.random.default_rng(number).random(len(label)), label))
        smooth.append(vus_pr(BASELINES["smoothed_difference"](part)[rows], label))
    assert np.mean(frozen) == pytest.approx(0.144, abs=0.005)
    assert np.mean(chance) == pytest.approx(0.105, abs=0.005)
    assert np.mean(smooth) == pytest.approx(0.66, abs=0.01)


@real
@pytest.mark.real
def test_flagging_everything_on_skab_gives_the_known_f1(factory):
    rows = {row.id: row for row in protocols.run("skab", factory)}
    assert rows["detection.skab.best_f1"].peer_value == pytest.approx(0.698, abs=0.001)
    assert rows["detection.skab.f1"].peer_value == pytest.approx(0.80, abs=0.01)
