"""Jobs: background work, asked about until it is done."""

from http import HTTPStatus

from fastapi import APIRouter, HTTPException

from snnlab.serving.jobs import Job
from snnlab.serving.rest.access import App, problems

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])


@router.get("/{job_id}", summary="Get one job", responses=problems(_404="No such job"))
def one(job_id: str, app: App) -> Job:
    """A job as it is now, whichever replica works on it. Jobs are forgotten after a week."""
    job = app.job(job_id)
    if job is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"no job {job_id!r}; jobs are forgotten after a week: send the request again"
        )
    return job
