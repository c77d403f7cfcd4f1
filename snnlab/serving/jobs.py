"""Work that outlasts a request: done one after the other in the background, and told of by id."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field

from snnlab.errors import SnnlabError
from snnlab.serving.problem import Problem, problem_of
from snnlab.types import Json

__all__ = ["Job", "Jobs", "Progress"]

Progress = Callable[[int], None]
"""Tells how much of a job is done; raises SnnlabError when the service stops: the job ends between two batches."""


class Job(BaseModel):
    """One piece of background work, as it is now. A job lives as long as the process that took it on."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    kind: Literal["train"]
    model_id: str
    status: Literal["queued", "running", "succeeded", "failed"]
    created_at: int = Field(description="µs since 1970 UTC")
    finished_at: int | None = Field(default=None, description="µs since 1970 UTC; null until it has finished")
    done: int = Field(default=0, description="Events worked through so far")
    total: int | None = Field(
        default=None, description="Events there are to work through; null where that is not known"
    )
    result: Json | None = Field(default=None, description="What came of it, once it has succeeded")
    problem: Problem | None = Field(default=None, description="Why it failed, if it did")


class Jobs:
    """Jobs of one service, worked on in order by one thread. The last ``kept`` jobs can be asked about.

    >>> jobs = Jobs()
    >>> job = jobs.submit("train", "web", lambda progress: {"trained": 3}, total=3)
    >>> jobs.close()
    >>> jobs.get(job.job_id).status, jobs.get(job.job_id).result
    ('succeeded', {'trained': 3})
    """

    def __init__(self, kept: int = 1000) -> None:
        self._kept = kept
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = Lock()
        self._stop = Event()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="snnlab-job")

    def submit(
        self, kind: Literal["train"], model_id: str, work: Callable[[Progress], Json], *, total: int | None = None
    ) -> Job:
        """Take on ``work``; it is given a function to tell its progress with."""
        job = Job(
            job_id=secrets.token_hex(8),
            kind=kind,
            model_id=model_id,
            status="queued",
            created_at=time.time_ns() // 1000,
            total=total,
        )
        with self._lock:
            self._jobs[job.job_id] = job
            self._forget()
        self._pool.submit(self._run, job.job_id, work)
        return job

    def get(self, job_id: str) -> Job | None:
        """A job as it is now; None where there is none of that id, or none any more."""
        with self._lock:
            return self._jobs.get(job_id)

    def close(self, *, wait: bool = True) -> None:
        """Take on nothing more; ``wait`` for what was taken on, or end the running job at its next batch."""
        if not wait:
            self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=not wait)

    def _run(self, job_id: str, work: Callable[[Progress], Json]) -> None:
        self._change(job_id, status="running")
        try:
            result = work(lambda done: self._progress(job_id, done))
        except Exception as error:  # noqa: BLE001 - whatever it is, the job has failed and says why
            structlog.get_logger("snnlab.serving").warning("job failed", job=job_id, exc_info=error)
            problem = problem_of(error, f"/api/v1/jobs/{job_id}")
            self._change(job_id, status="failed", problem=problem, finished_at=time.time_ns() // 1000)
        else:
            self._change(job_id, status="succeeded", result=result, finished_at=time.time_ns() // 1000)

    def _progress(self, job_id: str, done: int) -> None:
        if self._stop.is_set():
            raise SnnlabError("the service stopped before the job was done; send it again")
        self._change(job_id, done=done)

    def _change(self, job_id: str, **changes: object) -> None:
        with self._lock:
            if job_id in self._jobs:
                self._jobs[job_id] = self._jobs[job_id].model_copy(update=changes)

    def _forget(self) -> None:
        finished = [key for key, job in self._jobs.items() if job.status in {"succeeded", "failed"}]
        for key in finished[: max(len(self._jobs) - self._kept, 0)]:
            del self._jobs[key]
