"""What the service measures of itself, as numbers and in Prometheus's text format."""

from fastapi import APIRouter, Response

from snnlab.serving.rest.access import App
from snnlab.serving.snapshot import Snapshot

__all__ = ["router"]

router = APIRouter(tags=["metrics"])


@router.get("/api/v1/metrics", summary="Performance metrics")
def numbers(app: App) -> Snapshot:
    """Events, anomalies, firing, accuracy and latency, by model, of all replicas that answer, since they started."""
    return app.snapshot()


@router.get(
    "/metrics",
    summary="The same for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def text(app: App) -> Response:
    """Prometheus's text format; of this replica only, since Prometheus asks each."""
    return Response(app.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
