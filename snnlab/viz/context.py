"""One event among those of its entity: what came before, the event, and what came after."""

from typing import TYPE_CHECKING

import numpy as np

from snnlab.errors import ConfigError
from snnlab.events import EventBatch
from snnlab.viz.style import BLUE, LIGHT, RED, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_context"]


def plot_context(
    batch: EventBatch, row: int, column: str, ax: "Axes | None" = None, *, around: int = 120, title: str = ""
) -> "Axes":
    """A column of the entity's own events, ``around`` of them before and after the one in ``row``, which is marked.

    The shade spans the middle 90 % of what the entity showed before. Raises ConfigError for a row or column that the
    batch does not have.
    """
    if not 0 <= row < len(batch) or column not in batch.names:
        raise ConfigError(f"row {row}, column {column!r}: rows are 0 to {len(batch) - 1}, columns {list(batch.names)}")
    ax = new_axes(ax, 10.0, 2.4)
    own = np.flatnonzero(batch.entities.codes == batch.entities.codes[row])
    here = int(np.searchsorted(own, row))
    near = own[max(here - around, 0) : here + around + 1]
    values = batch.values[:, batch.names.index(column)]
    times = batch.timestamps.astype("datetime64[us]")
    if here:
        low, high = np.quantile(values[own[:here]], [0.05, 0.95])
        ax.axhspan(float(low), float(high), color=LIGHT, alpha=0.5, linewidth=0, label="90 % of its past")
    ax.plot(times[near], values[near], color=BLUE, linewidth=1.0, marker="o", markersize=2.2)
    ax.plot(times[row], values[row], "o", color=RED, markersize=7, label=f"event {batch.event_ids[row]}")
    ax.legend(frameon=False, fontsize=9, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1)
    ax.margins(x=0.01)
    entity = batch.entities.words()[row]
    return tidy(ax, title=title or (column if entity == "all" else f"{column} of {entity}"), y=column)
