"""What clients send that is no request: each is answered with a status of the client's, and the service goes on."""

import asyncio
import gc

import grpc
import numpy as np
import psutil

from snnlab.events.arrow import encode_events
from snnlab.serving.grpc import GrpcServer, GrpcSettings
from snnlab.serving.grpc import neuromorphic_pb2 as pb
from snnlab.serving.grpc.service import NAME

CLIENTS = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
NETWORK = {"network": {"layers": [{"type": "input"}, {"type": "reservoir", "neurons": 32}, {"type": "readout"}]}}


def spoiled(rng, sound):
    """A sound message with a few of its bytes changed, or cut, or nothing but noise."""
    content = bytearray(sound)
    kind = rng.integers(4)
    if kind == 0:
        return bytes(content[: rng.integers(len(content))])
    if kind == 1:
        return rng.bytes(int(rng.integers(1, 200)))
    for at in rng.integers(0, len(content), int(rng.integers(1, 6))):
        content[at] = rng.integers(256)
    return bytes(content)


def test_two_thousand_malformed_messages_are_the_clients_fault_and_leave_nothing(application, calm):
    model = application.create_model("performance", features=["cpu", "latency"], neuromorphic=NETWORK).model_id
    batch = calm(5)
    one = {"event_id": "e", "timestamp": 7, "features": [0.5, 20.0], "metadata": {"entity": "h"}}
    sound = [
        ("ProcessEvent", pb.EventRequest(model_id=model, event=one).SerializeToString()),
        ("ProcessEvent", pb.EventRequest(model_id=model, arrow=encode_events(batch)).SerializeToString()),
        ("GetNeuronState", pb.NeuronStateRequest(model_id=model, entity="h", stream="s").SerializeToString()),
        ("UpdateModel", pb.ModelUpdateRequest(model_id=model, stream="none").SerializeToString()),
    ]
    rng = np.random.default_rng(0)
    statuses = {}

    async def send(call, content):
        try:
            await call(content)
        except grpc.aio.AioRpcError as error:
            statuses[error.code()] = statuses.get(error.code(), 0) + 1
        else:
            statuses["answered"] = statuses.get("answered", 0) + 1

    async def whole():
        server = await GrpcServer.start(application, GrpcSettings(port=0))
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            calls = {name: channel.unary_unary(f"/{NAME}/{name}") for name, _ in sound}
            for at in range(2_000):
                if at == 200:
                    gc.collect()
                    before = psutil.Process().memory_info().rss
                name, content = sound[rng.integers(len(sound))]
                await send(calls[name], spoiled(rng, content))
            gc.collect()
            grown = psutil.Process().memory_info().rss - before
            last = pb.EventRequest(model_id=model, event={**one, "event_id": "last", "timestamp": 2**62})
            answer = await calls["ProcessEvent"](last.SerializeToString())
        await server.stop()
        return pb.AnomalyResponse.FromString(answer), grown

    answer, grown = asyncio.run(whole())
    assert len(answer.score) == 1
    assert set(statuses) <= {*CLIENTS, "answered"}, statuses
    assert sum(statuses.values()) == 2_000
    assert sum(count for key, count in statuses.items() if key != "answered") > 1_000
    assert grown < 64 * 2**20
