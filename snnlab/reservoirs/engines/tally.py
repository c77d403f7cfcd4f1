"""What engines did while somebody counted: the sums of their calls, on whatever thread, without touching the numerics.

An engine adds the counts of a call where :data:`OPEN` holds anything; nothing is added, and nothing costs, otherwise.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

__all__ = ["OPEN", "Tally", "add", "tallied"]


@dataclass
class Tally:
    """Sums over calls."""

    spikes: int = 0
    synaptic: int = 0
    """Spikes times the synapses that they crossed, input spikes included."""
    updates: int = 0
    """Neurons times the ticks in which they were brought on; ticks decayed at once are one."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    def take(self, spikes: int, synaptic: int, updates: int) -> None:
        """Add the counts of a call."""
        with self._lock:
            self.spikes += spikes
            self.synaptic += synaptic
            self.updates += updates


OPEN: list[Tally] = []
"""The tallies that are being kept."""


def add(spikes: int, synaptic: int, updates: int) -> None:
    """Add the counts of a call to every open tally."""
    for tally in tuple(OPEN):
        tally.take(spikes, synaptic, updates)


@contextmanager
def tallied() -> Iterator[Tally]:
    """Count what all engines of this process do in the block.

    >>> with tallied() as tally:
    ...     add(2, 10, 100)
    >>> add(1, 5, 100)
    >>> tally
    Tally(spikes=2, synaptic=10, updates=100)
    """
    tally = Tally()
    OPEN.append(tally)
    try:
        yield tally
    finally:
        OPEN[:] = [other for other in OPEN if other is not tally]
