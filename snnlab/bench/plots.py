"""Plots of benchmarks as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from snnlab.bench.growth import Curve
from snnlab.bench.rows import Row
from snnlab.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "growth", "ratios", "save"]

FORMATS = (".png", ".svg", ".pdf")


def ratios(rows: Sequence[Row], title: str) -> "Figure":
    """How many times better each figure is than its peer. Raises ConfigError where matplotlib is not installed."""
    figure, ax = _figure(1, 10.0, 1.2 + 0.34 * sum(row.figure.ratio is not None for row in rows))
    from snnlab.viz import plot_ratios

    plot_ratios([row.figure for row in rows], ax[0], title=title)
    return figure


def growth(curves: Sequence[Curve]) -> "Figure":
    """Bytes over neurons, and beside it over entities. Raises ConfigError where matplotlib is not installed."""
    figure, axes = _figure(2, 12.0, 4.4)
    from snnlab.viz import plot_growth

    for ax, along in zip(axes, ("neurons", "entities"), strict=True):
        chosen = {curve.name: (curve.sizes, curve.bytes) for curve in curves if curve.along == along}
        plot_growth(chosen, ax, title=f"Memory over {along}", x=along)
    return figure


def save(figure: "Figure", path: Path) -> None:
    """Write the figure to ``path``, in the format that its name ends with."""
    import matplotlib.pyplot as plt

    figure.savefig(path, dpi=150)
    plt.close(figure)


def _figure(columns: int, width: float, height: float) -> tuple["Figure", "list"]:
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise ConfigError("--plot draws with matplotlib, which is not installed: pip install 'snnlab[lab]'") from error
    figure, axes = plt.subplots(1, columns, figsize=(width, height), layout="constrained", squeeze=False)
    return figure, list(axes[0])
