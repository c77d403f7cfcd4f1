"""Rows of a benchmark: named figures with the spread of their rounds, printed and written as JSON."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from snnlab.bench.timing import Spread
from snnlab.evaluation.figures import Figure, document, machine
from snnlab.evaluation.tables import as_text
from snnlab.types import Json

__all__ = ["Row", "kernel", "report", "result", "where"]


@dataclass(frozen=True)
class Row:
    """A figure, and the spread of the rounds that it is the median of (None: it was measured once)."""

    figure: Figure
    spread: Spread | None = None

    @classmethod
    def of(
        cls,
        name: str,
        value: Spread | float,
        unit: str,
        *,
        peer: str | None = None,
        peer_value: Spread | float | None = None,
        bar: float | None = None,
        better: Literal["higher", "lower"] = "higher",
    ) -> Self:
        """A row of a figure's rounds beside a peer's.

        >>> Row.of("a.b", Spread.of([1.0, 2.0, 4.0]), "s", peer="p", peer_value=8.0, better="lower").figure.ratio
        4.0
        """
        spread = value if isinstance(value, Spread) else None
        number = value.median if isinstance(value, Spread) else value
        beside = peer_value.median if isinstance(peer_value, Spread) else peer_value
        figure = Figure.of(name, number, unit, peer=peer, peer_value=beside, bar=bar, better=better)
        return cls(figure, spread)

    def with_ratio_bar(self, bar: float | None) -> Self:
        """The row with a bar on its ratio instead of on its value.

        >>> Row.of("a.b", 2.0, "s", peer="p", peer_value=8.0, better="lower").with_ratio_bar(6.0).figure.holds
        False
        """
        ratio = self.figure.ratio
        holds = None if bar is None or ratio is None else ratio >= bar
        return replace(self, figure=replace(self.figure, bar=bar, holds=holds))

    @property
    def cells(self) -> list[str]:
        """The row as text."""
        figure = self.figure
        span = "" if self.spread is None else f"{self.spread.low:.4g}..{self.spread.high:.4g}"
        beside = "" if figure.peer_value is None else f"{figure.peer_value:.4g}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.3g}x"
        bar = "" if figure.bar is None else f"{figure.bar:g}"
        holds = "" if figure.holds is None else "yes" if figure.holds else "NO"
        return [figure.id, f"{figure.value:.4g}", figure.unit, span, ratio, beside, figure.peer or "", bar, holds]


_HEAD = ["figure", "value", "unit", "min..max", "ratio", "peer", "which peer", "bar", "holds"]


def kernel() -> str:
    """The compute kernel that runs here: what compiles it, and the vector instructions it is compiled for."""
    import llvmlite
    import numba

    from snnlab.kernels import instructions

    compiled_for = instructions()
    flavour = next((name for name in ("avx512f", "avx2") if name in compiled_for), "portable")
    return f"numba {numba.__version__}, llvmlite {llvmlite.__version__}, {flavour.removesuffix('f')}"


def where() -> Json:
    """The machine and what else it was doing: the load averages over 1, 5 and 15 minutes."""
    return {**machine(kernel()), "load": [round(load, 2) for load in os.getloadavg()]}


def result(command: str, rows: Iterable[Row], notes: str = "") -> Json:
    """The JSON document of a benchmark; ``spread`` holds the rounds' range of each figure by its id.

    >>> result("bench x", [Row.of("a.b", Spread.of([1.0, 3.0]), "s")])["spread"]
    {'a.b': {'median': 2.0, 'low': 1.0, 'high': 3.0, 'rounds': 2}}
    """
    rows = list(rows)
    spread = {row.figure.id: vars(row.spread) for row in rows if row.spread is not None}
    content = document(command, [row.figure for row in rows])
    return {**content, "machine": where(), "spread": spread, "notes": notes}


def report(command: str, rows: list[Row], *, path: Path | None = None, notes: str = "") -> str:
    """The table of a benchmark as text; the JSON document goes to ``path`` when there is one."""
    content = result(command, rows, notes)
    if path is not None:
        path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    machine = content["machine"]
    head = f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}, load {machine['load'][0]}"
    return "\n".join([head, "", as_text([_HEAD, *(row.cells for row in rows)]), *(["", notes] if notes else [])])
