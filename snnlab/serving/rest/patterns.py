"""Patterns: an anomaly's firing given a name, so that the next one like it is told by that name."""

import secrets
import time
from http import HTTPStatus
from typing import Annotated

import numpy as np
from fastapi import APIRouter, HTTPException, Query

from snnlab.errors import ConfigError
from snnlab.serving.application import Application
from snnlab.serving.rest.access import App, problems
from snnlab.serving.rest.requests import PatternQuery, RegisterPattern
from snnlab.serving.rest.responses import PatternList, PatternOut
from snnlab.stores import Pattern

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/patterns", tags=["patterns"])


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Register new pattern",
    responses=problems(_404="No such anomaly, or no such model", _409="The anomaly has no spikes"),
)
def register(body: RegisterPattern, app: App) -> PatternOut:
    """Remember how the reservoir fired at an anomaly. Anomalies of the model like it get its type and actions."""
    model, fired = _fired(body, app)
    pattern = Pattern(
        pattern_id=secrets.token_hex(8),
        name=body.name,
        anomaly_type=body.anomaly_type,
        created_at=time.time_ns() // 1000,
        model=model,
        metadata={"similarity": body.similarity, "recommended_actions": list(body.recommended_actions)},
        body=np.asarray(fired, dtype="<f8").tobytes(),
    )
    app.register(pattern)
    return _told(pattern)


@router.get("", summary="List patterns")
def listed(query: Annotated[PatternQuery, Query()], app: App) -> PatternList:
    """The registered patterns, the oldest first, page by page."""
    found = app.patterns(query.model)
    begin = 0
    if query.cursor is not None:
        begin = next((at + 1 for at, one in enumerate(found) if one.pattern_id == query.cursor), -1)
        if begin < 0:
            raise ConfigError(
                f"cursor {query.cursor!r} is of no page, or its pattern was removed; begin again without one"
            )
    page = found[begin : begin + query.limit]
    last = page[-1].pattern_id if begin + query.limit < len(found) else None
    return PatternList(patterns=[_told(one) for one in page], next_cursor=last)


@router.delete(
    "/{pattern_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Remove a pattern",
    responses=problems(_404="No such pattern"),
)
def remove(pattern_id: str, app: App) -> None:
    """Recognise it no more: every replica within about a second."""
    if not app.forget(pattern_id):
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"no pattern {pattern_id!r}; GET /api/v1/patterns tells which there are"
        )


def _fired(body: RegisterPattern, app: Application) -> tuple[str, list[float]]:
    """The model and the firing that a request speaks of."""
    if body.spike_pattern is not None and body.model_id is not None:
        return body.model_id, body.spike_pattern
    anomaly = app.anomaly(body.anomaly_id or "")
    if anomaly is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"no anomaly {body.anomaly_id!r}; GET /api/v1/anomalies tells which there are"
        )
    if not any(anomaly.spike_pattern):
        raise HTTPException(
            HTTPStatus.CONFLICT, f"anomaly {anomaly.anomaly_id!r} has no spikes to recognise it by; choose another"
        )
    return body.model_id or anomaly.model, list(anomaly.spike_pattern)


def _told(pattern: Pattern) -> PatternOut:
    return PatternOut(
        pattern_id=pattern.pattern_id,
        name=pattern.name,
        anomaly_type=pattern.anomaly_type,
        model_id=pattern.model,
        spike_pattern=np.frombuffer(pattern.body, dtype="<f8").tolist(),
        similarity=pattern.metadata["similarity"],
        recommended_actions=list(pattern.metadata["recommended_actions"]),
        created_at=pattern.created_at,
    )
