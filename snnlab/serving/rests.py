"""Rests between the pieces of a checkpoint, so that store and stream have the machine between them."""

import time
from threading import Event

__all__ = ["Rests"]

_SHARE = 2.0  # of the time that a piece took: rests of twice that leave two thirds of the time to the stream
_LONGEST_S = 0.25


class Rests:
    """Called after each piece, rests in proportion to what it took, until somebody cannot wait and says ``hurry``.

    >>> rests = Rests()
    >>> rests.hurry()
    >>> rests()
    >>> rests.seconds < 0.1
    True
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._hurried = Event()
        self._since = time.monotonic()

    def begin(self) -> None:
        """The first piece begins now."""
        self._since = time.monotonic()

    def hurry(self) -> None:
        """Rest no more."""
        self._hurried.set()

    def __call__(self) -> None:
        """Rest after a piece."""
        done = time.monotonic()
        self._hurried.wait(min(_SHARE * (done - self._since), _LONGEST_S))
        self._since = time.monotonic()
        self.seconds += self._since - done
