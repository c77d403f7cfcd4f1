"""Figures with names: the rows that benchmarks print and write as JSON, with stable ids in dots."""

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from snnlab.types import Json

__all__ = ["Figure", "document", "machine", "table"]


@dataclass(frozen=True)
class Figure:
    """One measured value, beside a peer measured in the same run and the bar that it must hold.

    ``ratio`` says how many times better than the peer; ``holds`` whether the bar is kept (None: there is no bar).
    """

    id: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    bar: float | None = None
    holds: bool | None = None

    @classmethod
    def of(
        cls,
        id: str,  # noqa: A002 - the word of the JSON row
        value: float,
        unit: str,
        *,
        peer: str | None = None,
        peer_value: float | None = None,
        bar: float | None = None,
        better: Literal["higher", "lower"] = "higher",
    ) -> "Figure":
        """A figure with its ratio and verdict worked out; a NaN value never holds.

        >>> Figure.of("detection.skab.far", 26.6, "%", bar=30.0, better="lower").holds
        True
        >>> Figure.of("detection.nab.standard", 71.2, "points", peer="ewma_z", peer_value=35.6).ratio
        2.0
        """
        value = float(value)
        ratio = None
        if peer_value:
            ratio = value / peer_value if better == "higher" else (peer_value / value if value else None)
        holds = None if bar is None else bool(value >= bar if better == "higher" else value <= bar)
        return cls(id, value, unit, peer, peer_value, ratio, bar, holds)


def machine(kernel: str | None = None) -> Json:
    """What the figures were measured on: processor, its vector instructions, and the compute kernel that ran."""
    cpu, vectors = platform.processor() or platform.machine(), ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
        words = {key.strip(): value.strip() for key, value in lines.items()}
        cpu = words.get("model name", cpu)
        flags = words.get("flags", "").split()
        vectors = next((name for name in ("avx512_vbmi2", "avx512f", "avx2") if name in flags), "")
    return {
        "cpu": cpu,
        "kernel": kernel or "numba",
        "vectors": vectors,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def document(command: str, figures: Iterable[Figure], kernel: str | None = None) -> Json:
    """The JSON document of ``--json FILE``; NaN becomes null, since JSON has no NaN.

    >>> document("bench detection", [Figure.of("a.b", 1.0, "F1")])["rows"][0]["id"]
    'a.b'
    """
    from snnlab import __version__

    rows = [{key: None if value != value else value for key, value in asdict(f).items()} for f in figures]  # noqa: PLR0124
    return {"command": command, "snnlab": __version__, "machine": machine(kernel), "rows": rows}


def table(figures: Iterable[Figure]) -> str:
    """Figures as aligned text, one a line.

    >>> print(table([Figure.of("detection.skab.f1", 0.801, "F1", bar=0.78)]))
    figure             value  unit  bar   holds  peer
    detection.skab.f1  0.801  F1    0.78  yes
    """
    rows = [["figure", "value", "unit", "bar", "holds", "peer"]]
    for f in figures:
        beside = "" if f.peer is None else f.peer if f.peer_value is None else f"{f.peer} {f.peer_value:.4g}"
        verdict = "" if f.holds is None else "yes" if f.holds else "NO"
        rows.append([f.id, f"{f.value:.4g}", f.unit, "" if f.bar is None else f"{f.bar:g}", verdict, beside])
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)
