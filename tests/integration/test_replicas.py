"""Three service processes over one bus and one store: whoever is asked, the answer is the same.

Once over the embedded pair, once over real Pulsar and Ignite. The key is on, so that forwarded calls have to carry it.
"""

import asyncio
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import uuid4

import grpc
import httpx
import psutil
import pytest

from snnlab import stores, streams
from snnlab.bench.websocket import WebSocketClient
from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.events.arrow import encode_events
from snnlab.serving.bento import NamedModel, build
from snnlab.serving.grpc import neuromorphic_pb2 as pb
from snnlab.serving.grpc.service import NAME
from snnlab.serving.model import key_of
from snnlab.serving.run import BentoServer

KEY = "a key that replicas share"
BEARER = {"authorization": f"Bearer {KEY}"}
LEASE_S = 3
COLUMNS = {"features": ["cpu", "latency"]}


class Replica:
    """One service process, and clients of it."""

    def __init__(self, server):
        self.server = server
        self.http = httpx.Client(base_url=server.url, headers=BEARER, trust_env=False, timeout=20)
        self.channel = grpc.insecure_channel(server.grpc)

    def get(self, path, **params):
        answer = self.http.get(f"/api/v1{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, method, path, status, body=None):
        answer = self.http.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def call(self, method, request, kind):
        asked = self.channel.unary_unary(
            f"/{NAME}/{method}", lambda message: message.SerializeToString(), kind.FromString
        )
        return asked(request, timeout=20, metadata=tuple(BEARER.items()))

    def stream(self, requests):
        asked = self.channel.stream_stream(
            f"/{NAME}/StreamProcess", lambda message: message.SerializeToString(), pb.AnomalyResponse.FromString
        )
        return list(asked(iter(requests), timeout=20, metadata=tuple(BEARER.items())))

    def kill(self):
        leader = psutil.Process(self.server._process.pid)
        family = [leader, *leader.children(recursive=True)]
        for one in family:
            one.kill()
        psutil.wait_procs(family, timeout=10)

    def close(self):
        self.http.close()
        self.channel.close()
        self.server.stop()


def embedded(request):
    folder = request.getfixturevalue("tmp_path")
    return f"sqlite:///{folder / 'bus.db'}", f"sqlite:///{folder / 'store.db'}"


def live(request):
    name = uuid4().hex
    ignite = request.getfixturevalue("ignite_url")
    return f"{request.getfixturevalue('pulsar_url')}/replicas/{name}", f"{ignite}/r_{name}"


PAIRS = {"embedded": embedded, "live": live}


@pytest.fixture(params=sorted(PAIRS))
def pair(request):
    return PAIRS[request.param](request)


@pytest.fixture(scope="module")
def bento(tmp_path_factory, model):
    home = tmp_path_factory.mktemp("bento")
    return build([NamedModel("bundled", model[3])], home=home), home


@pytest.fixture
def start(bento, pair, tmp_path):
    """Starts replicas, each with a home of its own; all that are left are ended."""
    tag, built = bento
    bus, store = pair
    settings = {
        "SNNLAB_BUS": bus,
        "SNNLAB_STORE": store,
        "SNNLAB_API_KEY": KEY,
        "SNNLAB_LEASE_S": str(LEASE_S),
    }
    with ExitStack() as left:

        def begin(name):
            home = tmp_path / name
            shutil.copytree(built, home)
            replica = Replica(BentoServer(tag, home=home, settings=settings, timeout_s=120).start())
            left.callback(replica.close)
            return replica

        yield begin


def eventually(told, holds, seconds=60):
    """What is told once it holds."""
    until = time.monotonic() + seconds
    while not holds(found := told()):
        assert time.monotonic() < until, found
        time.sleep(0.05)
    return found


def as_json(batch):
    rows = zip(batch.event_ids, batch.timestamps.tolist(), batch.values.tolist(), batch.entities.words(), strict=True)
    return [{"event_id": i, "timestamp": t, "features": f, "metadata": {"entity": e}} for i, t, f, e in rows]


def with_burst(batch, at):
    """The batch with a few events far outside."""
    values = batch.values.copy()
    values[at : at + 5] = [50.0, 9000.0]
    return EventBatch.from_columns(
        values,
        batch.names,
        timestamps=batch.timestamps,
        event_ids=batch.event_ids,
        entities=batch.entities.words(),
    )


def message(batch, row):
    one = as_json(batch.slice(row, row + 1))[0]
    return pb.Event(**one)


def same(replicas, path, **params):
    """What every replica answers."""
    answers = [one.get(path, **params) for one in replicas]
    assert all(answer == answers[0] for answer in answers), answers
    return answers[0]


def same_soon(replicas, path, holds, **params):
    """What every replica answers, once it holds: asked again while a worker moves on between two questions."""

    def told():
        return [one.get(path, **params) for one in replicas]

    return eventually(told, lambda found: all(one == found[0] for one in found) and holds(found[0]))[0]


def owner_of(store, model_id, replicas):
    (lease,) = [one for one in store.leases() if one.key == key_of(model_id)]
    return next(one for one in replicas if one.server.url in lease.owner)


def train(replica, everybody, model_id, batch):
    """Train at one replica; the job is the same at all."""
    job = replica.ask("PUT", f"/models/{model_id}/train", 202, {"events": as_json(batch)})
    path = f"/jobs/{job['job_id']}"
    done = same_soon(everybody, path, lambda one: one["status"] in {"succeeded", "failed"})
    assert (done["status"], done["result"]["events"]) == ("succeeded", len(batch)), done


def score(everybody, model_id, batch, expected):
    """Post a batch in parts, each to the next replica; one detector has seen them all."""
    for at, begin in enumerate(range(0, len(batch), 10)):
        part = {"events": as_json(batch.slice(begin, begin + 10))}
        told = everybody[at % len(everybody)].ask("POST", f"/models/{model_id}/score", 200, part)
        wanted = expected.process(batch.slice(begin, begin + 10))
        assert [one["score"] for one in told["verdicts"]] == wanted.score.tolist()


def over_grpc(everybody, model_id, batch, expected):
    """Events one by one and in columns, at each replica in turn and as a stream at each."""
    scores = [
        everybody[row % len(everybody)]
        .call("ProcessEvent", pb.EventRequest(model_id=model_id, event=message(batch, row)), pb.AnomalyResponse)
        .score[0]
        for row in range(9)
    ]
    for at, replica in enumerate(everybody):
        begin = 9 + at * 20
        requests = [pb.EventRequest(model_id=model_id, event=message(batch, begin + row)) for row in range(5)]
        requests += [pb.EventRequest(model_id=model_id, arrow=encode_events(batch.slice(begin + 5, begin + 20)))]
        scores += [one for answer in replica.stream(requests) for one in answer.score]
    assert scores == expected.process(batch.slice(0, len(scores))).score.tolist()
    asked = pb.NeuronStateRequest(model_id=model_id, entity="host-1")
    states = [one.call("GetNeuronState", asked, pb.NeuronStateResponse) for one in everybody]
    assert all(state == states[0] for state in states)
    assert states[0].events_seen == expected.n_events
    missing = pb.EventRequest(model_id="nobody", event=message(batch, 0))
    for one in everybody:
        with pytest.raises(grpc.RpcError) as told:
            one.call("ProcessEvent", missing, pb.AnomalyResponse)
        assert told.value.code() is grpc.StatusCode.NOT_FOUND
    return len(scores)


def over_sockets(everybody, model_id, batch, stream):
    """Open both sockets at every replica, post events at each, and compare what the sockets tell."""

    async def heard(socket, seconds):
        told = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    told.append(json.loads(await socket.receive()))
        except TimeoutError:
            return told

    async def whole():
        async def opened(replica, path):
            host, port = replica.server.url.removeprefix("http://").split(":")
            return await WebSocketClient.open(host, int(port), path, BEARER)

        first = pb.EventRequest(model_id=model_id, stream_id=stream, event=message(batch, 0))
        await asyncio.to_thread(everybody[0].call, "ProcessEvent", first, pb.AnomalyResponse)
        anomalies = [await opened(one, f"/ws/anomalies/{stream}") for one in everybody]
        spikes = [await opened(one, f"/ws/spikes/{model_id}") for one in everybody]
        await asyncio.sleep(2.5)  # until every replica hears every other
        listening = [asyncio.ensure_future(heard(socket, 5)) for socket in (*anomalies, *spikes)]
        for row in range(1, len(batch)):
            request = pb.EventRequest(model_id=model_id, stream_id=stream, event=message(batch, row))
            await asyncio.to_thread(everybody[row % 3].call, "ProcessEvent", request, pb.AnomalyResponse)
        told = await asyncio.gather(*listening)
        for socket in (*anomalies, *spikes):
            await socket.close()
        return told[:3], told[3:]

    anomalies, spikes = asyncio.run(whole())
    assert anomalies[0]
    assert all(told == anomalies[0] for told in anomalies)
    assert {one["stream"] for one in anomalies[0]} == {stream}
    assert [one["position"] for one in anomalies[0]] == sorted(one["position"] for one in anomalies[0])
    in_order = [sorted(told, key=lambda one: (one["replica"], one["sequence"])) for told in spikes]
    assert all(told == in_order[0] for told in in_order)
    assert sum(one["events"] for one in in_order[0]) == len(batch) - 1
    return anomalies[0]


def deployed(everybody, model_id, bus, batch):
    """Deploy at one replica, and let whoever holds a shard score it; all tell the same of it."""
    made = everybody[1].ask("POST", f"/models/{model_id}/deploy", 201, {"stream": "hosts", "shards": 4})
    assert (made["status"], made["stream"]) == ("running", "hosts")
    bus.publish("hosts", batch)
    path = f"/deployments/{model_id}/hosts"
    done = same_soon(everybody, path, lambda one: one["events_processed"] == len(batch))
    assert done["positions"] == {str(shard): at for shard, at in bus.positions("hosts").items()}
    assert same(everybody, "/deployments")["deployments"] == [done]
    assert same(everybody, f"/models/{model_id}")["deployments"] == [done]
    found = same(everybody, "/anomalies", stream="hosts")["anomalies"]
    assert found
    given = everybody[2].ask("POST", f"/anomalies/{found[0]['anomaly_id']}/feedback", 202, {"label": "normal"})
    assert given["status"] == "queued"


def stopped(everybody, model_id, bus, store, batch):
    """Stop at one replica what another began: no worker of any goes on."""
    path = f"/deployments/{model_id}/hosts"
    before = everybody[0].get(path)["events_processed"]
    assert everybody[0].ask("DELETE", path, 202)["status"] in {"stopping", "stopped"}
    done = same_soon(everybody, path, lambda one: one["status"] == "stopped")
    assert not [lease for lease in store.leases() if lease.key.stream == "hosts"]
    assert same(everybody, "/deployments")["deployments"] == []
    assert same(everybody, "/deployments", stopped=True)["deployments"] == [done]
    bus.publish("hosts", batch)
    time.sleep(1.5)
    assert same(everybody, path)["events_processed"] == before
    for one in everybody:
        one.ask("DELETE", f"/deployments/{model_id}/nowhere", 404)


def patterns(everybody, model_id):
    """Register at one replica, remove at another."""
    body = {
        "name": "a burst",
        "anomaly_type": "burst",
        "model_id": model_id,
        "spike_pattern": [0.5, 0.25],
        "recommended_actions": ["Look."],
    }
    made = everybody[2].ask("POST", "/patterns", 201, body)
    assert same(everybody, "/patterns", model=model_id) == {"patterns": [made], "next_cursor": None}
    assert everybody[1].http.delete(f"/api/v1/patterns/{made['pattern_id']}").status_code == 204
    assert same(everybody, "/patterns")["patterns"] == []
    everybody[0].ask("DELETE", f"/patterns/{made['pattern_id']}", 404)


def metrics(everybody, model_id, posted):
    """The sum over the replicas is the same at each, and counts every posted event once."""
    told = [one.get("/metrics") for one in everybody]
    assert all(one.pop("uptime_seconds") > 0 for one in told)
    for one in told:
        for replica in one["replicas"]:
            assert replica.pop("uptime_seconds") > 0
    assert all(one == told[0] for one in told)
    (model,) = [one for one in told[0]["models"] if one["model_id"] == model_id]
    assert model["events_processed"] >= posted
    assert len(told[0]["replicas"]) == 3
    assert sum(one["events_processed"] for one in told[0]["replicas"]) == told[0]["events_processed"]


def feedback(everybody, store, model_id, anomaly_id):
    """A label given to a replica that does not own the model is learnt by the one that does."""
    owner = owner_of(store, model_id, everybody)
    other = next(one for one in everybody if one is not owner)
    given = other.ask("POST", f"/anomalies/{anomaly_id}/feedback", 202, {"label": "normal"})
    assert given["status"] == "applied"
    for one in everybody:
        assert one.ask("POST", "/anomalies/none/feedback", 404, {"label": "normal"})["status"] == 404


def killed(everybody, store, model_id, batch):
    """kill -9 of the owner: 503 with a time to come again, and then its last checkpoint goes on elsewhere."""
    owner = owner_of(store, model_id, everybody)
    seen = owner.get(f"/models/{model_id}")["events_seen"]
    key = key_of(model_id)
    eventually(lambda: Detector.load(store.load(key).head).n_events, lambda kept: kept == seen)
    left = [one for one in everybody if one is not owner]
    expected = Detector.load(store.load(key).head)
    owner.kill()
    body = {"events": as_json(batch.slice(0, 10))}
    told = left[0].http.post(f"/api/v1/models/{model_id}/score", json=body)
    assert (told.status_code, told.json()["type"]) == (503, "urn:snnlab:problem:owned-elsewhere")
    assert told.headers["retry-after"] == "1"
    assert same(left, f"/models/{model_id}")["events_seen"] == seen
    request = pb.EventRequest(model_id=model_id, arrow=encode_events(batch.slice(0, 10)))
    with pytest.raises(grpc.RpcError) as refused:
        left[1].call("ProcessEvent", request, pb.AnomalyResponse)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert ("retry-after", "1") in refused.value.trailing_metadata()

    def posted():
        return left[0].http.post(f"/api/v1/models/{model_id}/score", json=body)

    answer = eventually(posted, lambda one: one.status_code == 200, 4 * LEASE_S).json()
    assert [one["score"] for one in answer["verdicts"]] == expected.process(batch.slice(0, 10)).score.tolist()
    score(left, model_id, batch.slice(10, 40), expected)
    return left, expected


def ended(left, store, model_id, batch, expected):
    """SIGTERM of the owner: it leaves the model at once, with all that it saw."""
    owner = owner_of(store, model_id, left)
    (last,) = [one for one in left if one is not owner]
    owner.server.stop()
    assert not [lease for lease in store.leases() if owner.server.url in lease.owner]
    body = {"events": as_json(batch)}

    def posted():
        return last.http.post(f"/api/v1/models/{model_id}/score", json=body)

    answer = eventually(posted, lambda one: one.status_code == 200, LEASE_S).json()
    assert [one["score"] for one in answer["verdicts"]] == expected.process(batch).score.tolist()
    assert len(last.get("/metrics")["replicas"]) == 1


@pytest.mark.slow  # three services start, one of them late
def test_whichever_replica_is_asked_the_answer_is_the_same(start, pair, events):
    with ThreadPoolExecutor(2) as pool:
        everybody = list(pool.map(start, ["a", "b"]))
    assert len({one.server.url for one in everybody}) == 2
    with streams.connect(pair[0]) as bus, stores.connect(pair[1]) as store:
        body = {"domain": "business", "name": "web", "seed": 1, **COLUMNS}
        model_id = everybody[0].ask("POST", "/models", 201, body)["model_id"]
        assert [one["model_id"] for one in same(everybody, "/models")["models"]] == ["bundled", model_id]
        expected = Detector.build("business", names=COLUMNS["features"], entities=True, seed=1)
        train(everybody[1], everybody, model_id, events(1200))
        expected.process(events(1200).slice(0, 1000))
        expected.process(events(1200).slice(1000, 1200))
        everybody.append(start("c"))  # it comes late, and knows what the others do
        for path in ("/models", f"/models/{model_id}", "/anomalies", "/deployments", "/patterns"):
            same(everybody, path)
        score(everybody, model_id, events(100, begun=1200), expected)
        told = over_grpc(everybody, model_id, events(100, begun=1300), expected)
        anomalies = over_sockets(everybody, model_id, with_burst(events(140, begun=2400), 60), "posted")
        assert same(everybody, f"/models/{model_id}")["events_seen"] == 1200 + 100 + told + 140
        one = same(everybody, f"/anomalies/{anomalies[0]['anomaly_id']}")
        assert one == {name: value for name, value in anomalies[0].items() if name != "position"}
        metrics(everybody, model_id, 1200 + 100 + told + 140)
        feedback(everybody, store, model_id, anomalies[-1]["anomaly_id"])
        patterns(everybody, model_id)
        deployed(everybody, model_id, bus, events(600, begun=3000))
        stopped(everybody, model_id, bus, store, events(100, begun=3600))
        left, expected = killed(everybody, store, model_id, events(40, begun=3700))
        ended(left, store, model_id, events(20, begun=3800), expected)
