"""The four calls of NeuromorphicService over an Application."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import numpy as np

from snnlab.errors import ConfigError, NothingThere
from snnlab.events.arrow import decode_events
from snnlab.serving.application import Application
from snnlab.serving.grpc import neuromorphic_pb2 as pb
from snnlab.serving.grpc.messages import answer, events_of, read, scored
from snnlab.serving.grpc.status import told
from snnlab.serving.models import Model
from snnlab.serving.scorer import Found

__all__ = ["NAME", "Neuromorphic"]

_AT_ONCE = 8  # events that are scored sooner than a thread could take them over
NAME = "snnlab.neuromorphic.v1.NeuromorphicService"


class Neuromorphic:
    """Answers calls on an event loop; what takes longer than a few events is done on threads."""

    def __init__(self, application: Application, events: int) -> None:
        self._application = application
        self._events = events

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

    async def process_event(self, content: bytes, context: grpc.aio.ServicerContext) -> pb.AnomalyResponse:
        """Verdicts on the events of one request."""
        async with told(context):
            return await self._answer(read(pb.EventRequest, content))

    async def stream_process(
        self, contents: AsyncIterator[bytes], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.AnomalyResponse]:
        """One answer a request, in order. A request that cannot be scored changes nothing and ends the stream."""
        async with told(context):
            async for content in contents:
                yield await self._answer(read(pb.EventRequest, content))

    async def get_neuron_state(self, content: bytes, context: grpc.aio.ServicerContext) -> pb.NeuronStateResponse:
        """The network as an entity's last event left it."""
        async with told(context):
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

    async def update_model(self, content: bytes, context: grpc.aio.ServicerContext) -> pb.ModelUpdateResponse:
        """Let a model learn: from events, from a stream, in the background; or from what an anomaly really was."""
        async with told(context):
            return await asyncio.to_thread(self._update, read(pb.ModelUpdateRequest, content))

    async def _answer(self, request: pb.EventRequest) -> pb.AnomalyResponse:
        model = self._application.model(request.model_id)
        if not request.arrow and len(request.events.events) <= _AT_ONCE and not model.scorer.busy:
            found = self._scored(request, model)
        else:
            found = await asyncio.to_thread(self._scored, request, model)
        if found.anomalies:
            await asyncio.to_thread(self._application.keep, found.anomalies)
        return answer(request, model, found)

    def _scored(self, request: pb.EventRequest, model: Model) -> Found:
        batch = scored(request, model, self._events)
        return self._application.verdicts(model.model_id, batch, learn=not request.score_only)

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


def _written(response: pb.AnomalyResponse | pb.NeuronStateResponse | pb.ModelUpdateResponse) -> bytes:
    return bytes(response.SerializeToString())
