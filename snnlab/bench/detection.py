"""Detection: the protocols of public sets and generated streams, beside their baselines, with or without ablations.

``detection.<set>.<metric>`` is the whole detector; an ablation's figures end in ``.no_reservoir`` or
``.no_plasticity``, and stand beside the whole detector's of the same run.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from snnlab.bench.rows import Row
from snnlab.datasets.public import find
from snnlab.errors import ConfigError, DatasetMissing
from snnlab.evaluation.figures import Figure
from snnlab.evaluation.protocols import PROTOCOLS, detectors_of
from snnlab.evaluation.protocols import run as protocol

__all__ = ["ABLATIONS", "NOTES", "run"]

ABLATIONS = ("reservoir", "plasticity")
NOTES = "One configuration a domain, learning on, nothing tuned to a file; labels are read by the metrics only."


def run(
    sets: Sequence[str] = (),
    *,
    ablation: Sequence[str] = (),
    root: Path | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Figures of ``sets`` (none: the generated and all that are found), again without each part named in ``ablation``.

    ``told`` hears of each run before it begins. Raises ConfigError for an unknown set or ablation, DatasetMissing
    where no set, or one that was named, is on this machine.
    """
    for part in ablation:
        if part not in ABLATIONS:
            raise ConfigError(f"no ablation {part!r}; there are {', '.join(ABLATIONS)}")
    rows = []
    for name in sets or _found(root):
        told(f"detection {name}")
        whole = protocol(name, detectors_of(name), root)
        rows += [Row(figure) for figure in whole]
        for part in ablation:
            told(f"detection {name} without {part}")
            less = protocol(name, detectors_of(name, **{part: False}), root)
            rows += [Row(_beside(figure, whole, f"no_{part}")) for figure in less]
    return rows


def _found(root: Path | None) -> list[str]:
    there = [found.name for found in find(root) if found.parts and found.name in PROTOCOLS]
    if not there:
        raise DatasetMissing(
            "no public set is on this machine; name the folder that holds them in SNNLAB_DATA, or fetch one with "
            "`snnlab data fetch nab`"
        )
    return ["generated", *there]


def _beside(figure: Figure, whole: Sequence[Figure], suffix: str) -> Figure:
    """An ablation's figure beside the whole detector's: the bar is the whole detector's to hold."""
    value = next((other.value for other in whole if other.id == figure.id), None)
    ratio = figure.value / value if value else None
    return replace(
        figure,
        id=f"{figure.id}.{suffix}",
        peer="the whole detector",
        peer_value=value,
        ratio=ratio,
        bar=None,
        holds=None,
    )
