"""Jobs: background work, asked about until it is done."""

from http import HTTPStatus

from fastapi import APIRouter, HTTPException

from snnlab.serving.jobs import Job
from snnlab.serving.rest.access import App, problems

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])


@router.get("/{job_id}", summary="Get one job", responses=problems(_404="No such job"))
def one(job_id: str, app: App) -> Job:
    """A job as it is now. Jobs are forgotten when the service stops."""
    job = app.job(job_id)
    if job is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"no job {job_id!r}; jobs do not outlive the service: send the request again"
        )
    return job
