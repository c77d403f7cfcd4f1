"""Checkpoints in pieces: whatever happened, a shard comes back as one that nothing disturbed, to the last byte."""

import json
from contextlib import suppress
from copy import deepcopy
from functools import partial
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.detectors import Detector
from snnlab.detectors.room import Room
from snnlab.detectors.saving import packed
from snnlab.errors import ModelVersionError, StoreError
from snnlab.events import EventBatch
from snnlab.serving import history
from snnlab.serving.history import History, read
from snnlab.serving.ledger import Ledger
from snnlab.stores import ShardKey
from snnlab.stores.sqlite import SqliteStore

NAMES = ["cpu", "latency"]
KEY = ShardKey("web@1", "hosts", 0)


def batch(number, entities):
    rng = np.random.default_rng(number)
    return EventBatch.from_columns(
        rng.normal([0.5, 20.0], [0.05, 2.0], (len(entities), 2)),
        NAMES,
        timestamps=(number * 50 + rng.integers(0, 50, len(entities))) * 1_000_000,
        event_ids=[f"{number}-{at}" for at in range(len(entities))],
        entities=[f"host-{one}" for one in entities],
    )


@pytest.fixture(scope="module")
def model():
    made = Detector.build("performance", names=NAMES, entities=True, seed=1, max_entities=20)
    made.process(batch(0, range(12)))
    return Model(made.save())


class Model:
    """The file of a model, and copies of the detector that is loaded from it."""

    def __init__(self, body):
        self.body = body
        self._loaded = Detector.load(body)

    def detector(self):
        return deepcopy(self._loaded)

    def begun(self):
        detector = self.detector()
        detector.restart(clocks=False)
        return detector


@pytest.fixture
def small(monkeypatch):
    """Pieces of one or two rows."""
    monkeypatch.setattr(history, "PIECE", 2**13)


def content(detector):
    """What would be in its model file."""
    file = packed(detector.plan, detector.flags, detector.n_events, detector.shards)
    return file.manifest, {name: (array.dtype, array.shape, array.tobytes()) for name, array in file.arrays.items()}


class Breaking:
    """A store that fails after so many writes."""

    def __init__(self, store, writes):
        self._store, self._left = store, writes

    def __getattr__(self, name):
        return getattr(self._store, name)

    def _count(self):
        if not self._left:
            raise StoreError("no room on the disk; make some")
        self._left -= 1

    def put_pieces(self, *given):
        self._count()
        return self._store.put_pieces(*given)

    def save(self, *given):
        self._count()
        return self._store.save(*given)


ENTITIES = st.lists(st.integers(0, 30), max_size=8)
WHAT = st.one_of(
    st.tuples(st.just("batch"), ENTITIES),
    st.tuples(st.just("label"), st.booleans()),
    st.tuples(st.just("checkpoint"), st.none()),
    st.tuples(st.just("crash"), st.integers(0, 12)),
)


def process(detector, events):
    detector.process(events)


def label(detector, event_id, flag):
    detector.feedback(event_id, label=flag)


def taken(store, model):
    """What a worker has that takes the shard: its lease, the position, the detector and its history."""
    lease = store.acquire(KEY, "worker", hold_s=10)
    saved = read(store, KEY)
    if saved is None:
        detector = model.begun()
        return lease, -1, detector, History.of(detector, model.body, begun=True)
    assert saved.base == model.body
    detector = model.detector()
    return lease, saved.checkpoint.position, detector, saved.onto(detector)


def replayed(model, done, position):
    detector = model.begun()
    for one in done[: position + 1]:
        one(detector)
    return detector


@pytest.mark.usefixtures("small")
@settings(derandomize=True, deadline=None, max_examples=25)
@given(events=st.lists(WHAT, min_size=1, max_size=20))
def test_a_shard_comes_back_as_one_that_nothing_disturbed(tmp_path_factory, model, events):
    """Batches, labels, checkpoints and crashes, also in the middle of a checkpoint, in any order."""
    store, room = SqliteStore(tmp_path_factory.mktemp("store") / "store.db", wait_s=5), Room()
    lease, position, detector, kept = taken(store, model)
    done, numbers = [], count(1)
    for what, how in [*events, ("checkpoint", None), ("crash", 0)]:
        if what == "batch":
            done.append(partial(process, events=batch(next(numbers), how)))
            done[-1](detector)
        elif what == "label":
            done.append(partial(label, event_id=f"{len(done)}-0", flag=how))
            done[-1](detector)
        elif what == "checkpoint":
            assert kept.write(store, lease, len(done) - 1, {}, kept.take(room))
        else:
            with suppress(StoreError):  # if it comes so far
                kept.write(Breaking(store, how), lease, len(done) - 1, {}, kept.take(room))
            before = store.load(KEY)
            lease, position, detector, kept = taken(store, model)
            assert position == (before.position if before else -1)
            done = done[: position + 1]
            assert content(detector) == content(replayed(model, done, position))
    store.close()


@pytest.mark.usefixtures("small")
def test_pieces_stay_few_and_only_what_changed_is_written(tmp_path, model):
    store, room = SqliteStore(tmp_path / "store.db"), Room()
    lease, _, detector, kept = taken(store, model)
    rng, most = np.random.default_rng(0), 0
    for number in range(1, 110):
        detector.process(batch(number, rng.integers(0, 20, 1 + number % 3)))
        assert kept.write(store, lease, number, {}, kept.take(room))
        most = max(most, kept.pieces)
    assert most <= 64 + 4 * 20 / kept._ledgers[0].full + 2
    names = set(store.load(KEY).pieces)
    with store._database.read() as connection:
        assert {name for (name,) in connection.execute("SELECT name FROM pieces")} == names
    detector.process(batch(200, [3]))
    assert kept.write(store, lease, 200, {}, kept.take(room))
    fresh = set(store.load(KEY).pieces) - names
    shared = json.loads(store.load(KEY).head)["shared"]
    assert len(fresh - set(shared)) == 1
    restored = read(store, KEY).detector()
    assert content(restored) == content(detector)


def test_a_shard_that_was_kept_whole_goes_on(tmp_path, model):
    store, room = SqliteStore(tmp_path / "store.db"), Room()
    lease = store.acquire(KEY, "worker", hold_s=10)
    old = model.detector()
    old.process(batch(1, [1, 2, 25]))
    assert store.save(lease, 6, old.save(), {"feedback": b"3"})
    saved = read(store, KEY)
    detector = Detector.load(saved.base)
    kept = saved.onto(detector)
    assert content(detector) == content(old)
    for it in (detector, old):
        it.process(batch(2, [26, 2]))
    assert kept.write(store, lease, 7, {}, kept.take(room))
    assert content(read(store, KEY).detector()) == content(old)
    assert store.rows(KEY) == {"feedback": b"3"}


def test_who_lost_the_shard_writes_nothing(tmp_path, model):
    store, room = SqliteStore(tmp_path / "store.db"), Room()
    lease, _, detector, kept = taken(store, model)
    detector.process(batch(1, [1, 2, 25]))
    assert kept.write(store, lease, 3, {}, kept.take(room))
    before = store.load(KEY)
    store.acquire(KEY, "worker", hold_s=10)
    detector.process(batch(2, [1, 2, 25]))
    assert not kept.write(store, lease, 4, {}, kept.take(room))
    assert store.load(KEY) == before


def test_a_checkpoint_of_a_newer_snnlab_is_refused(tmp_path):
    store = SqliteStore(tmp_path / "store.db")
    lease = store.acquire(KEY, "worker", hold_s=10)
    assert store.save(lease, 6, b'{"format": 9}', {})
    with pytest.raises(ModelVersionError, match="format 9"):
        read(store, KEY)


def test_a_reader_reads_again_where_a_newer_checkpoint_took_the_pieces(tmp_path, model):
    store, room = SqliteStore(tmp_path / "store.db"), Room()
    lease, _, detector, kept = taken(store, model)
    detector.process(batch(1, [1]))
    assert kept.write(store, lease, 1, {}, kept.take(room))

    class Overtaken:
        """A store that is written to after a reader has seen its head."""

        left = 1

        def load(self, key):
            found = store.load(key)
            if self.left:
                self.left -= 1
                detector.process(batch(2, [1]))
                assert kept.write(store, lease, 2, {}, kept.take(room))
            return found

        pieces = store.pieces

    assert read(Overtaken(), KEY).checkpoint.position == 2
    stale = Overtaken()
    stale.left = 99
    with pytest.raises(StoreError, match="pieces of the checkpoint"):
        read(stale, KEY)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(full=st.integers(1, 6), data=st.data())
def test_a_ledger_knows_where_the_last_copy_of_each_row_is(full, data):
    ledger, home = Ledger(full), {}
    for number in range(data.draw(st.integers(1, 150))):
        changed = data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=3, unique=True))
        rows = np.array(sorted({*changed, *ledger.scattered(len(changed)).tolist()}))
        for start in range(0, len(rows), full):
            part, name = rows[start : start + full], f"{number}.{start}"
            ledger.add(name, part)
            home |= dict.fromkeys(part.tolist(), name)
    assert set(ledger.names) == set(home.values())
    assert len(ledger.names) <= 64 + 4 * len(home) / full + 4
