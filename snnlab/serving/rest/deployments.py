"""Deployments: models at work on streams, listed and stopped; POST /api/v1/models/{model_id}/deploy makes them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from snnlab.serving.deployment import Deployment
from snnlab.serving.rest.access import App, problems
from snnlab.serving.rest.requests import DeploymentQuery
from snnlab.serving.rest.responses import DeploymentList, DeploymentOut

__all__ = ["router", "told_of"]

router = APIRouter(prefix="/api/v1/deployments", tags=["deployments"])


@router.get("", summary="List deployments")
def listed(query: Annotated[DeploymentQuery, Query()], app: App) -> DeploymentList:
    """Models at work on streams by model and stream, page by page; with `stopped` those that were stopped."""
    page = app.deployed(model_id=query.model, stopped=query.stopped, limit=query.limit, cursor=query.cursor)
    return DeploymentList(deployments=[told_of(one) for one in page.items], next_cursor=page.cursor)


@router.get("/{model_id}/{stream}", summary="Get one deployment", responses=problems(_404="No such deployment"))
def one(model_id: str, stream: str, app: App) -> DeploymentOut:
    """A model on a stream, at work or stopped."""
    return told_of(app.deployment(model_id, stream))


@router.delete(
    "/{model_id}/{stream}",
    status_code=HTTPStatus.ACCEPTED,
    summary="Stop a deployment",
    responses=problems(_404="No such deployment"),
)
def stop(model_id: str, stream: str, app: App) -> DeploymentOut:
    """Let no replica work on it any more. Each finishes the batch at hand and keeps what was learnt.

    Its status is `stopping` until the last has, and `stopped` then. Deploying the model again goes on where it stood.
    """
    return told_of(app.stop(model_id, stream))


def told_of(one: Deployment) -> DeploymentOut:
    """A deployment as the interface tells of it."""
    return DeploymentOut(
        model_id=one.model_id,
        version=str(one.version),
        stream=one.stream,
        shards=one.shards,
        status=one.status,
        detail=one.detail,
        events_processed=one.events,
        positions=one.positions,
    )
