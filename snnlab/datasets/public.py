"""The six public labelled sets by name: what is on this machine, and the streams in them.

None of their data is part of snnlab: SNNLAB_DATA names a folder that holds them, and ``fetch`` fills one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from snnlab.datasets import asd, card_fraud, nab, nsl_kdd, process_logs, skab
from snnlab.datasets.folder import data_root
from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import DatasetMissing

__all__ = ["SETS", "Found", "PublicSet", "find", "load", "streams"]


@dataclass(frozen=True)
class PublicSet:
    """A public set: what it is called, which domain it is of, and how its parts are found and loaded."""

    name: str
    domain: str
    title: str
    licence: str
    origin: str
    parts: Callable[[Path], list[str]]
    load: Callable[[Path, str], LabelledStream]


@dataclass(frozen=True)
class Found:
    """A line of the table of public sets; ``parts`` is empty where the set is not on this machine."""

    name: str
    domain: str
    title: str
    licence: str
    origin: str
    path: Path | None
    parts: tuple[str, ...]


SETS = {
    item.name: item
    for item in (
        PublicSet(
            "nab",
            "performance",
            "Numenta Anomaly Benchmark: 58 series, 116 windows",
            "MIT",
            "github.com/numenta/NAB",
            nab.parts,
            nab.load,
        ),
        PublicSet(
            "skab",
            "sensor",
            "Skoltech Anomaly Benchmark: 34 runs of a water circuit",
            "GPL-3.0",
            "github.com/waico/SKAB",
            skab.parts,
            skab.load,
        ),
        PublicSet(
            "asd",
            "performance",
            "Application Server Dataset: servers with 19 metrics",
            "MIT",
            "github.com/zhhlee/InterFusion",
            asd.parts,
            asd.load,
        ),
        PublicSet(
            "nsl_kdd",
            "security",
            "NSL-KDD: network connections, 25,192 and 22,544",
            "none stated; cite UNB/CIC",
            "github.com/defcom17/NSL_KDD",
            nsl_kdd.parts,
            nsl_kdd.load,
        ),
        PublicSet(
            "process_logs",
            "business",
            "Receipt and Sepsis with disturbed cases, nine shares each",
            "none stated; logs of 4TU.ResearchData",
            "github.com/guanwei49/GAMA",
            process_logs.parts,
            process_logs.load,
        ),
        PublicSet(
            "card_fraud",
            "business",
            "Simulated card transactions, June and July 2018",
            "none stated",
            "github.com/Fraud-Detection-Handbook/simulated-data-raw",
            card_fraud.parts,
            card_fraud.load,
        ),
    )
}
"""The public sets by name."""


def find(root: str | Path | None = None) -> list[Found]:
    """All six sets, and which parts of them are in ``root`` or, without it, in the folder that SNNLAB_DATA names."""
    try:
        folder = data_root(root)
    except DatasetMissing:
        folder = None
    return [_found(item, folder) for item in SETS.values()]


def streams(name: str, part: str | None = None, root: str | Path | None = None) -> list[str]:
    """Names of the streams that ``load`` would give. Raises DatasetMissing."""
    item, part = _named(name, part)
    parts = item.parts(_folder(item, root))
    return _chosen(item, parts, part)


def load(name: str, part: str | None = None, root: str | Path | None = None) -> list[LabelledStream]:
    """The streams of a set, or those of a part of it: a stream's name or its beginning up to a ``/`` or ``-``.

    ``load("nab", "realTweets")`` and ``load("nab/realTweets")`` give ten streams. Without a part, ``card_fraud`` is one
    stream of all its months. Raises DatasetMissing, which lists what there is, for unknown names and absent sets.
    """
    item, part = _named(name, part)
    folder = _folder(item, root)
    return [item.load(folder, stream) for stream in _chosen(item, item.parts(folder), part)]


def _found(item: PublicSet, root: Path | None) -> Found:
    path = root / item.name if root and (root / item.name).is_dir() else None
    parts = tuple(item.parts(path)) if path else ()
    return Found(item.name, item.domain, item.title, item.licence, item.origin, path if parts else None, parts)


def _named(name: str, part: str | None) -> tuple[PublicSet, str | None]:
    known, _, rest = name.partition("/")
    if known not in SETS:
        near = get_close_matches(known.lower().replace("-", "_"), SETS, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        file = "; if it is a file of yours, check its path" if Path(name).suffix else ""
        raise DatasetMissing(f"no public set {name!r}; the sets are {', '.join(SETS)}{hint}{file}")
    return SETS[known], part or rest or None


def _folder(item: PublicSet, root: str | Path | None) -> Path:
    folder = data_root(root) / item.name
    if not folder.is_dir() or not item.parts(folder):
        raise DatasetMissing(f"{item.name} is not in {folder.parent}; `snnlab data fetch {item.name}` downloads it")
    return folder


def _chosen(item: PublicSet, parts: list[str], part: str | None) -> list[str]:
    if part is None:
        return parts[:1] if item.name == "card_fraud" else parts
    asked = part.removesuffix(".gz").removesuffix(".csv")
    if item.name == "skab" and asked.startswith("anomaly-free"):
        return ["anomaly-free/anomaly-free"]
    exact = [name for name in parts if asked in {name, name.rsplit("/", 1)[-1]} and (asked == name or "/" in name)]
    under = [name for name in parts if name.startswith((f"{asked}/", f"{asked}-"))]
    if chosen := [name for name in exact if name == asked] or under or exact:
        return chosen
    near = get_close_matches(asked, [*parts, *(name.rsplit("/", 1)[-1] for name in parts)], n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    shown = ", ".join(parts[:8]) + (f" and {len(parts) - 8} more" if len(parts) > 8 else "")
    raise DatasetMissing(f"{item.name} has no part {part!r}; it has {shown}{hint}")
