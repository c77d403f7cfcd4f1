"""Anomalies: found by filters, or by id."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from snnlab.events.anomaly import Anomaly
from snnlab.serving.rest.access import App, problems
from snnlab.serving.rest.requests import AnomalyQuery
from snnlab.serving.rest.responses import AnomalyList, AnomalyOut
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


def _told(anomaly: Anomaly) -> AnomalyOut:
    return AnomalyOut(**anomaly.to_json())
