"""Work that is answered at once where it is soon done, and becomes a job where it is not.

A small network is drawn in milliseconds, one of ten million synapses in seconds; that one takes a second to write, too,
which is longer than a request may wait. Two such works are done at a time: a network may need a gigabyte while it is
drawn.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from snnlab.serving.jobs import Job, Jobs, Kind
from snnlab.types import Json

__all__ = ["Promptly"]

_Done = TypeVar("_Done")


class Promptly:
    """Does work on threads of its own, two at a time.

    >>> import tempfile
    >>> from snnlab.stores import connect
    >>> promptly = Promptly(Jobs(connect(f"sqlite:///{tempfile.mkdtemp()}/store.db")))
    >>> promptly.begin("create", "web", lambda: 3, lambda made: {"made": made}, soon_s=10.0)
    3
    >>> promptly.close()
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="snnlab-promptly")

    def begin(
        self,
        kind: Kind,
        model_id: str,
        work: Callable[[], _Done],
        told: Callable[[_Done], Json],
        *,
        soon_s: float | None,
    ) -> _Done | Job:
        """What ``work`` gives; or the job that it becomes after ``soon_s``, whose result ``told`` makes of it.

        Raises as ``work`` does.
        """
        begun = self._pool.submit(copy_context().run, work)
        try:
            return begun.result(soon_s)
        except TimeoutError:
            return self._jobs.follow(kind, model_id, begun, told)

    def close(self) -> None:
        """Begin nothing more: what is being done is, what waits for it is told as lost."""
        self._pool.shutdown(wait=True, cancel_futures=True)
