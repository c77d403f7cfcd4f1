"""The pipelines of the demo: for each domain train, evaluate and promote, a few domains side by side."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from snnlab.types import Json
from snnlab.workflows.pipeline import PipelineRun, run_pipeline

__all__ = ["Candidate", "Outcome", "run_all"]


@dataclass(frozen=True)
class Candidate:
    """A way to build a detector, which has to win against the others."""

    title: str
    parameters: Json


@dataclass(frozen=True)
class Outcome:
    """What became of a domain: its figures, and every decision of the gate."""

    domain: str
    training: Json
    evaluation: Json
    decisions: tuple[Json, ...]


def run_all(
    domains: Sequence[str],
    candidates: Sequence[Candidate],
    common: Callable[[str], tuple[Json, Json]],
    folder: Path,
    uri: str,
) -> list[Outcome]:
    """Run every domain's pipelines; ``common`` gives a domain's parameters of training and of judging.

    Candidates are trained and put to the gate in turn, the last one is evaluated. Whatever ends this, Ctrl-C
    included, no kernel is left running. Raises what a pipeline raised.
    """
    with _bar(len(domains) * (2 * len(candidates) + 1)) as told, _threads() as pool:
        futures = [pool.submit(_one, domain, candidates, common(domain), folder, uri, told) for domain in domains]
        return _gathered(futures)


def _one(
    domain: str,
    candidates: Sequence[Candidate],
    common: tuple[Json, Json],
    folder: Path,
    uri: str,
    told: "Progress",
) -> Outcome:
    training, judging = common
    decisions, trained, evaluated = [], {}, {}
    for number, candidate in enumerate(candidates, 1):
        place = folder / f"{number}-{candidate.title.replace(' ', '-')}"

        def run(name: str, parameters: Json, place: Path = place) -> PipelineRun:
            with told.notebook(f"{name} {domain}") as progress:
                return run_pipeline(name, parameters, place, progress, tracking_uri=uri)

        trained = run("train", {**training, **candidate.parameters}).result
        if number == len(candidates):
            evaluated = run("evaluate", judging).result
        decisions.append({"candidate": candidate.title, **run("promote", judging).result})
    return Outcome(domain, trained, evaluated, tuple(decisions))


def _gathered(futures: "list[Future[Outcome]]") -> list[Outcome]:
    """The results; where one fails or the user stops, the others are stopped as well."""
    try:
        for future in as_completed(futures):
            future.result()
        return [future.result() for future in futures]
    except BaseException:
        for future in futures:
            future.cancel()
        while any(future.running() for future in futures):
            _end_kernels()
            time.sleep(0.1)
        raise


def _end_kernels() -> None:
    import psutil  # type: ignore[import-untyped]  # it has no types; BentoML brings it

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """As many domains side by side as there are cores to run them, two at least: a kernel also waits."""
    with ThreadPoolExecutor(max_workers=max(2, min(4, os.cpu_count() or 2)), thread_name_prefix="pipeline") as pool:
        yield pool


class Progress:
    """One bar over all notebooks, in shares of a notebook."""

    def __init__(self, bar: Any) -> None:  # noqa: ANN401 - a bar of tqdm
        self._bar = bar
        self._lock = Lock()
        self._running: list[str] = []

    @contextmanager
    def notebook(self, title: str) -> Iterator[Callable[[int, int], None]]:
        """Tell of a notebook's cells while it runs."""
        told = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal told
            with self._lock:
                self._bar.update(done / total - told)
            told = done / total

        self._show(title, begins=True)
        try:
            yield progress
            progress(1, 1)
        finally:
            self._show(title, begins=False)

    def _show(self, title: str, *, begins: bool) -> None:
        with self._lock:
            (self._running.append if begins else self._running.remove)(title)
            self._bar.set_postfix_str(", ".join(self._running))


@contextmanager
def _bar(notebooks: int) -> Iterator[Progress]:
    from tqdm import tqdm

    form = "  {l_bar}{bar:24}| {n:.1f}/{total} notebooks [{elapsed}] {postfix}"
    with tqdm(total=notebooks, bar_format=form, mininterval=0.2) as bar:
        yield Progress(bar)
