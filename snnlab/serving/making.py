"""Models made on request: at once where that is soon done, and as a job where it is not.

A small network is drawn in milliseconds, one of ten thousand neurons and ten million synapses in seconds, which is
longer than a request may take. Two are made at a time: each may need a gigabyte while it is drawn.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from snnlab.serving.jobs import Job, Jobs
from snnlab.serving.model import Model

__all__ = ["Making"]


class Making:
    """Makes models, two at a time, on threads of its own."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="snnlab-making")

    def begin(self, model_id: str, make: Callable[[], Model], soon_s: float | None) -> Model | Job:
        """What ``make`` gives, or the job that it is when it takes longer than ``soon_s``. Raises as ``make`` does."""
        made = self._pool.submit(make)
        try:
            return made.result(soon_s)
        except TimeoutError:
            return self._jobs.follow("create", model_id, made, _told)

    def close(self) -> None:
        """Make nothing more: what is being made is, what waits for it is told as lost."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _told(model: Model) -> dict[str, str]:
    return {"model_id": model.model_id, "version": str(model.record.version)}
