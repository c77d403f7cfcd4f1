import numpy as np
import pytest

from snnlab.detectors.naming import Naming
from snnlab.detectors.verdicts import Verdicts
from snnlab.errors import ConfigError
from snnlab.events import EventBatch
from snnlab.explain import Departure, attribution, departures, narrate
from snnlab.explain.narrative import departed, surprised


def verdicts_of(batch, groups, kind="latency_spike"):
    n = len(batch)
    return Verdicts(
        events=batch,
        score=np.full(n, 6.0),
        threshold=2.0,
        alarm=np.ones(n),
        word=np.full(n, 6.0),
        rarities=np.zeros((n, 0)),
        naming=Naming((kind,), np.zeros((1, 3))),
        groups=np.asarray(groups, float),
        group_names=("latency", "errors", "load"),
        pattern=np.zeros((n, 4), np.float32),
    )


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.normal(130, 10, 200), rng.normal(1, 0.1, 200)])
    values[150, 0] = 340.0
    return EventBatch.from_columns(values, ["latency_ms", "errors"], entities=["checkout"] * 200)


def test_shares_add_up_and_negative_evidence_is_none(batch):
    one = batch.slice(0, 1)
    shares = attribution(verdicts_of(one, [[3.0, -2.0, 1.0]]), 0)
    assert [(share.name, share.share) for share in shares] == [("latency", 0.75), ("load", 0.25)]
    assert attribution(verdicts_of(one, [[-1.0, np.nan, 0.0]]), 0) == ()


def test_departures_read_the_past_only(batch):
    cut = batch.slice(0, 151)
    assert departures(batch, 150) == departures(cut, 150)
    first = departures(batch, 150)[0]
    assert first.feature == "latency_ms"
    assert first.strength == pytest.approx(21, rel=0.2)
    assert first.events == 150


def test_the_narrowest_past_with_enough_events_is_named():
    day = 86_400_000_000
    values = np.arange(100.0)[:, None]
    hourly = EventBatch.from_columns(values, ["x"], timestamps=np.arange(100) * day)
    apart = EventBatch.from_columns(values, ["x"], timestamps=np.arange(100) * (day // 3))
    others = EventBatch.from_columns(values, ["x"], entities=["a"] * 99 + ["b"])
    assert departures(hourly, 99)[0].reference == "at this hour"
    assert departures(apart, 99)[0].reference == "at this hour"
    assert departures(apart, 60)[0].reference == "lately"
    assert departures(others, 99)[0].reference == "in this stream"
    assert departures(others, 20) == ()


def test_a_step_after_a_constant_past_is_strong_but_finite():
    values = np.r_[np.ones(50), 2.0, 1.0][:, None]
    batch = EventBatch.from_columns(values, ["x"])
    assert departures(batch, 50)[0].strength == 1000.0
    assert departures(EventBatch.from_columns(np.ones((51, 1)), ["x"]), 50)[0].strength == 0.0


def test_the_sentence_says_what_how_strong_and_against_what(batch):
    text = narrate(verdicts_of(batch, np.ones((200, 3))), 150, batch)
    assert text.startswith("latency_ms of checkout is very far above what it shows at this hour (340 against 1")
    assert text.endswith("x its own deviation); read as latency spike, severity 0.75.")


def test_without_values_the_groups_are_named(batch):
    one = batch.slice(0, 1)
    text = narrate(verdicts_of(one, [[3.0, 1.0, 0.0]], kind=""), 0)
    assert text == (
        "checkout is unlike what was expected of it, mostly in latency (75 % of the evidence), "
        "then errors (25 %); severity 0.75."
    )
    assert "many features a little" in narrate(verdicts_of(one, [[0.0, 0.0, 0.0]]), 0, one)


def test_a_row_that_is_not_there_is_refused(batch):
    verdicts = verdicts_of(batch.slice(0, 2), np.ones((2, 3)))
    with pytest.raises(ConfigError, match="row 2; rows are 0 to 1"):
        narrate(verdicts, 2)
    with pytest.raises(ConfigError, match="row 200"):
        departures(batch, 200)


def test_a_stream_without_entities_is_not_called_all():
    far = [Departure("load", 9.0, 2.0, 1.0, 60, "lately")]
    assert departed("all", far).startswith("load is far above what it shows lately")
    assert surprised("all", ()).startswith("the stream is unlike")
