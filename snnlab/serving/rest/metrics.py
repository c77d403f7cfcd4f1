"""What the service measures of itself, as numbers and in Prometheus's text format."""

from fastapi import APIRouter, Response

from snnlab.serving.rest.access import App
from snnlab.serving.snapshot import Snapshot

__all__ = ["router"]

router = APIRouter(tags=["metrics"])


@router.get("/api/v1/metrics", summary="Performance metrics")
def numbers(app: App) -> Snapshot:
    """Events, anomalies, firing, accuracy and latency, by model, since the service started."""
    return app.metrics.snapshot()


@router.get(
    "/metrics",
    summary="The same for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def text(app: App) -> Response:
    """Prometheus's text format."""
    return Response(app.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
