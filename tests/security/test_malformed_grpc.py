"""Six thousand messages that are none: each call ends with a status of the client's, and a model scores as before."""

import asyncio
from collections import Counter

import grpc
import numpy as np
import pyarrow as pa
import pytest

from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.events.arrow import encode_events
from snnlab.serving.grpc import neuromorphic_pb2 as pb
from snnlab.serving.grpc.service import NAME

COUNT, WARM, AT_ONCE = 6_000, 500, 16
STATUS = grpc.StatusCode
CLIENTS = {STATUS.INVALID_ARGUMENT, STATUS.NOT_FOUND, STATUS.PERMISSION_DENIED, STATUS.UNAUTHENTICATED}
CLIENTS |= {STATUS.RESOURCE_EXHAUSTED, STATUS.UNIMPLEMENTED, STATUS.FAILED_PRECONDITION}


def batch_of(told, names=("cpu", "latency")):
    return EventBatch.from_columns(
        np.array([one["features"][: len(names)] for one in told]),
        list(names),
        timestamps=[one["timestamp"] for one in told],
        event_ids=[one["event_id"] for one in told],
        entities=[one["metadata"]["entity"] for one in told],
    )


def recompressed(content, options):
    """The same Arrow stream, written another way."""
    with pa.ipc.open_stream(content) as reader:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, reader.schema, options=options) as writer:
            for record in reader:
                writer.write_batch(record)
    return sink.getvalue().to_pybytes()


class Generator:
    """Malformed calls, each with its method; the model ``other`` is named where a message may turn out to be sound."""

    def __init__(self, rng, events):
        self.rng, self.events = rng, events
        self.arrow = encode_events(batch_of(events(5)))
        self.packed = recompressed(self.arrow, pa.ipc.IpcWriteOptions(compression="zstd"))

    def one(self):
        makers = [self.cut, self.noise, self.wrong_event, self.broken_arrow, self.wrong_arrow, self.update, self.state]
        makers += [self.flipped, self.nothing]
        return makers[self.rng.integers(len(makers))]()

    def event(self, **changes):
        return {**self.events(1, begun=int(self.rng.integers(9_000)))[0], **changes}

    def cut(self):
        whole = pb.EventRequest(model_id="wire", event=self.event()).SerializeToString()
        return "ProcessEvent", whole[: int(self.rng.integers(1, len(whole)))]

    def noise(self):
        method = ["ProcessEvent", "UpdateModel", "GetNeuronState", "Nothing"][self.rng.integers(4)]
        return method, b"\xff\xff" + self.rng.bytes(int(self.rng.integers(1, 400)))

    def wrong_event(self):
        wrong = [
            {"event_id": ""},
            {"event_id": "x" * 257},
            {"timestamp": -(2**63)},
            {"timestamp": -1},
            {"features": []},
            {"features": [0.5] * 3},
            {"features": [float("nan"), 1.0]},
            {"features": [float("inf"), 1.0]},
        ][self.rng.integers(8)]
        events = [self.event(event_id="first"), self.event(event_id="second"), self.event(**wrong)]
        return "ProcessEvent", pb.EventRequest(model_id="wire", events=pb.Events(events=events)).SerializeToString()

    def broken_arrow(self):
        at = int(self.rng.integers(1, len(self.arrow)))
        odd = [self.arrow[:at], self.arrow + b"\0", self.arrow * 2, self.packed, b"ARROW1", b"\xff" * 64]
        arrow = odd[self.rng.integers(len(odd))]
        return "ProcessEvent", pb.EventRequest(model_id="wire", arrow=arrow).SerializeToString()

    def wrong_arrow(self):
        other = encode_events(batch_of(self.events(3), ("disk",)))
        table = pa.record_batch({"event_id": pa.array(["a"]), "x": pa.nulls(1)})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_batch(table)
        arrow = [other, sink.getvalue().to_pybytes()][self.rng.integers(2)]
        return "ProcessEvent", pb.EventRequest(model_id="wire", arrow=arrow).SerializeToString()

    def update(self):
        odd = [
            {},
            {"stream": "payments"},
            {"stream": "hosts.feedback"},
            {"stream": "../hosts"},
            {"arrow": self.arrow[:-9]},
            {"feedback": {"anomaly_id": "none", "label": "normal"}},
            {"feedback": {"label": "x" * 10_000}},
            {"events": {"events": [self.event(features=[1.0])]}},
        ][self.rng.integers(8)]
        return "UpdateModel", pb.ModelUpdateRequest(model_id="wire", **odd).SerializeToString()

    def state(self):
        odd = [{"entity": "nobody"}, {"entity": "host-1", "stream": "none"}, {"entity": "\0" * 1_000}, {}]
        return "GetNeuronState", pb.NeuronStateRequest(model_id="wire", **odd[self.rng.integers(4)]).SerializeToString()

    def flipped(self):
        """Bits of a message to ``other`` turned: what comes of it may be a message."""
        method, sound = [
            ("ProcessEvent", pb.EventRequest(model_id="other", score_only=True, arrow=self.arrow)),
            ("ProcessEvent", pb.EventRequest(model_id="other", score_only=True, event=self.event())),
            ("GetNeuronState", pb.NeuronStateRequest(model_id="other", entity="host-1", stream="none")),
            ("UpdateModel", pb.ModelUpdateRequest(model_id="other", stream="none")),
        ][self.rng.integers(4)]
        whole = bytearray(sound.SerializeToString())
        for at in self.rng.integers(8, len(whole), int(self.rng.integers(1, 6))):
            whole[at] ^= 1 << int(self.rng.integers(8))
        return method, bytes(whole)

    def nothing(self):
        name = ["", "none", "../web", "web\n", "x" * 5_000][self.rng.integers(5)]
        return "ProcessEvent", pb.EventRequest(model_id=name, event=self.event()).SerializeToString()


async def sent(channel, key, calls):
    """The statuses of calls, and those that no client is to blame for."""
    statuses, wrong, seats = Counter(), [], asyncio.Semaphore(AT_ONCE)

    async def one(method, content):
        async with seats:
            try:
                await channel.unary_unary(f"/{NAME}/{method}")(content, metadata=key, timeout=30)
            except grpc.aio.AioRpcError as error:
                statuses[error.code()] += 1
                if error.code() not in CLIENTS:
                    wrong.append((error.code(), method, content[:200], error.details()))
            else:
                statuses[STATUS.OK] += 1
                if b"other" not in content[:20]:
                    wrong.append((STATUS.OK, method, content[:200]))

    await asyncio.gather(*(one(*call) for call in calls))
    return statuses, wrong


async def storm(served, events, held):
    generator = Generator(np.random.default_rng(6), events)
    calls = [generator.one() for _ in range(COUNT)]
    key = (("authorization", f"Bearer {served.key}"),)
    probe = pb.EventRequest(model_id="wire", arrow=encode_events(batch_of(events(20, begun=1200))), score_only=True)
    trusted = grpc.ssl_channel_credentials(served.ca.read_bytes())
    async with grpc.aio.secure_channel(served.server.grpc, trusted) as channel:
        first, wrong = await sent(channel, key, calls[:WARM])
        before = held(served.server)
        statuses, more = await sent(channel, key, calls[WARM:])
        grown = np.subtract(held(served.server), before)
        keyless, _ = await sent(channel, (("authorization", "Bearer none"),), calls[:50])
        told = await channel.unary_unary(f"/{NAME}/ProcessEvent")(probe.SerializeToString(), metadata=key)
    return first + statuses, wrong + more, grown, keyless, pb.AnomalyResponse.FromString(told)


@pytest.mark.slow  # six thousand calls to a service in processes of its own
def test_six_thousand_malformed_messages_are_the_clients_and_leave_nothing(served, events, held):
    statuses, wrong, (memory, files), keyless, told = asyncio.run(storm(served, events, held))
    assert not wrong, wrong[:3]
    assert sum(statuses.values()) == COUNT
    assert statuses[STATUS.OK] < COUNT / 10
    assert set(statuses) >= {STATUS.INVALID_ARGUMENT, STATUS.NOT_FOUND, STATUS.PERMISSION_DENIED, STATUS.UNIMPLEMENTED}
    assert set(keyless) <= {STATUS.UNAUTHENTICATED, STATUS.UNIMPLEMENTED}
    assert memory < 48 * 2**20
    assert files < 20
    expected = Detector.load(served.body).process(batch_of(events(20, begun=1200)), learn=False)
    assert list(told.score) == expected.score.tolist()


def ended(served, content, **options):
    """The status of one call."""
    trusted = grpc.ssl_channel_credentials(served.ca.read_bytes())
    with grpc.secure_channel(served.server.grpc, trusted) as channel:
        call = channel.unary_unary(f"/{NAME}/ProcessEvent")
        with pytest.raises(grpc.RpcError) as refused:
            call(content, metadata=(("authorization", f"Bearer {served.key}"),), timeout=30, **options)
    return refused.value.code(), refused.value.details()


def test_messages_that_are_too_large_or_unpack_to_that_are_not_taken_in(served, held):
    memory, _ = held(served.server)
    zeros = pb.EventRequest(model_id="wire", arrow=bytes(17 * 2**20)).SerializeToString()
    assert ended(served, zeros)[0] is STATUS.RESOURCE_EXHAUSTED
    assert ended(served, zeros, compression=grpc.Compression.Gzip)[0] is STATUS.RESOURCE_EXHAUSTED
    assert held(served.server)[0] - memory < 64 * 2**20


def test_arrow_that_would_unpack_to_gigabytes_is_refused_as_it_is(served, held):
    calm = EventBatch.from_columns(np.zeros((20_000, 100)), [f"c{i}" for i in range(100)])
    bomb = recompressed(encode_events(calm), pa.ipc.IpcWriteOptions(compression="zstd"))
    assert len(bomb) < 2**20
    memory, _ = held(served.server)
    status, detail = ended(served, pb.EventRequest(model_id="wire", arrow=bomb).SerializeToString())
    assert (status, "compressed" in detail) == (STATUS.INVALID_ARGUMENT, True)
    assert held(served.server)[0] - memory < 8 * 2**20


def test_more_events_than_a_message_may_hold_are_refused(served):
    many = EventBatch.from_columns(np.zeros((100_001, 2)), ["cpu", "latency"])
    status, detail = ended(served, pb.EventRequest(model_id="wire", arrow=encode_events(many)).SerializeToString())
    assert (status, "100000 are possible" in detail) == (STATUS.INVALID_ARGUMENT, True)
