"""Changes: a detector put back from them is the one they were taken of, to the last byte of its model file."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.detectors import Detector
from snnlab.detectors.changes import Tracker, put_back
from snnlab.detectors.packing import pack, unpack_arrays
from snnlab.detectors.room import Room
from snnlab.detectors.saving import packed
from snnlab.domains import domain
from snnlab.errors import ModelFormatError
from snnlab.events import EventBatch
from snnlab.features.clock import Clock

NAMES = ["cpu", "latency"]


def detector(**options):
    options = {"seed": 1, "max_entities": 6, "shards": 2, "entities": True} | options
    return Detector.build("performance", names=NAMES, **options)


def batch(number, entities):
    """Events of these entities; some come late, and some times are those of others."""
    rng = np.random.default_rng(number)
    return EventBatch.from_columns(
        rng.normal([0.5, 20.0], [0.05, 2.0], (len(entities), 2)),
        NAMES,
        timestamps=(number * 50 + rng.integers(0, 50, len(entities)) - 90 * (number % 5 == 4)) * 1_000_000,
        event_ids=[f"{number}-{at}" for at in range(len(entities))],
        entities=[f"host-{one}" for one in entities],
    )


@pytest.fixture(scope="module")
def trained():
    """Makes the same model of a few entities again and again."""
    made = detector()
    made.process(batch(0, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]))
    loaded = Detector.load(made.save())
    return lambda: deepcopy(loaded)


def content(detector):
    """What would be in its model file."""
    file = packed(detector.plan, detector.flags, detector.n_events, detector.shards)
    return file.manifest, {name: (array.dtype, array.shape, array.tobytes()) for name, array in file.arrays.items()}


@settings(derandomize=True, deadline=None, max_examples=30)
@given(data=st.data())
def test_a_detector_is_put_back_bit_for_bit(trained, data):
    """Batches, copies and late labels in any order; rows change hands, and some are copied unchanged."""
    followed, room = trained(), Room()
    tracker, taken = Tracker(followed), []
    room.widen(data.draw(st.sampled_from([0, 4096, 2**20])))
    for number in range(1, data.draw(st.integers(1, 8))):
        for at in range(data.draw(st.integers(0, 2))):
            entities = data.draw(st.lists(st.integers(0, 20), max_size=12))
            followed.process(batch(2 * number + at, entities))
            followed.feedback(f"{2 * number + at}-0", label=data.draw(st.booleans()))
        third = [np.flatnonzero(np.arange(len(s.pool)) % 3 == number % 3) for s in followed.shards]
        also = data.draw(st.sampled_from([None, lambda at, changed, third=third: third[at][: 2 + changed]]))
        changes = tracker.take(room, also)
        taken += [(at, rows._replace(state=copied(rows.state))) for at, rows in enumerate(changes.rows)]
        again = trained()
        tracker_again = put_back(again, replace(changes, shared=copied(changes.shared)), taken)
        assert content(again) == content(followed)
        if data.draw(st.booleans()):  # as after a crash: go on with the one that was put back
            followed, tracker = again, tracker_again


def copied(state):
    return {name: array.copy() for name, array in state.items()}


def test_a_copy_costs_what_changed():
    followed = detector(max_entities=1000, shards=1)
    followed.process(batch(0, range(800)))
    tracker, room = Tracker(followed), Room()
    followed.process(batch(1, [5, 7, 5]))
    changes = tracker.take(room)
    assert changes.rows[0].names == ["host-7", "host-5"]
    assert changes.nbytes == sum(a.nbytes for a in changes.shared.values()) + changes.rows[0].nbytes
    assert changes.rows[0].nbytes * 400 == sum(a[:800].nbytes for a in followed.shards[0].rows.values())


def test_copies_do_not_change_with_the_detector():
    followed, room = detector(shards=1), Room()
    tracker = Tracker(followed)
    followed.process(batch(0, [1, 2]))
    changes, before = tracker.take(room), content(followed)
    followed.process(batch(1, [1, 2, 3]))
    again = detector(shards=1)
    put_back(again, changes, [(0, changes.rows[0])])
    assert content(again) == before


def test_what_a_shard_shares_from_tick_to_tick_is_copied_whole():
    clock = Clock.realtime(tick_ms=1000.0, together=True)
    made = domain("performance").model_copy(update={"clock": clock})
    followed, again = (Detector.build(made, names=NAMES, entities=True, seed=1) for _ in range(2))
    tracker = Tracker(followed)
    for number in range(3):
        followed.process(batch(number, [1, 2, 3, 1]))
    put_back(again, (changes := tracker.take(Room())), [(0, changes.rows[0])])
    assert any(name.startswith("0/state/together/") for name in changes.shared)
    assert content(again) == content(followed)


def test_what_begins_again_has_changed_whole(trained):
    followed = trained()
    tracker = Tracker(followed)
    followed.restart()
    changes = tracker.take(Room())
    assert [len(rows.names) for rows in changes.rows] == [len(shard.pool) for shard in followed.shards]


def test_changes_of_another_detector_are_refused(trained):
    other = detector(shards=1)
    tracker = Tracker(other)
    other.process(batch(0, [1, 2]))
    changes = tracker.take(Room())
    with pytest.raises(ModelFormatError, match="of 1 shards"):
        put_back(trained(), changes, [])
    with pytest.raises(ModelFormatError, match="of 2 entities are missing"):
        put_back(detector(shards=1), changes, [(0, changes.rows[0]._replace(rows=changes.rows[0].rows + 2))])
    with pytest.raises(ModelFormatError, match="outside 16 rows"):
        put_back(detector(shards=1), changes, [(0, changes.rows[0]._replace(rows=changes.rows[0].rows + 20))])
    narrow = changes.rows[0]._replace(state={name: array[:1] for name, array in changes.rows[0].state.items()})
    with pytest.raises(ModelFormatError, match="another shape"):
        put_back(detector(shards=1), changes, [(0, narrow)])
    lacking = {name: array for name, array in changes.shared.items() if name != "0/learnt/judge/mean"}
    with pytest.raises(ModelFormatError, match="judge/mean"):
        put_back(detector(shards=1), type(changes)(2, changes.heights, lacking, ()), [(0, changes.rows[0])])


@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: b"", lambda c: c[:50] + b"\xff" + c[51:]])
def test_damaged_bytes_are_refused(damage):
    content = pack({"a": np.arange(300), "none": np.zeros((3, 0), np.uint8), "one": np.float32(3)[None]}, {"k": [1]})
    arrays, told = unpack_arrays(content)
    assert arrays["none"].shape == (3, 0)
    assert (arrays["a"].dtype, told) == (np.int64, {"k": [1]})
    with pytest.raises(ModelFormatError, match="damaged"):
        unpack_arrays(damage(content))
