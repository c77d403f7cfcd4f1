"""The four calls of NeuromorphicService over an Application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import grpc
import numpy as np

from snnlab.errors import ConfigError, NothingThere, OwnedElsewhere
from snnlab.events.arrow import decode_events
from snnlab.serving import answering
from snnlab.serving.application import Application
from snnlab.serving.grpc import neuromorphic_pb2 as pb
from snnlab.serving.grpc.forwarding import Channels
from snnlab.serving.grpc.messages import answer, events_of, read, scored
from snnlab.serving.grpc.status import told
from snnlab.serving.model import Model

__all__ = ["NAME", "Neuromorphic"]

_Response = TypeVar("_Response", pb.AnomalyResponse, pb.NeuronStateResponse, pb.ModelUpdateResponse)
NAME = "snnlab.neuromorphic.v1.NeuromorphicService"


class Neuromorphic:
    """Answers calls on an event loop; what takes longer than a few events is done on threads.

    What another replica owns is sent on to it, as it came; a request of a stream goes as a call of its own.
    """

    def __init__(self, application: Application, events: int, channels: Channels) -> None:
        self._application = application
        self._events = events
        self._channels = channels

    def handler(self) -> grpc.GenericRpcHandler:
        """The service's methods as gRPC wants them.

        They are given bytes: gRPC itself would log a traceback for bytes that are no message, and blame the server.
        """
        unary, streamed = grpc.unary_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        methods = {
            "ProcessEvent": unary(self.process_event, None, _written),
            "StreamProcess": streamed(self.stream_process, None, _written),
            "GetNeuronState": unary(self.get_neuron_state, None, _written),
            "UpdateModel": unary(self.update_model, None, _written),
        }
        return grpc.method_handlers_generic_handler(NAME, methods)

    async def process_event(self, content: bytes, context: grpc.aio.ServicerContext) -> pb.AnomalyResponse | bytes:
        """Verdicts on the events of one request."""
        async with told(context):
            return await self._here_or_there("ProcessEvent", content, context, self._process)

    async def stream_process(
        self, contents: AsyncIterator[bytes], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.AnomalyResponse | bytes]:
        """One answer a request, in order. A request that cannot be scored changes nothing and ends the stream."""
        async with told(context):
            async for content in contents:
                yield await self._here_or_there("ProcessEvent", content, context, self._process)

    async def get_neuron_state(
        self, content: bytes, context: grpc.aio.ServicerContext
    ) -> pb.NeuronStateResponse | bytes:
        """The network as an entity's last event left it."""
        async with told(context):
            return await self._here_or_there("GetNeuronState", content, context, self._neurons)

    async def update_model(self, content: bytes, context: grpc.aio.ServicerContext) -> pb.ModelUpdateResponse | bytes:
        """Let a model learn: from events, from a stream, in the background; or from what an anomaly really was."""
        async with told(context):
            return await self._here_or_there("UpdateModel", content, context, self._learn)

    async def _here_or_there(
        self,
        method: str,
        content: bytes,
        context: grpc.aio.ServicerContext,
        here: Callable[[bytes], Awaitable[_Response]],
    ) -> _Response | bytes:
        """The answer of this replica, or the bytes of that which owns the model."""
        try:
            return await here(content)
        except OwnedElsewhere as error:
            return await self._channels.ask(f"/{NAME}/{method}", content, context, error)

    async def _process(self, content: bytes) -> pb.AnomalyResponse:
        request = read(pb.EventRequest, content)
        model, found = await answering.score(
            self._application,
            request.model_id,
            lambda model: scored(request, model, self._events),
            few=not request.arrow and len(request.events.events) <= answering.FEW,
            learn=not request.score_only,
            stream=request.stream_id,
        )
        return answer(request, model, found)

    async def _neurons(self, content: bytes) -> pb.NeuronStateResponse:
        request = read(pb.NeuronStateRequest, content)
        state = await asyncio.to_thread(
            self._application.neurons, request.model_id, request.entity, request.stream or None
        )
        return pb.NeuronStateResponse(
            model_id=request.model_id,
            version=str(state.version),
            entity=request.entity,
            neurons=len(state.membrane),
            events_seen=state.events_seen,
            membrane=state.membrane.tolist(),
            threshold=state.threshold.tolist(),
            current=state.current.tolist(),
            adaptation=state.adaptation.tolist(),
            ticks_since_spike=state.age.astype(np.uint32).tolist(),
        )

    async def _learn(self, content: bytes) -> pb.ModelUpdateResponse:
        return await asyncio.to_thread(self._update, read(pb.ModelUpdateRequest, content))

    def _update(self, request: pb.ModelUpdateRequest) -> pb.ModelUpdateResponse:
        model = self._application.model(request.model_id)
        kind, labels = request.WhichOneof("update"), dict(request.labels)
        if kind == "feedback":
            return self._feedback(request, model)
        if kind == "stream":
            job = self._application.train(model.model_id, stream=request.stream, labels=labels)
        elif kind is not None:
            batch = decode_events(request.arrow) if kind == "arrow" else events_of(request.events.events, model)
            job = self._application.train(model.model_id, batch=batch, labels=labels)
        else:
            raise ConfigError("the request holds nothing to learn from; give 'events', 'arrow', 'stream' or 'feedback'")
        return pb.ModelUpdateResponse(
            model_id=model.model_id, version=str(model.scorer.version), status=job.status, job_id=job.job_id
        )

    def _feedback(self, request: pb.ModelUpdateRequest, model: Model) -> pb.ModelUpdateResponse:
        anomaly = self._application.anomaly(request.feedback.anomaly_id)
        if anomaly is None or anomaly.model != model.model_id:
            raise NothingThere(
                f"model {model.model_id!r} has told of no anomaly {request.feedback.anomaly_id!r}; "
                "GET /api/v1/anomalies tells which there are"
            )
        status = self._application.feedback(anomaly.anomaly_id, request.feedback.label)
        return pb.ModelUpdateResponse(
            model_id=model.model_id, version=str(model.scorer.version), status=status or "queued"
        )


def _written(response: pb.AnomalyResponse | pb.NeuronStateResponse | pb.ModelUpdateResponse | bytes) -> bytes:
    return response if isinstance(response, bytes) else bytes(response.SerializeToString())
