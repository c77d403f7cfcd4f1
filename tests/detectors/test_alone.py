"""One event by itself: the same verdict, and the same learnt from it, as in a batch."""

from dataclasses import fields

import numpy as np
import pytest

from snnlab import domains
from snnlab.detectors import Detector, Verdicts
from snnlab.detectors.alone import Alone
from snnlab.events import EventBatch
from snnlab.features import Clock

N = 400
LONG = "ä" * 200  # 400 bytes


def stream(seed=5, owners=40, begin=0):
    rng = np.random.default_rng(seed)
    entities = [f"host-{one}" for one in rng.integers(0, owners, N)]
    entities[50] = entities[250] = LONG
    times = begin + np.cumsum(rng.integers(1, 2_000_000, N))
    times[120] -= 60_000_000  # too late, where the clock minds
    values = rng.normal(size=(N, 3))
    values[300] = 40.0
    kinds = {"zone": [("a", "b", None)[one] for one in rng.integers(0, 3, N)]}
    return EventBatch.from_columns(
        values, ["x", "y", "z"], timestamps=times, event_ids=[f"e{one}" for one in range(N)], entities=entities,
        categories=kinds,
    )  # fmt: skip


def singles(batch):
    """The events one by one as they come to a service, and not slices of an Arrow batch."""
    zones = batch.category("zone")
    rows = zip(
        batch.values, batch.timestamps.tolist(), batch.event_ids, batch.entities.words(), zones.words(), strict=True
    )
    return [
        EventBatch.from_columns(
            values[None, :], batch.names, timestamps=[time], event_ids=[event], entities=[owner],
            categories={"zone": [zone or None]},
        )
        for values, time, event, owner, zone in rows
    ]  # fmt: skip


def detector(clock=None, **options):
    domain = domains.domain("performance")
    if clock is not None:
        domain = domain.model_copy(update={"clock": clock})
    return Detector.build(domain, names=["x", "y", "z"], categories=["zone"], entities=True, seed=2, **options)


def told(verdicts):
    names = ("score", "alarm", "word", "groups", "rarities", "pattern")
    return {name: np.concatenate([getattr(one, name) for one in verdicts]) for name in names}


CLOCKS = {
    "realtime": Clock.realtime(),
    "together": Clock.realtime(together=True),
    "strict": Clock.realtime().model_copy(update={"lateness_us": 1_000_000}),
}


@pytest.mark.parametrize(
    "options", [{}, {"max_entities": 7}, {"reservoir": False}], ids=["all", "few rows", "no network"]
)
@pytest.mark.parametrize("clock", CLOCKS)
def test_one_by_one_is_as_at_once(clock, options):
    batch = stream()
    one, whole = detector(CLOCKS[clock], **options), detector(CLOCKS[clock], **options)
    alone, late = [], []
    for event in singles(batch):
        alone.append(one.process(event))
        late += one.rejected
    at_once = whole.process(batch)
    expected = told([at_once])
    for name, values in told(alone).items():
        np.testing.assert_array_equal(values, expected[name], name)
    assert late == whole.rejected
    assert len(late) == (clock == "strict" and "max_entities" not in options)  # who is forgotten is never late
    assert one.save() == whole.save()
    assert [verdicts.event_id for verdicts in alone] == [[event] for event in batch.event_ids]
    assert [verdicts.type[0] for verdicts in alone] == at_once.type
    assert all({field.name for field in fields(Verdicts)} <= vars(verdicts).keys() for verdicts in [*alone, at_once])


def test_a_known_entity_comes_alone_and_what_is_said_of_it_stays(monkeypatch):
    taken = []
    judge = Alone.judge

    def noted(self, event, pool, *, learn):
        outcome = judge(self, event, pool, learn=learn)
        taken.append(outcome is not None)
        return outcome

    monkeypatch.setattr(Alone, "judge", noted)
    subject = detector()
    first = [subject.process(event) for event in singles(stream(owners=3))]
    assert sum(taken) == N - 5  # three entities are new, and a name of many bytes comes twice
    kept = [verdicts.score.copy() for verdicts in first]
    subject.process(singles(stream(seed=6))[0])
    np.testing.assert_array_equal(np.concatenate([verdicts.score for verdicts in first]), np.concatenate(kept))


def test_nothing_is_learnt_where_nothing_shall_be():
    one, whole, later = detector(), detector(), stream(seed=7, begin=3_600_000_000)
    for subject in (one, whole):
        subject.process(stream())
    alone = told([one.process(event, learn=False) for event in singles(later)])
    np.testing.assert_array_equal(alone["score"], whole.process(later, learn=False).score)
    assert one.save() == whole.save()
