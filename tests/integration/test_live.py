"""Pulsar in, anomalies out, Ignite beside it: what production does to a worker, against the real servers."""

import signal
import time
from threading import Thread

import pulsar
import pytest

from snnlab import services, stores, streams
from snnlab.detectors import Detector
from snnlab.serving.application import Application
from snnlab.serving.assignment import Assignment, Pace
from snnlab.serving.metrics import Metrics
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.scorer import Scorer
from snnlab.serving.untrained import Untrained
from snnlab.serving.worker import Worker
from snnlab.streams import shard_of
from snnlab.streams.pulsar import PulsarBus

STREAM, SHARDS = "hosts", 4
OUTAGE_S = 20.0  # until it is started again


@pytest.fixture
def make(model):
    _, name, version, body = model

    def made(bus, store, pace=None):
        def load(content):
            return Scorer(Detector.load(content), name, version, Metrics(), PatternMemory(store))

        pace = pace or Pace(batch=200, checkpoint_s=0.0, poll_s=0.02, hold_s=5.0)
        return Worker(bus, store, Assignment(name, version, STREAM, SHARDS, body), load, Metrics(), pace)

    return made


def drained(worker):
    while worker.step():
        pass
    return worker


def test_a_stream_is_scored_published_checkpointed_and_acknowledged(
    live, make, events, undisturbed, kept, acknowledged
):
    bus, store = live
    sent = events(1500, begun=1200)
    bus.publish(STREAM, sent)
    worker = drained(make(bus, store))
    worker.stop()
    expected = undisturbed(sent)
    assert expected
    assert kept(store) == expected
    assert {one.anomaly_id: one.score for _, one in bus.consume_anomalies(STREAM, limit=10_000)} == {
        name: one.score for name, one in expected.items()
    }
    assert acknowledged(bus)
    assert worker.processed == 1500
    assert store.leases() == []
    for shard, position in bus.positions(STREAM).items():
        assert store.load(worker.assignment.key(shard)).position == position
    again = drained(make(bus, store))
    again.stop()
    assert again.processed == 0


def test_events_come_one_a_message_as_avro_too(live, bus_url, make, events, undisturbed, kept, acknowledged):
    bus, store = live
    sent = events(600, begun=1200)
    with streams.connect(f"{bus_url}?encoding=avro") as producer:
        for start in range(0, 600, 150):
            producer.publish(STREAM, sent.slice(start, start + 150))
    drained(make(bus, store)).stop()
    assert kept(store) == undisturbed(sent)
    assert acknowledged(bus)


def test_one_of_three_workers_is_killed_in_mid_stream_and_the_others_take_its_shards(
    live, bus_url, worker_process, events, undisturbed, kept, acknowledged, eventually
):
    bus, store = live
    first, *others = (worker_process(bus_url) for _ in range(3))
    eventually(lambda: len({lease.owner for lease in store.leases()}) == 3 and len(store.leases()) == SHARDS)
    sent = events(6000, begun=1200)

    def publish():
        for start in range(0, 6000, 100):
            bus.publish(STREAM, sent.slice(start, start + 100))
            time.sleep(0.02)

    publisher = Thread(target=publish)
    publisher.start()
    eventually(lambda: any(bus.committed("hosts", STREAM, shard) is not None for shard in range(SHARDS)))
    first.send_signal(signal.SIGKILL)
    publisher.join()
    eventually(lambda: acknowledged(bus))
    assert len({lease.owner for lease in store.leases()}) == 2
    for other in others:
        other.send_signal(signal.SIGTERM)
    assert [other.wait(60) for other in others] == [0, 0]
    assert store.leases() == []
    expected = undisturbed(sent)
    assert kept(store) == expected
    told = {one.anomaly_id: one for _, one in bus.consume_anomalies(STREAM, limit=10_000)}
    assert {name: one.score for name, one in told.items()} == {name: one.score for name, one in expected.items()}
    assert bus.dead_letter_count(STREAM) == 0


def test_a_worker_that_wakes_after_it_lost_its_shards_is_refused(
    live, bus_url, make, events, undisturbed, kept, acknowledged
):
    bus, store = live
    sent = events(1200, begun=1200)
    bus.publish(STREAM, sent.slice(0, 600))
    paused = make(bus, store, Pace(batch=100, checkpoint_s=1000.0, hold_s=0.2))
    assert paused.step() > 0
    paused._bus.leave("hosts", STREAM)  # what the broker does when a paused process no longer answers
    time.sleep(0.3)
    with streams.connect(bus_url) as other:
        awake = drained(make(other, store))
        bus.publish(STREAM, sent.slice(600, 1200))
        drained(awake)
        before = {shard: store.load(awake.assignment.key(shard)) for shard in range(SHARDS)}
        leases = [held.lease for held in paused._held.values()]
        assert leases
        assert [store.save(lease, 10**15, b"too late", {"host-1": b"too late"}) for lease in leases] == [False] * len(
            leases
        )
        paused.stop()
        assert {shard: store.load(awake.assignment.key(shard)) for shard in range(SHARDS)} == before
        awake.stop()
    assert acknowledged(bus)
    assert kept(store) == undisturbed(sent)


def test_a_shard_goes_to_another_worker_and_comes_back_with_its_state(
    live, bus_url, make, events, undisturbed, kept, acknowledged, eventually
):
    bus, store = live
    sent = events(1800, begun=1200)
    with streams.connect(bus_url) as other:
        here = make(bus, store)
        bus.publish(STREAM, sent.slice(0, 600))
        drained(here)
        there = make(other, store)

        def shared():
            here.step()
            there.step()
            return len(here._held) == len(there._held) == SHARDS // 2

        eventually(shared)
        bus.publish(STREAM, sent.slice(600, 1200))
        eventually(lambda: shared() and acknowledged(bus))
        there.stop()
        bus.publish(STREAM, sent.slice(1200, 1800))

        def back():
            here.step()
            return len(here._held) == SHARDS and acknowledged(bus)

        eventually(back)
        here.stop()
    assert kept(store) == undisturbed(sent)


def test_the_service_deploys_a_model_to_the_live_pair_and_takes_it_up_again(
    live, bus_url, empty_ignite, events, kept, eventually
):
    bus, store = live
    pace = Pace(batch=200, checkpoint_s=0.2, poll_s=0.02)
    service = Application(bus, store, pace=pace)
    service.start()
    model = service.create_model(Untrained("performance", name="hosts", features=("cpu", "latency")))
    job = service.train(model.model_id, batch=events(1200))
    eventually(lambda: service.job(job.job_id).status == "succeeded")
    service.deploy(model.model_id, STREAM, shards=SHARDS)
    bus.publish(STREAM, events(300, begun=1200))
    eventually(lambda: sum(worker.processed for worker in service.deployments(model.model_id)) == 300)
    service.close()
    with streams.connect(bus_url) as later, stores.connect(empty_ignite) as same:
        again = Application(later, same, pace=pace)
        again.start()
        bus.publish(STREAM, events(300, begun=1500))
        (worker,) = again.deployments(model.model_id)
        eventually(lambda: worker.processed == 300)
        again.close()
    assert kept(store)
    assert {one.model for one in kept(store).values()} == {model.model_id}


def test_a_poison_message_is_set_aside_with_its_reason_and_the_stream_goes_on(
    live, make, events, undisturbed, kept, acknowledged, pulsar_url
):
    bus, store = live
    sent = events(400, begun=1200)
    bus.publish(STREAM, sent.slice(0, 200))
    client = pulsar.Client(pulsar_url, logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null"))
    shard = shard_of("host-1", SHARDS)
    producer = client.create_producer(f"persistent://{bus.address.namespace}/{STREAM}-partition-{shard}")
    producer.send(b"\xff\xff no event at all")
    client.close()
    bus.publish(STREAM, sent.slice(200, 400))
    drained(make(bus, store)).stop()
    assert kept(store) == undisturbed(sent)
    assert acknowledged(bus)
    (letter,) = bus.dead_letters(STREAM)
    assert "no Avro event" in letter.reason
    assert letter.event_id.startswith(f"{STREAM}/{shard}/")


def test_a_poison_message_that_nothing_follows_is_acknowledged_and_set_aside_once(
    live, make, events, acknowledged, pulsar_url
):
    bus, store = live
    bus.publish(STREAM, events(40, begun=1200))
    client = pulsar.Client(pulsar_url, logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null"))
    shard = shard_of("host-1", SHARDS)
    producer = client.create_producer(f"persistent://{bus.address.namespace}/{STREAM}-partition-{shard}")
    producer.send(b"\xff\xff no event at all")
    client.close()
    for _ in range(2):  # whoever takes the shard next does not meet it again
        drained(make(bus, store)).stop()
    assert acknowledged(bus)
    assert bus.dead_letter_count(STREAM) == 1


@pytest.fixture
def own_pulsar(servers, services_home, tmp_path):
    """A Pulsar that this test may end: its software is that of the shared one."""
    folder = tmp_path / "services" / "pulsar"
    folder.mkdir(parents=True)
    (folder / "software").symlink_to(services_home / "services" / "pulsar" / "software")
    if servers["pulsar"].by != "java":
        pytest.skip("Docker's Pulsar forgets its topics when its container is removed")
    yield services.up(tmp_path, ["pulsar"])["pulsar"], tmp_path
    services.down(tmp_path, ["pulsar"])


@pytest.fixture
def own_ignite(servers, services_home, tmp_path):
    """An Ignite that this test may end: its software is that of the shared one."""
    folder = tmp_path / "services" / "ignite"
    folder.mkdir(parents=True)
    (folder / "software").symlink_to(services_home / "services" / "ignite" / "software")
    if servers["ignite"].by != "java":
        pytest.skip("Docker's Ignite forgets its tables when its container is removed")
    yield services.up(tmp_path, ["ignite"])["ignite"], tmp_path
    services.down(tmp_path, ["ignite"])


@pytest.mark.slow  # an Ignite of its own starts twice
def test_ignite_is_away_for_twenty_seconds_and_nothing_is_lost(
    own_ignite, bus_url, make, events, undisturbed, kept, acknowledged, eventually
):
    server, home = own_ignite
    sent = events(1800, begun=1200)
    with streams.connect(bus_url) as bus, stores.connect(server.url) as store:
        bus.create(STREAM, SHARDS)
        worker = make(bus, store, Pace(batch=100, checkpoint_s=0.2, poll_s=0.02, hold_s=5.0))
        worker.start()
        bus.publish(STREAM, sent.slice(0, 900))
        eventually(lambda: worker.processed >= 300)
        assert services.down(home, ["ignite"]) == ["ignite"]
        gone = time.monotonic()
        bus.publish(STREAM, sent.slice(900, 1800))
        eventually(lambda: bool(worker.failure))
        time.sleep(max(0.0, gone + OUTAGE_S - time.monotonic()))
        assert services.up(home, ["ignite"])["ignite"].url == server.url
        eventually(lambda: acknowledged(bus))
        assert worker.failure == ""
        worker.stop()
        assert kept(store) == undisturbed(sent)


@pytest.mark.slow  # a Pulsar of its own starts twice
def test_pulsar_is_away_for_twenty_seconds_and_nothing_is_lost(
    own_pulsar, empty_ignite, make, events, undisturbed, kept, acknowledged, eventually
):
    server, home = own_pulsar
    sent = events(1800, begun=1200)
    with PulsarBus(server.url) as bus, stores.connect(empty_ignite) as store:
        bus.create(STREAM, SHARDS)
        worker = make(bus, store, Pace(batch=100, checkpoint_s=0.2, poll_s=0.02, hold_s=5.0))
        worker.start()
        bus.publish(STREAM, sent.slice(0, 900))
        eventually(lambda: worker.processed >= 300)
        assert services.down(home, ["pulsar"]) == ["pulsar"]
        gone = time.monotonic()
        eventually(lambda: bool(worker.failure))
        time.sleep(max(0.0, gone + OUTAGE_S - time.monotonic()))
        assert services.up(home, ["pulsar"])["pulsar"].url == server.url
        bus.publish(STREAM, sent.slice(900, 1800))
        eventually(lambda: acknowledged(bus))
        assert worker.failure == ""
        worker.stop()
        assert kept(store) == undisturbed(sent)
