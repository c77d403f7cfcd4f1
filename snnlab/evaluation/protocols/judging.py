"""What the protocols share: how streams come in, and how one is run and judged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float64

from snnlab.datasets.labelled import LabelledStream
from snnlab.detectors.verdicts import Verdicts
from snnlab.evaluation.prequential import Scorer, run

__all__ = ["Factory", "detectors_of", "flagged", "judged", "ranked", "streams"]

Factory: TypeAlias = Callable[[LabelledStream], Scorer[Verdicts]]
"""Makes a fresh detector for a stream's columns."""

TIMELESS = frozenset({"nsl_kdd"})
"""Sets whose rows have no time of their own."""


def streams(name: str, root: Path | None) -> list[LabelledStream]:
    """All streams of a public set, from ``root`` or ``SNNLAB_DATA``. Raises DatasetMissing."""
    from snnlab.datasets import public

    return public.load(name, root=root)


def detectors_of(name: str, **options: Any) -> Factory:  # noqa: ANN401 - what Detector.build takes
    """Detectors of a set's own domain for each stream's columns; ``options`` are those of ``Detector.build``.

    A generated stream is of the domain that its name begins with.
    """
    from snnlab.datasets.public import SETS
    from snnlab.detectors import Detector

    if name == "generated":
        return lambda stream: Detector.for_events(stream.name.partition("-")[0], stream.events, **options)
    return lambda stream: Detector.for_events(SETS[name].domain, stream.events, timed=name not in TIMELESS, **options)


def judged(factory: Factory, stream: LabelledStream, *, learn: bool = True) -> tuple[Verdicts, slice]:
    """Verdicts of a fresh detector over the whole stream, and the rows that count: those after training."""
    return run(factory(stream), stream, learn=learn), slice(stream.train, None)


def ranked(score: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Scores in which a rejected event (NaN) ranks lowest: not scoring an event must not pay."""
    return np.nan_to_num(np.asarray(score, np.float64), nan=-1.0, posinf=1e6)


def flagged(verdicts: Verdicts) -> Bool[np.ndarray, " n"]:
    """Events at or above the detector's own threshold."""
    return np.asarray(verdicts.anomaly, bool)
