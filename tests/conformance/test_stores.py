"""What every store must do. A store joins by a line in STORES: how to open it, twice on the same ground."""

import itertools

import pytest
from pydantic import ValidationError

from snnlab.errors import ConfigError, ModelNotFound, NothingThere, StoreError
from snnlab.events import Anomaly
from snnlab.stores import AnomalyFilter, Pattern, ShardKey, Store
from snnlab.stores.ignite import IgniteStore
from snnlab.stores.sqlite import SqliteStore


def sqlite(request, clock):
    return SqliteStore(request.getfixturevalue("tmp_path") / "store.db", clock=clock)


def ignite(request, clock):
    return IgniteStore(request.getfixturevalue("empty_ignite"), clock=clock)


STORES = {"sqlite": sqlite, "ignite": ignite}

KEY = ShardKey("performance", "web", 3)


class Clock:
    def __init__(self):
        self.now = 1_000_000_000

    def __call__(self):
        return self.now

    def pass_s(self, seconds):
        self.now += int(seconds * 1e6)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=sorted(STORES))
def open_store(request, clock):
    opened = []

    def opening():
        opened.append(STORES[request.param](request, clock))
        return opened[-1]

    yield opening
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store):
    return open_store()


def anomaly(i, **changes):
    given = {
        "anomaly_id": f"{i:032x}",
        "detected_at": i * 10,
        "anomaly_type": ("latency_spike", "resource_exhaustion")[i % 2],
        "severity": (i % 10) / 10,
        "spike_pattern": (0.25, 0.5),
        "contributing_events": (f"e{i}",),
        "recommended_actions": ("look",),
        "entity": f"host-{i % 3}",
        "model": "performance",
        "stream": ("web", "shop")[i % 5 == 0],
        "score": 4.5,
        "explanation": "cpu rose",
    }
    return Anomaly(**(given | changes))


def test_it_is_a_store(store):
    assert isinstance(store, Store)


def test_an_anomaly_comes_back_whole(store):
    store.put_anomalies([anomaly(1)])
    assert store.anomaly(anomaly(1).anomaly_id) == anomaly(1)
    assert store.anomaly("none") is None


def test_a_replay_writes_the_same_row_again(store):
    store.put_anomalies([anomaly(1)])
    store.put_anomalies([anomaly(1, severity=0.9)])
    assert [found.severity for found in store.anomalies().items] == [0.9]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"since": 100},
        {"until": 100},
        {"since": 50, "until": 150},
        {"anomaly_type": "latency_spike"},
        {"severity_min": 0.7},
        {"entity": "host-1"},
        {"model": "performance"},
        {"model": "other"},
        {"stream": "shop", "severity_min": 0.5, "entity": "host-1"},
    ],
)
def test_filters_find_what_was_asked_for_newest_first(store, wanted):
    everything = [anomaly(i) for i in range(30)]
    store.put_anomalies(everything)

    def fits(found):
        low, high = wanted.get("since", 0), wanted.get("until", 10**9)
        named = {k: v for k, v in wanted.items() if k not in {"since", "until", "severity_min"}}
        return (
            low <= found.detected_at < high
            and found.severity >= wanted.get("severity_min", 0)
            and all(getattr(found, name) == value for name, value in named.items())
        )

    expected = [found for found in reversed(everything) if fits(found)]
    assert list(store.anomalies(AnomalyFilter(**wanted)).items) == expected


def test_pages_follow_each_other_while_new_anomalies_arrive(store):
    store.put_anomalies([anomaly(i, detected_at=5) for i in range(7)])
    ids, cursor = [], None
    for turn in itertools.count():
        page = store.anomalies(limit=3, cursor=cursor)
        ids.extend(found.anomaly_id for found in page.items)
        store.put_anomalies([anomaly(100 + turn, detected_at=9)])
        cursor = page.cursor
        if cursor is None:
            break
    assert ids == [anomaly(i).anomaly_id for i in range(6, -1, -1)]


def test_a_page_that_is_just_full_is_the_last(store):
    store.put_anomalies([anomaly(i) for i in range(3)])
    assert store.anomalies(limit=3).cursor is None


@pytest.mark.parametrize("cursor", ["x", "AAAA", "WzFd", "é"])
def test_a_cursor_of_no_page_is_refused(store, cursor):
    with pytest.raises(ConfigError, match="cursor"):
        store.anomalies(cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 1_000_000])
def test_a_page_has_a_size(store, limit):
    with pytest.raises(ConfigError, match="page of"):
        store.anomalies(limit=limit)


@pytest.mark.parametrize("wanted", [{"severity_min": 2}, {"type": "x"}, {"since": "yesterday"}])
def test_a_filter_of_another_kind_is_refused(wanted):
    with pytest.raises(ValidationError):
        AnomalyFilter(**wanted)


def test_anomalies_expire(store, clock):
    store.put_anomalies([anomaly(1)], keep_s=10)
    store.put_anomalies([anomaly(2)])
    clock.pass_s(9)
    assert len(store.anomalies().items) == 2
    clock.pass_s(1)
    assert [found.anomaly_id for found in store.anomalies().items] == [anomaly(2).anomaly_id]
    assert store.anomaly(anomaly(1).anomaly_id) is None
    assert store.expire() == 1
    assert store.expire() == 0


def test_models_have_versions(store):
    first = store.put_model("web", b"one", {"domain": "performance"})
    second = store.put_model("web", b"two")
    store.put_model("shop", b"three")
    assert (first.version, second.version) == (1, 2)
    assert store.get_model("web").body == b"two"
    assert store.get_model("web", 1) == first
    assert [(found.name, found.version, found.body) for found in store.list_models()] == [
        ("shop", 1, b""),
        ("web", 2, b""),
    ]
    for name, version in (("wed", None), ("web", 3)):
        with pytest.raises(ModelNotFound, match=r"there is shop 1-1, web 1-2"):
            store.get_model(name, version)


def test_patterns_are_remembered_by_model(store):
    general = Pattern("p1", "night login", "unusual_access_pattern", 1, metadata={"k": [1, 2]}, body=b"\x00\x01")
    mine = Pattern("p2", "slow", "latency_spike", 2, model="performance")
    for pattern in (mine, general):
        store.put_pattern(pattern)
    assert store.patterns() == [general, mine]
    assert store.patterns(model="security") == [general]
    assert store.patterns(model="performance") == [general, mine]
    store.put_pattern(Pattern("p1", "night login", "api_abuse", 1))
    assert store.patterns(model="security")[0].anomaly_type == "api_abuse"
    assert store.delete_pattern("p1")
    assert not store.delete_pattern("p1")


def test_records_are_written_over_listed_by_kind_and_expire(store, clock):
    store.put_record("job", "a/b", b"1")
    store.put_record("job", "a/b", b"2")
    store.put_record("job", "c", b"", keep_s=10)
    store.put_record("jobs", "d", b"3")
    assert store.record("job", "a/b") == b"2"
    assert store.record("job", "d") is None
    assert store.records("job") == {"a/b": b"2", "c": b""}
    clock.pass_s(10)
    assert store.record("job", "c") is None
    assert store.records("job") == {"a/b": b"2"}
    store.expire()
    assert store.records("jobs") == {"d": b"3"}
    assert store.delete_record("job", "a/b")
    assert not store.delete_record("job", "a/b")
    assert not store.delete_record("job", "c")
    assert store.records("job") == {}


def test_a_shard_has_one_owner(store, clock):
    lease = store.acquire(KEY, "a", hold_s=10)
    assert store.acquire(KEY, "b", hold_s=10) is None
    assert store.acquire(KEY._replace(shard=4), "b", hold_s=10).epoch == 1
    assert [held.owner for held in store.leases()] == ["a", "b"]
    clock.pass_s(9)
    assert store.renew(lease, hold_s=10).expires_at == clock.now + 10_000_000
    clock.pass_s(9)
    assert store.acquire(KEY, "b", hold_s=10) is None
    clock.pass_s(1)
    taken = store.acquire(KEY, "b", hold_s=10)
    assert taken.epoch == lease.epoch + 1
    assert store.renew(lease, hold_s=10) is None
    assert not store.release(lease)
    assert store.release(taken)
    assert store.acquire(KEY, "a", hold_s=10).epoch == taken.epoch + 1


def test_an_owner_that_starts_again_gets_a_new_epoch(store):
    first = store.acquire(KEY, "a", hold_s=10)
    second = store.acquire(KEY, "a", hold_s=10)
    assert second.epoch == first.epoch + 1
    assert not store.save(first, 1, b"", {})


def test_a_worker_that_lost_its_shard_cannot_write_over_the_next(open_store, clock):
    here, there = open_store(), open_store()
    lost = here.acquire(KEY, "a", hold_s=10)
    assert here.save(lost, 5, b"learned by a", {"host-1": b"row of a"})
    clock.pass_s(10)
    taken = there.acquire(KEY, "b", hold_s=10)
    assert there.load(KEY).position == 5
    assert there.save(taken, 9, b"learned by b", {"host-2": b"row of b"})
    assert not here.save(lost, 12, b"too late", {"host-1": b"too late", "host-3": b"too late"})
    checkpoint = here.load(KEY)
    assert (checkpoint.position, checkpoint.epoch, checkpoint.head) == (9, taken.epoch, b"learned by b")
    assert here.rows(KEY) == {"host-1": b"row of a", "host-2": b"row of b"}


def test_a_lease_that_ran_out_but_was_not_taken_still_writes(store, clock):
    lease = store.acquire(KEY, "a", hold_s=10)
    clock.pass_s(20)
    assert store.save(lease, 1, b"x", {})


def test_rows_belong_to_their_shard(store):
    lease = store.acquire(KEY, "a", hold_s=10)
    assert store.load(KEY) is None
    assert store.rows(KEY) == {}
    store.save(lease, 1, b"", {f"host-{i}": bytes([i]) for i in range(5)})
    assert store.rows(KEY, ["host-3", "host-9", "host-1"]) == {"host-3": b"\x03", "host-1": b"\x01"}
    assert len(store.rows(KEY)) == 5
    assert store.rows(KEY._replace(stream="shop")) == {}


def test_a_checkpoint_names_its_pieces_in_order(open_store):
    here, there = open_store(), open_store()
    lease = here.acquire(KEY, "a", hold_s=10)
    other = here.acquire(KEY._replace(shard=4), "a", hold_s=10)
    assert here.put_pieces(other, {"p1": b"of shard 4"})
    assert here.put_pieces(lease, {"p1": b"\x00one", "p2": b""})
    assert here.put_pieces(lease, {"p3": b"three"})
    assert here.load(KEY) is None
    assert here.save(lease, 7, b"head", {}, ["p3", "p1"])
    found = there.load(KEY)
    assert (found.position, found.head, found.pieces) == (7, b"head", ("p3", "p1"))
    assert list(there.pieces(KEY, found.pieces)) == [b"three", b"\x00one"]
    with pytest.raises(NothingThere, match="p2"):
        list(there.pieces(KEY, ["p1", "p2"]))
    assert list(there.pieces(KEY._replace(shard=4), ["p1"])) == [b"of shard 4"]
    assert here.save(lease, 9, b"", {})
    assert (there.load(KEY).pieces, there.load(KEY).position) == ((), 9)
    with pytest.raises(NothingThere, match="p3"):
        list(there.pieces(KEY, ["p3"]))


def test_pieces_of_who_lost_the_shard_count_for_nothing(open_store, clock):
    here, there = open_store(), open_store()
    lost = here.acquire(KEY, "a", hold_s=10)
    assert here.put_pieces(lost, {"a1": b"one"})
    assert here.save(lost, 5, b"", {}, ["a1"])
    assert here.put_pieces(lost, {"a2": b"two"})
    clock.pass_s(10)
    taken = there.acquire(KEY, "b", hold_s=10)
    assert not here.put_pieces(lost, {"a3": b"three"})
    assert not here.save(lost, 6, b"", {}, ["a1", "a2"])
    assert there.load(KEY).pieces == ("a1",)
    assert there.put_pieces(taken, {"b1": b"four"})
    assert there.save(taken, 8, b"", {}, ["a1", "b1"])
    assert list(here.pieces(KEY, ["a1", "b1"])) == [b"one", b"four"]
    for gone in ("a2", "a3"):
        with pytest.raises(NothingThere):
            list(here.pieces(KEY, [gone]))


def test_a_checkpoint_of_a_piece_that_is_not_there_is_refused(store):
    lease = store.acquire(KEY, "a", hold_s=10)
    assert store.put_pieces(lease, {"p1": b"one"})
    assert store.save(lease, 5, b"", {}, ["p1"])
    with pytest.raises(StoreError, match="p2"):
        store.save(lease, 6, b"", {}, ["p1", "p2"])
    assert (store.load(KEY).position, store.load(KEY).pieces) == (5, ("p1",))


def test_a_shard_that_nobody_holds_can_be_forgotten(open_store, clock):
    here, there = open_store(), open_store()
    other = KEY._replace(shard=4)
    leases = {key: here.acquire(key, "a", hold_s=10) for key in (KEY, other)}
    for lease in leases.values():
        assert here.put_pieces(lease, {"p1": b"one", "p2": b"two"})
        assert here.save(lease, 7, b"head", {"host-1": b"row"}, ["p1"])
        assert here.put_pieces(lease, {"p3": b"not yet named"})
    assert not there.forget(KEY)
    assert there.load(KEY).position == 7
    clock.pass_s(10)
    assert there.forget(KEY)
    assert there.forget(KEY)  # nothing is there any more
    assert (here.load(KEY), here.rows(KEY)) == (None, {})
    for name in ("p1", "p3"):
        with pytest.raises(NothingThere):
            list(here.pieces(KEY, [name]))
    assert not here.put_pieces(leases[KEY], {"p4": b"too late"})
    assert not here.save(leases[KEY], 8, b"too late", {})
    assert here.load(KEY) is None
    assert (here.load(other).position, here.rows(other)) == (7, {"host-1": b"row"})
    assert list(here.pieces(other, ["p1"])) == [b"one"]
    assert there.acquire(KEY, "b", hold_s=10).epoch > leases[KEY].epoch
    assert there.forget(KEY._replace(stream="never seen"))
