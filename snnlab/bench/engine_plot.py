"""The times of ``snnlab bench engine`` as a picture: the greatest network, static and with STDP, beside its peers."""

from collections.abc import Sequence
from pathlib import Path

from snnlab.evaluation.figures import Figure
from snnlab.viz import plot_times

__all__ = ["draw"]


def draw(figures: Sequence[Figure], neurons: int, path: Path) -> None:
    """Write the picture to ``path``. Raises ConfigError where its ending is no format that matplotlib knows."""
    import matplotlib.pyplot as plt

    from snnlab.errors import ConfigError

    fig, axes = plt.subplots(1, 2, figsize=(12, 3.6), layout="constrained")
    for ax, kind in zip(axes, ("static", "stdp"), strict=True):
        name = f"engine.{kind}.{neurons}"
        own = next(figure for figure in figures if figure.id == name)
        peers = [
            f for f in figures if f.id.startswith(name) and f.peer_value is not None and "native" not in str(f.peer)
        ]
        values = {"snnlab": own.value} | {str(figure.peer): float(figure.peer_value or 0.0) for figure in peers}
        plot_times(values, ax, title=f"{neurons:,} neurons, {kind}")
    try:
        fig.savefig(path)
    except ValueError as error:
        raise ConfigError(f"cannot draw to {str(path)!r}: {error}") from error
    finally:
        plt.close(fig)
