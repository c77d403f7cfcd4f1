"""Work that outlasts a request: done one after the other in the background, and told of by id.

A job is a record of the store, so that every replica tells the same of it. The replica that took it on works on it;
when that one ends before the job does, the job has failed.
"""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Lock
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from snnlab.errors import JobLost, StoreError
from snnlab.logs import logger
from snnlab.serving.problem import Problem, problem_of
from snnlab.stores import Store
from snnlab.types import Json

__all__ = ["Job", "Jobs", "Kind", "Progress"]

Progress = Callable[[int], None]
"""Tells how much of a job is done; raises SnnlabError when the service stops: the job ends between two batches."""

Kind = Literal["train", "create", "deploy"]
_Done = TypeVar("_Done")

_KIND = "job"
_KEPT_S = 7 * 86_400.0
_PROGRESS_EVERY_S = 0.5
_AGAIN_S = 1.0
_STOPPED = "the service stopped before the job was done; send it again"


class Job(BaseModel):
    """One piece of background work, as it is now. A job can be asked about for a week after it was last told of."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    kind: Kind
    model_id: str
    status: Literal["queued", "running", "succeeded", "failed"]
    created_at: int = Field(description="µs since 1970 UTC")
    finished_at: int | None = Field(default=None, description="µs since 1970 UTC; null until it has finished")
    done: int = Field(default=0, description="Events worked through so far; told twice a second")
    total: int | None = Field(
        default=None, description="Events there are to work through; null where that is not known"
    )
    result: Json | None = Field(default=None, description="What came of it, once it has succeeded")
    problem: Problem | None = Field(default=None, description="Why it failed, if it did")
    replica: str = Field(default="", description="Who works on it")


class Jobs:
    """Jobs of one replica, worked on in order by one thread. ``replica`` is its name, ``there`` who else is there.

    >>> import tempfile
    >>> from snnlab.stores import connect
    >>> jobs = Jobs(connect(f"sqlite:///{tempfile.mkdtemp()}/store.db"))
    >>> job = jobs.submit("train", "web", lambda progress: {"trained": 3}, total=3)
    >>> jobs.close()
    >>> jobs.get(job.job_id).status, jobs.get(job.job_id).result
    ('succeeded', {'trained': 3})
    """

    def __init__(self, store: Store, replica: str = "here", there: Callable[[], set[str]] = set) -> None:
        self._store = store
        self._replica = replica
        self._there = there
        self._lock = Lock()
        self._open: dict[str, Job] = {}
        self._stop = Event()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="snnlab-job")

    def submit(self, kind: Kind, model_id: str, work: Callable[[Progress], Json], *, total: int | None = None) -> Job:
        """Take on ``work``; it is given a function to tell its progress with. Raises StoreError."""
        job = self._new(kind, model_id, "queued", total)
        self._pool.submit(self._run, job.job_id, work)
        return job

    def follow(self, kind: Kind, model_id: str, work: Future[_Done], told: Callable[[_Done], Json]) -> Job:
        """A job that tells of work begun elsewhere; ``told`` makes its result of what came of it. Raises StoreError."""
        job = self._new(kind, model_id, "running")
        work.add_done_callback(lambda done: self._settle(job.job_id, lambda: told(done.result())))
        return job

    def get(self, job_id: str) -> Job | None:
        """A job as it is now, whoever works on it; None where there is none of that id, or none any more."""
        found = self._store.record(_KIND, job_id)
        if found is None:
            return None
        job = Job.model_validate_json(found)
        if job.finished_at is not None or job.replica in {self._replica, *self._there()}:
            return job
        lost = JobLost(f"replica {job.replica}, which worked on the job, is gone; send the request again")
        return job.model_copy(update={"status": "failed", "problem": problem_of(lost, _path(job_id))})

    def close(self, *, wait: bool = True) -> None:
        """Take on nothing more; ``wait`` for what was taken on, or end it: the running job at its next batch."""
        if not wait:
            self._stop.set()
        self._pool.shutdown(wait=True)

    def _run(self, job_id: str, work: Callable[[Progress], Json]) -> None:
        told_at = time.monotonic()

        def progress(done: int) -> None:
            nonlocal told_at
            self._check()
            if time.monotonic() - told_at >= _PROGRESS_EVERY_S:
                told_at = time.monotonic()
                with suppress(StoreError):  # the next one may be taken; what is learnt does not wait for it
                    self._change(job_id, done=done)
            self._note(job_id, done)

        def done() -> Json:
            self._check()
            self._change(job_id, status="running")
            return work(progress)

        self._settle(job_id, done)

    def _settle(self, job_id: str, work: Callable[[], Json]) -> None:
        try:
            result = work()
        except CancelledError:
            self._end(job_id, status="failed", problem=problem_of(JobLost(_STOPPED), _path(job_id)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the job has failed and says why
            logger("snnlab.serving").warning("job failed", job=job_id, exc_info=error)
            problem = problem_of(error, _path(job_id))
            self._end(job_id, status="failed", problem=problem)
        else:
            self._end(job_id, status="succeeded", result=result)

    def _new(self, kind: Kind, model_id: str, status: Literal["queued", "running"], total: int | None = None) -> Job:
        job = Job(
            job_id=secrets.token_hex(8),
            kind=kind,
            model_id=model_id,
            status=status,
            created_at=_now_us(),
            total=total,
            replica=self._replica,
        )
        self._write(job)
        return job

    def _check(self) -> None:
        if self._stop.is_set():
            raise JobLost(_STOPPED)

    def _note(self, job_id: str, done: int) -> None:
        with self._lock:
            self._open[job_id] = self._open[job_id].model_copy(update={"done": done})

    def _change(self, job_id: str, **changes: object) -> None:
        self._write(self._open[job_id].model_copy(update=changes))

    def _end(self, job_id: str, **changes: object) -> None:
        """Tell that a job is over: until the store takes it, or this replica ends and the job is told as lost."""
        finished, told = _now_us(), False
        while not told:
            try:
                self._change(job_id, finished_at=finished, **changes)
                told = True
            except StoreError as error:
                logger("snnlab.serving").warning("job's end is not kept yet", job=job_id, reason=str(error))
                told = self._stop.wait(_AGAIN_S)
        with self._lock:
            self._open.pop(job_id, None)

    def _write(self, job: Job) -> None:
        with self._lock:
            self._open[job.job_id] = job
        self._store.put_record(_KIND, job.job_id, job.model_dump_json().encode(), keep_s=_KEPT_S)


def _path(job_id: str) -> str:
    return f"/api/v1/jobs/{job_id}"


def _now_us() -> int:
    return time.time_ns() // 1000
