"""Anomalies: found by filters, or by id."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from snnlab.events.anomaly import Anomaly
from snnlab.serving.rest.access import App, problems
from snnlab.serving.rest.requests import AnomalyQuery, GiveFeedback
from snnlab.serving.rest.responses import AnomalyList, AnomalyOut, FeedbackOut
from snnlab.stores import AnomalyFilter

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/anomalies", tags=["anomalies"])


@router.get("", summary="Get detected anomalies")
def listed(query: Annotated[AnomalyQuery, Query()], app: App) -> AnomalyList:
    """Anomalies that fit every filter given, the newest first, page by page."""
    wanted = AnomalyFilter(
        since=query.since,
        until=query.until,
        anomaly_type=query.type,
        severity_min=query.severity,
        entity=query.entity,
        model=query.model,
        stream=query.stream,
    )
    page = app.anomalies(wanted, limit=query.limit, cursor=query.cursor)
    return AnomalyList(anomalies=[_told(anomaly) for anomaly in page.items], next_cursor=page.cursor)


@router.get("/{anomaly_id}", summary="Get anomaly details", responses=problems(_404="No such anomaly"))
def one(anomaly_id: str, app: App) -> AnomalyOut:
    """One anomaly: what it is, why it was told, and what is recommended."""
    anomaly = app.anomaly(anomaly_id)
    if anomaly is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"no anomaly {anomaly_id!r}; GET /api/v1/anomalies tells which there are"
        )
    return _told(anomaly)


@router.post(
    "/{anomaly_id}/feedback",
    status_code=HTTPStatus.ACCEPTED,
    summary="Say what an anomaly really was",
    responses=problems(
        _404="No such anomaly, or its model is gone",
        _409="Nothing works on its stream any more, or the event is no longer remembered",
    ),
)
def feedback(anomaly_id: str, body: GiveFeedback, app: App) -> FeedbackOut:
    """Let the model that told of an anomaly learn that it was normal, or that it was one indeed.

    The label of a stream's anomaly is kept on the bus; whoever works on its shard learns it, and keeps that it has.
    """
    status = app.feedback(anomaly_id, body.label)
    if status is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"no anomaly {anomaly_id!r}; GET /api/v1/anomalies tells which there are"
        )
    return FeedbackOut(anomaly_id=anomaly_id, label=body.label, status=status)


def _told(anomaly: Anomaly) -> AnomalyOut:
    return AnomalyOut(**anomaly.to_json())
