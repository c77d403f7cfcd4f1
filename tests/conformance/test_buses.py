"""What every bus must do. A bus joins by a line in BUSES: how to open it, twice on the same ground."""

import time
from uuid import uuid4

import numpy as np
import pytest

from snnlab.errors import BusError, ConfigError, EventError
from snnlab.events import Anomaly, EventBatch
from snnlab.streams import Backlog, Bus, connect, shard_of


def sqlite(request):
    return f"sqlite:///{request.getfixturevalue('tmp_path') / 'bus.db'}"


def pulsar(request):
    return f"{request.getfixturevalue('pulsar_url')}/conformance/{uuid4().hex}"


def pulsar_avro(request):
    return f"{pulsar(request)}?encoding=avro"


BUSES = {"sqlite": sqlite, "pulsar": pulsar, "pulsar_avro": pulsar_avro}


@pytest.fixture(params=sorted(BUSES))
def open_bus(request):
    url, opened = BUSES[request.param](request), []

    def opening():
        opened.append(connect(url))
        return opened[-1]

    yield opening
    for bus in opened:
        bus.close()


@pytest.fixture
def bus(open_bus):
    return open_bus()


def events(n, *, start=0, entities=5):
    at = np.arange(start, start + n)
    return EventBatch.from_columns(
        np.stack([at * 0.5, at * 2.0], axis=1),
        ["cpu", "load"],
        timestamps=at * 1000,
        event_ids=[f"e{i}" for i in at],
        entities=[f"host-{i % entities}" for i in at],
        categories={"zone": ["eu" if i % 2 else None for i in at]},
    )


def drained(bus, stream, shard, after=None, limit=7):
    read = []
    while found := bus.consume(stream, shard, after, limit):
        read.extend(batch for _, batch in found)
        after = found[-1][0]
    return read


def eventually(holds, seconds=60):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def anomaly(i):
    return Anomaly(f"{i:032x}", i, "latency_spike", 0.5, (0.25,), (f"e{i}",), ("look",), entity="host-1", score=4.5)


def test_it_is_a_bus(bus):
    assert isinstance(bus, Bus)


def test_a_stream_keeps_its_shards(bus):
    assert bus.create("web").shards == 8
    assert bus.create("web").shards == 8
    with pytest.raises(BusError, match="8 shards, not 4"):
        bus.create("web", shards=4)
    assert [info.name for info in bus.streams()] == ["web"]


@pytest.mark.parametrize("name", ["", "a/b", " x", "é", "x" * 200])
def test_a_bad_name_is_refused(bus, name):
    with pytest.raises(ConfigError, match="stream name"):
        bus.create(name)


@pytest.mark.parametrize("shards", [0, -1, 100_000])
def test_a_bad_number_of_shards_is_refused(bus, shards):
    with pytest.raises(ConfigError, match="shards"):
        bus.create("web", shards=shards)


def test_an_unknown_stream_is_refused_and_named(bus):
    bus.create("web")
    for ask in (
        lambda: bus.publish("wed", events(1)),
        lambda: bus.consume("wed", 0),
        lambda: bus.positions("wed"),
        lambda: bus.dead_letters("wed"),
        lambda: bus.publish_anomalies("wed", [anomaly(1)]),
    ):
        with pytest.raises(BusError, match=r"no stream 'wed', only web"):
            ask()
    with pytest.raises(BusError, match="no shard 8"):
        bus.consume("web", 8)


def test_all_events_come_back_in_order_in_the_shard_of_their_entity(bus):
    bus.create("web", shards=3)
    sent = events(50)
    assert bus.publish("web", sent).accepted == 50
    back = {}
    for shard in range(3):
        for batch in drained(bus, "web", shard):
            assert {shard_of(entity, 3) for entity in batch.entities.words()} == {shard}
            back.setdefault(shard, []).append(batch)
    rows = {event_id: row for row, event_id in enumerate(sent.event_ids)}
    for batches in back.values():
        got = EventBatch.concat(batches)
        order = [rows[event_id] for event_id in got.event_ids]
        assert order == sorted(order)
        assert got == sent.take(order)
    assert sum(len(batch) for batches in back.values() for batch in batches) == 50


def test_reading_goes_on_after_any_position_that_was_given(bus):
    bus.create("web", shards=1)
    for start in range(0, 30, 10):
        bus.publish("web", events(10, start=start))
    for limit in (1, 3, 10, 11, 100):
        ids = [event_id for batch in drained(bus, "web", 0, limit=limit) for event_id in batch.event_ids]
        assert ids == [f"e{i}" for i in range(30)]
    found = bus.consume("web", 0, limit=4)
    assert sum(len(batch) for _, batch in found) <= 4
    last = bus.positions("web")[0]
    assert bus.consume("web", 0, last) == []


def test_what_one_opening_publishes_another_reads(open_bus):
    here, there = open_bus(), open_bus()
    here.create("web", shards=2)
    here.publish("web", events(5))
    assert sum(len(batch) for shard in range(2) for batch in drained(there, "web", shard)) == 5
    last = there.positions("web")
    there.commit("detector", "web", 0, last[0])
    assert here.committed("detector", "web", 0) == last[0]
    assert there.positions("web") == here.positions("web")


def test_a_subscription_goes_forward_unless_told(bus):
    bus.create("web", shards=2)
    early, late = (bus.publish("web", events(2, start=start, entities=1)).positions for start in (0, 10))
    ((shard, first),), last = early.items(), late[shard_of("host-0", 2)]
    assert first < last
    assert bus.committed("detector", "web", shard) is None
    bus.commit("detector", "web", shard, last)
    bus.commit("detector", "web", shard, first)
    assert bus.committed("detector", "web", shard) == last
    assert bus.committed("other", "web", shard) is None
    assert bus.committed("detector", "web", 1 - shard) is None
    bus.seek("detector", "web", shard, first)
    assert bus.committed("detector", "web", shard) == first
    bus.seek("detector", "web", shard, None)
    assert bus.committed("detector", "web", shard) is None


def test_no_more_is_acknowledged_than_was_committed(bus):
    bus.create("web", shards=1)
    bus.publish("web", events(3))
    bus.publish("web", events(5, start=10))
    between = bus.consume("web", 0, limit=5)[-1][0]
    bus.commit("detector", "web", 0, between)
    kept = bus.committed("detector", "web", 0)
    assert kept <= between
    again = [event_id for batch in drained(bus, "web", 0, kept) for event_id in batch.event_ids]
    assert again[-3:] == ["e12", "e13", "e14"]


def test_a_shard_is_worked_on_by_those_who_ask_and_left_again(open_bus):
    here, there = open_bus(), open_bus()
    here.create("web", shards=4)
    last = here.publish("web", events(40)).positions
    assert here.assigned("detector", "web") == [0, 1, 2, 3]
    for shard, position in last.items():
        here.commit("detector", "web", shard, position)
        assert here.committed("detector", "web", shard) == position
    there.assigned("detector", "web")
    here.leave("detector", "web")
    eventually(lambda: there.assigned("detector", "web") == [0, 1, 2, 3])
    for shard, position in last.items():
        assert there.committed("detector", "web", shard) == position


def test_one_may_begin_at_a_time(bus):
    bus.create("web", shards=1)
    assert bus.position_at("web", 0, 0) is None
    first = bus.publish("web", events(3)).positions[0]
    time.sleep(0.01)
    at = time.time_ns() // 1000
    time.sleep(0.01)
    second = bus.publish("web", events(2, start=10)).positions[0]
    assert bus.position_at("web", 0, at) == first
    assert [one for batch in drained(bus, "web", 0, first) for one in batch.event_ids] == ["e10", "e11"]
    assert drained(bus, "web", 0, bus.position_at("web", 0, 0))[0].event_ids[0] == "e0"
    assert bus.position_at("web", 0, time.time_ns() // 1000 + 1_000_000) == second


def test_a_shard_tells_whether_it_holds_more(bus):
    bus.create("web", shards=1)
    assert not bus.waiting("web", 0)
    last = bus.publish("web", events(3)).positions[0]
    assert bus.waiting("web", 0)
    between = bus.consume("web", 0, limit=2)[-1][0]
    assert bus.waiting("web", 0, between)
    assert not bus.waiting("web", 0, last)


def arriving(bus, after=None, limit=1000):
    """What comes by itself, waited for as a worker does."""
    until = time.monotonic() + 30
    while not (found := bus.arrived("web", 0, after, limit)) and time.monotonic() < until:
        time.sleep(0.01)
    return found


@pytest.mark.parametrize("size", [1, 3])
def test_what_comes_by_itself_is_what_is_consumed(bus, size):
    bus.create("web", shards=1)
    assert bus.arrived("web", 0) == []
    places = []
    for start in range(0, 3 * size, size):
        bus.publish("web", events(size, start=start))
        found = arriving(bus, places[-1] if places else None)
        places += [position for position, _ in found]
        assert [one for _, batch in found for one in batch.event_ids] == [f"e{at}" for at in range(start, start + size)]
        assert bus.arrived("web", 0, places[-1]) == []
        assert not bus.waiting("web", 0, places[-1])
    again = bus.consume("web", 0)
    assert again[-1][0] == places[-1]
    assert sum(len(batch) for _, batch in again) == 3 * size


def test_of_what_comes_by_itself_no_more_than_wanted_is_given(bus):
    bus.create("web", shards=1)
    bus.publish("web", events(5))
    ids, after = [], None
    while len(ids) < 5:
        found = arriving(bus, after, limit=2)
        assert 1 <= sum(len(batch) for _, batch in found) <= 2
        ids += [one for _, batch in found for one in batch.event_ids]
        after = found[-1][0]
    assert ids == [f"e{at}" for at in range(5)]


def test_a_backlog_is_what_is_not_acknowledged(bus):
    bus.create("web", 2)
    assert bus.backlog("model", "web") == Backlog(0, None)
    for shard in range(2):
        bus.seek("model", "web", shard, None)
    before = time.time_ns() // 1_000_000 * 1000
    last = bus.publish("web", events(20)).positions
    everything = bus.backlog("model", "web")
    assert everything.messages >= 2
    assert before <= everything.oldest_at <= time.time_ns() // 1000
    bus.commit("model", "web", 0, last[0])
    assert 0 < bus.backlog("model", "web").messages < everything.messages
    assert bus.backlog("another", "web").messages == everything.messages
    bus.commit("model", "web", 1, last[1])
    assert bus.backlog("model", "web") == Backlog(0, None)


def test_events_that_cannot_be_scored_are_set_aside_and_nothing_else_is_lost(bus):
    bus.create("web", shards=2)
    batch = EventBatch.from_columns(
        np.array([[1.0], [np.nan], [2.0], [np.inf], [3.0]]), ["cpu"], event_ids=["a", "b", "a", "d", "e"]
    )
    done = bus.publish("web", batch)
    assert (done.accepted, done.dead) == (2, 3)
    back = [event_id for shard in range(2) for part in drained(bus, "web", shard) for event_id in part.event_ids]
    assert back == ["a", "e"]
    letters = bus.dead_letters("web")
    assert [letter.event_id for letter in letters] == ["b", "a", "d"]
    assert [letter.event.values[0, 0] for letter in letters[1:]] == [2.0, np.inf]
    assert "cpu = nan" in letters[0].reason
    assert "'a' came before" in letters[1].reason
    assert bus.dead_letter_count("web") == 3
    assert bus.dead_letters("web", after=letters[0].id, limit=1)[0].event_id == "a"


def test_a_publisher_may_ask_for_all_or_nothing(bus):
    bus.create("web")
    batch = EventBatch.from_columns(np.ones((2, 1)), ["cpu"], event_ids=["a", "a"])
    with pytest.raises(EventError, match="1 of 2 events"):
        bus.publish("web", batch, bad_rows="refuse")
    assert bus.positions("web") == {}
    assert bus.dead_letters("web") == []


def test_no_events_are_no_error(bus):
    bus.create("web")
    done = bus.publish("web", events(3).slice(0, 0))
    assert (done.accepted, done.dead, done.positions) == (0, 0, {})


def test_dead_letters_are_published_again_once(bus):
    bus.create("web", shards=1)
    bus.publish("web", EventBatch.from_columns(np.array([[1.0], [2.0], [np.nan]]), ["cpu"], event_ids=["a", "a", "b"]))
    bus.dead_letter("web", events(2), ["later than allowed", "later than allowed"])
    late = bus.dead_letters("web")[2].id
    done = bus.replay_dead_letters("web", [late])
    assert done.accepted == 1
    done = bus.replay_dead_letters("web")
    assert (done.accepted, done.dead) == (2, 1)
    assert bus.replay_dead_letters("web").accepted == 0
    ids = [event_id for batch in drained(bus, "web", 0) for event_id in batch.event_ids]
    assert ids == ["a", "e0", "a", "e1"]
    assert [letter.replayed_at is None for letter in bus.dead_letters("web")] == [False, True, False, False]
    with pytest.raises(BusError, match=f"no dead letter {late} "):
        bus.replay_dead_letters("web", [late])


def test_as_many_reasons_as_events(bus):
    bus.create("web")
    with pytest.raises(BusError, match="1 reasons for 2 events"):
        bus.dead_letter("web", events(2), ["late"])


def test_anomalies_come_back_in_order_of_their_stream(bus):
    bus.create("web")
    bus.create("shop")
    assert bus.consume_anomalies("web") == []
    bus.publish_anomalies("web", [anomaly(1), anomaly(2)])
    bus.publish_anomalies("shop", [anomaly(9)])
    last = bus.publish_anomalies("web", [anomaly(3)])
    assert bus.publish_anomalies("web", []) == last
    read = bus.consume_anomalies("web", limit=2)
    assert [found for _, found in read] == [anomaly(1), anomaly(2)]
    (rest,) = bus.consume_anomalies("web", after=read[0][0], limit=5)[1:]
    assert rest == (last, anomaly(3))
    assert bus.consume("web", 0) == []


def test_who_listens_is_told_of_anomalies_in_order_and_of_no_others(bus):
    bus.create("web", 2)
    bus.create("shop", 2)
    heard = []
    before = bus.publish_anomalies("web", [anomaly(0)])
    leave = bus.listen("web", heard.append)
    bus.publish_anomalies("shop", [anomaly(1)])
    last = bus.publish_anomalies("web", [anomaly(2), anomaly(3)])
    eventually(lambda: bool(heard))
    assert bus.consume_anomalies("web", before)[-1][0] == last
    bus.publish_anomalies("web", [anomaly(4), anomaly(5), anomaly(6)])
    read = bus.consume_anomalies("web", before)
    eventually(lambda: heard[-1] is not None and heard[-1].anomalies[-1][0] == read[-1][0])
    for told in heard[1 if heard[0] is None else 0 :]:  # the first may not know what was before it
        at = [position for position, _ in read].index(told.anomalies[0][0])
        assert told.before == (read[at - 1][0] if at else before)
        assert list(told.anomalies) == read[at : at + len(told.anomalies)]
    leave()
    time.sleep(0.2)
    told = len(heard)
    bus.publish_anomalies("web", [anomaly(7)])
    time.sleep(0.2)
    assert len(heard) == told
