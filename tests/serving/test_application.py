import time

from snnlab.serving.application import Application
from snnlab.serving.assignment import Pace
from snnlab.serving.untrained import Untrained
from snnlab.stores import ShardKey

EAGER = Pace(checkpoint_s=0.0, poll_s=0.01)


def at_work(application, model_id, bus, stream, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        (worker,) = application.deployments(model_id)
        if worker.positions() == bus.positions(stream):
            return worker
        time.sleep(0.01)
    raise AssertionError(worker.failure or worker.positions())


def test_models_and_deployments_outlive_the_process(bus, store, calm):
    first = Application(bus, store, pace=EAGER)
    first.start()
    model_id = first.create_model(Untrained("performance", features=("cpu", "latency"), seed=1)).model_id
    first.score(model_id, calm(100))
    first.deploy(model_id, "hosts", shards=2)
    bus.publish("hosts", calm(50, begun=100))
    assert at_work(first, model_id, bus, "hosts").processed == 50
    first.close()
    second = Application(bus, store, pace=EAGER)
    second.start()
    assert second.model(model_id).scorer.detector.n_events == 100
    assert second.model(model_id).features == ("cpu", "latency")
    bus.publish("hosts", calm(30, begun=150))
    assert at_work(second, model_id, bus, "hosts").processed == 30
    second.close()


def test_training_a_model_leaves_its_deployments_until_it_is_deployed_again(bus, store, calm):
    application = Application(bus, store, pace=EAGER)
    application.start()
    model_id = application.create_model(Untrained("performance", features=("cpu", "latency"), seed=1)).model_id
    application.deploy(model_id, "hosts", shards=2)
    bus.publish("hosts", calm(50))
    first, second = ([ShardKey(f"{model_id}@{version}", "hosts", shard) for shard in range(2)] for version in (1, 2))
    at_work(application, model_id, bus, "hosts")
    application.score(model_id, calm(100))
    assert all(store.load(key) for key in first)
    again = application.deploy(model_id, "hosts", shards=2)
    assert again.assignment.version == 2
    bus.publish("hosts", calm(20, begun=50))
    assert at_work(application, model_id, bus, "hosts").processed == 20
    application.close()
    assert all(store.load(key) for key in second)
    assert not any(store.load(key) or store.rows(key) for key in first)  # nobody will ask for it any more


def test_a_deployment_from_the_end_passes_over_what_is_there(bus, store, calm):
    application = Application(bus, store, pace=EAGER)
    application.start()
    bus.create("hosts", 2)
    bus.publish("hosts", calm(50))
    model_id = application.create_model(Untrained("performance", features=("cpu", "latency"), seed=1)).model_id
    application.deploy(model_id, "hosts", shards=2, start="end")
    bus.publish("hosts", calm(10, begun=50))
    assert at_work(application, model_id, bus, "hosts").processed == 10
    application.close()


def test_a_model_of_the_store_that_is_damaged_is_left_out(bus, store):
    store.put_model("broken", b"no model", {"kind": "model", "name": "broken"})
    application = Application(bus, store)
    application.start()
    assert application.models() == []
    application.close()
