"""Models: made, listed, trained, deployed, and asked for verdicts."""

import asyncio
import math
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException, Response

from snnlab.events import EventBatch
from snnlab.serving import answering
from snnlab.serving.jobs import Job
from snnlab.serving.model import Model
from snnlab.serving.model_card import ModelCard
from snnlab.serving.rest.access import App, RequestLimits, problems
from snnlab.serving.rest.deployments import told_of
from snnlab.serving.rest.limits import Limits
from snnlab.serving.rest.requests import CreateModel, Deploy, Score, Train
from snnlab.serving.rest.responses import DeploymentOut, ModelList, ModelOut, Rejected, Scored, VerdictOut
from snnlab.serving.scorer import Found

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/models", tags=["models"])

_SOON = 0.75  # of the time that a request may take: until then what it asks for is waited for
_LATER: dict[int | str, dict[str, Any]] = {202: {"description": "It takes a while: the job that does it", "model": Job}}
_DEPLOYMENTS = 1000  # told with the models; GET /api/v1/deployments tells all, by page


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Create new SNN model",
    response_model=ModelOut,
    responses=_LATER,
)
def create(body: CreateModel, app: App, limits: RequestLimits, response: Response) -> ModelOut | Response:
    """Make an untrained model of a domain. It learns from the first event on.

    One that takes longer than a request may, as a network of millions of synapses does, is made in the background: the
    answer is then a job; ask for it at its Location until it has succeeded, and the model is there.
    """
    made = app.create_model(body.wanted(), soon_s=_SOON * limits.seconds)
    if isinstance(made, Job):
        return _later(made)
    response.headers["Location"] = f"/api/v1/models/{made.model_id}"
    return _told(made.card, [])


@router.get("", summary="List all models")
def listed(app: App) -> ModelList:
    """All models of the service, those that came with it and those made since, whichever replica owns them."""
    at_work: dict[str, list[DeploymentOut]] = {}
    for one in app.deployed(limit=_DEPLOYMENTS).items:
        at_work.setdefault(one.model_id, []).append(told_of(one))
    return ModelList(models=[_told(card, at_work.get(card.model_id, [])) for card in app.models()])


@router.get("/{model_id}", summary="Get one model", responses=problems(_404="No such model"))
def one(model_id: str, app: App) -> ModelOut:
    """A model and the streams that it works on."""
    at_work = app.deployed(model_id=model_id, limit=_DEPLOYMENTS).items
    return _told(app.card(model_id), [told_of(one) for one in at_work])


@router.put(
    "/{model_id}/train",
    status_code=HTTPStatus.ACCEPTED,
    summary="Online training",
    responses=problems(_403="The stream may not be named", _404="No such model", _413="Too many events"),
)
def train(model_id: str, body: Train, app: App, limits: RequestLimits, response: Response) -> Job:
    """Let a model learn from posted events, or from all that a stream holds, in the background.

    The answer is a job; ask for it at its Location until it has succeeded or failed. The events are checked at once.
    """
    batch = None
    if body.events is not None:
        _fits(len(body.events), limits)
        model = app.model(model_id)
        batch = body.batch(model.features, model.categories)
    job = app.train(model_id, batch=batch, stream=body.stream, labels=body.labels)
    response.headers["Location"] = f"/api/v1/jobs/{job.job_id}"
    return job


@router.post(
    "/{model_id}/deploy",
    status_code=HTTPStatus.CREATED,
    summary="Deploy to stream",
    response_model=DeploymentOut,
    responses={**_LATER, **problems(_403="The stream may not be named", _404="No such model")},
)
def deploy(
    model_id: str, body: Deploy, app: App, limits: RequestLimits, response: Response
) -> DeploymentOut | Response:
    """Put a copy of the model to work on each shard of a stream; it scores and learns from now on.

    The stream is made if it is not there. Its anomalies can be asked for with `stream` as a filter. A model that
    worked on the stream before is replaced by what it is now, and goes on where it stood. The answer is a job where
    writing the model takes longer than a request may.
    """
    done = app.deploy(model_id, body.stream, shards=body.shards, start=body.start, soon_s=_SOON * limits.seconds)
    if isinstance(done, Job):
        return _later(done)
    response.headers["Location"] = f"/api/v1/deployments/{model_id}/{body.stream}"
    return told_of(app.deployment(model_id, body.stream))


@router.post(
    "/{model_id}/score",
    summary="Score events at once",
    response_model=Scored,
    responses=problems(_403="The stream may not be named", _404="No such model", _413="Too many events"),
)
async def score(model_id: str, body: Score, app: App, limits: RequestLimits) -> Response:
    """One verdict an event, in the order of the events. Each is scored before it is learned.

    With `stream` the anomalies among them are told on that stream of the bus, too.
    """
    _fits(len(body.events), limits)
    few = len(body.events) <= answering.FEW
    batch = partial(_batch, body)
    model, found = await answering.score(app, model_id, batch, few=few, learn=body.learn, stream=body.stream or "")
    content = _scored(model, found) if few else await asyncio.to_thread(_scored, model, found)
    return Response(content, media_type="application/json")


def _batch(body: Score, model: Model) -> EventBatch:
    return body.batch(model.features, model.categories)


def _scored(model: Model, found: Found) -> str:
    """The answer as JSON: FastAPI would check it once more, and make it on the event loop."""
    return Scored(
        model_id=model.model_id,
        version=str(model.scorer.version),
        threshold=model.scorer.detector.threshold,
        verdicts=_verdicts(found),
        rejected=[Rejected(event_id=part.event_id, reason=part.reason) for part in found.rejected],
    ).model_dump_json()


def _fits(events: int, limits: Limits) -> None:
    if events > limits.events:
        raise HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"{events} events in one request; {limits.events} are possible: "
            "send them in several requests, or publish them to a stream that the model is deployed to",
        )


def _verdicts(found: Found) -> list[VerdictOut]:
    ids = {event: anomaly.anomaly_id for anomaly in found.anomalies for event in anomaly.contributing_events[:1]}
    types = {anomaly.anomaly_id: anomaly.anomaly_type for anomaly in found.anomalies}
    given = found.verdicts
    columns = (
        given.score.tolist(),
        given.severity.tolist(),
        given.alarm.tolist(),
        given.anomaly.tolist(),
        given.timestamp.tolist(),
    )
    return [
        VerdictOut(
            event_id=event,
            timestamp=timestamp,
            entity=entity,
            score=None if math.isnan(score) else score,
            severity=0.0 if math.isnan(severity) else severity,
            alarm=0.0 if math.isnan(alarm) else alarm,
            anomaly=anomaly,
            type=types.get(ids.get(event, ""), kind),
            anomaly_id=ids.get(event),
        )
        for event, entity, kind, score, severity, alarm, anomaly, timestamp in zip(
            given.event_id, given.entity, given.type, *columns, strict=True
        )
    ]


def _later(job: Job) -> Response:
    where = {"Location": f"/api/v1/jobs/{job.job_id}"}
    return Response(job.model_dump_json(), HTTPStatus.ACCEPTED, where, "application/json")


def _told(card: ModelCard, deployments: list[DeploymentOut]) -> ModelOut:
    return ModelOut(
        model_id=card.model_id,
        name=card.name,
        domain=card.domain,
        version=str(card.version),
        features=list(card.features),
        categories=list(card.categories),
        anomaly_types=list(card.anomaly_types),
        threshold=card.threshold,
        events_seen=card.events_seen,
        created_at=card.created_at,
        deployments=deployments,
    )
