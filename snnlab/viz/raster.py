"""The live raster in a notebook: how a network fired, played as the service's page shows it.

The picture is drawn by ``raster.js``, the same ES module that the page loads; the notebook needs no server and nothing
from elsewhere.
"""

import json
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["MODULE", "LiveRaster"]

MODULE = Path(__file__).with_name("raster.js")
"""The module that draws."""

_FRAMES = 300
_STYLE = """
:root { --muted:#596169; --line:#dfe3e6; --accent:#0b6b95; --raster-0:#edf3f6; --raster-1:#5aa9c9; --raster-2:#0a3f63;
  --low:#4d6478; --medium:#7d6100; --high:#b04a00; --critical:#b3202a; }
@media (prefers-color-scheme: dark) { :root { --muted:#9aa4ac; --line:#2a3138; --accent:#5cbbe6; --raster-0:#1c242a;
  --raster-1:#2a86ad; --raster-2:#c8f0ff; --low:#9db4c8; --medium:#e3c95a; --high:#ffa65c; --critical:#ff8079; } }
body { margin: 0; font-family: system-ui, sans-serif; } canvas { display: block; width: 100%; height: 400px; }
"""
_PLAYER = """
const frames = JSON.parse(document.getElementById("frames").textContent);
const raster = new Raster(document.querySelector("canvas"));
const begun = performance.now();
let at = 0;
function step() {
  const now = performance.now();
  while (at < frames.rates.length && begun + at * BIN_MS <= now) {
    raster.minute.push(begun + at * BIN_MS, frames.rates[at], frames.events[at]);
    if (frames.severity[at] > 0) raster.minute.mark(begun + at * BIN_MS, frames.severity[at]);
    at += 1;
  }
  raster.draw(now);
  if (at < frames.rates.length || now < begun + 60_000) requestAnimationFrame(step);
}
requestAnimationFrame(step);
"""


@dataclass(frozen=True)
class LiveRaster:
    """``n`` events' firing by ``b`` population buckets, played within a minute; a cell that shows it plays it.

    ``pattern`` is that of ``Verdicts``; ``severity`` of the events that are anomalies is marked, others are 0.

    >>> LiveRaster(np.full((1200, 16), 0.1), np.zeros(1200, bool), np.zeros(1200))
    LiveRaster(1200 events, 16 buckets, 0 anomalies)
    """

    pattern: Float[np.ndarray, "n b"] = field(repr=False)
    anomaly: Bool[np.ndarray, " n"] = field(repr=False)
    severity: Float[np.ndarray, " n"] = field(repr=False)

    def __repr__(self) -> str:
        n, b = self.pattern.shape
        return f"LiveRaster({n} events, {b} buckets, {int(self.anomaly.sum())} anomalies)"

    def frames(self) -> dict[str, list[list[float]] | list[float] | list[int]]:
        """What is played: fifths of a second, each the mean of some events and the worst anomaly among them."""
        cuts = np.array_split(np.arange(len(self.pattern)), min(_FRAMES, max(len(self.pattern), 1)))
        cuts = [cut for cut in cuts if len(cut)]
        worst = np.where(self.anomaly, np.nan_to_num(self.severity), 0.0)
        return {
            "rates": [np.round(self.pattern[cut].mean(axis=0, dtype=np.float64), 4).tolist() for cut in cuts],
            "events": [len(cut) for cut in cuts],
            "severity": [round(float(worst[cut].max()), 4) for cut in cuts],
        }

    def _repr_html_(self) -> str:
        """A frame of its own, which may run its script and reach nothing else."""
        drawn = MODULE.read_text(encoding="utf-8").replace("export ", "")
        frames = json.dumps(self.frames())
        page = (
            f"<!doctype html><style>{_STYLE}</style><canvas role='img' aria-label='{self!r}'></canvas>"
            f"<script type='application/json' id='frames'>{frames}</script>"
            f"<script type='module'>{drawn}{_PLAYER}</script>"
        )
        style = "width:100%;height:410px;border:0"
        return f'<iframe sandbox="allow-scripts" style="{style}" srcdoc="{escape(page)}"></iframe>'
