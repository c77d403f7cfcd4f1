"""Imports: how long a fresh Python takes to import snnlab, beside what it cannot do without."""

import subprocess
import sys
from functools import partial

import numpy as np

from snnlab.bench.rows import Row
from snnlab.bench.timing import Spread, in_turn, seconds

__all__ = ["NOTES", "run"]

BARS = {"snnlab": 0.6}
NOTES = "A new process each time, its own start included; the files are in the page cache after the first round."
_WAYS = {"snnlab": "import snnlab", "detector": "from snnlab import Detector"}
_PEER = "import numpy, pyarrow"


def run(*, rounds: int = 5) -> list[Row]:
    """Seconds until a new process has imported."""
    found = in_turn(rounds, **{name: partial(_time, way) for name, way in {**_WAYS, "peer": _PEER}.items()})
    peer = Spread.of(found["peer"])
    return [
        Row.of(
            f"import.{name}",
            Spread.of(found[name]),
            "s",
            peer=_PEER,
            peer_value=peer,
            bar=BARS.get(name),
            better="lower",
        )
        for name in _WAYS
    ]


def _time(way: str, at: int) -> np.ndarray:
    del at
    return np.array([seconds(partial(subprocess.run, [sys.executable, "-c", way], check=True))])
