"""How many WebSockets there may be, and how far a client may fall behind."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Seats", "SocketLimits"]


class SocketLimits(BaseModel):
    """Open sockets in all, anomalies read at once, and seconds: of one message, and between looks.

    The bus tells of anomalies; while it is silent it is looked at every ``idle_s`` seconds, lest it could not.

    A client that has not taken a message within ``send_s`` seconds is dropped; what is read for it meanwhile stays
    on the bus, so that no stream waits and no memory grows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sockets: int = Field(default=64, gt=0)
    page: int = Field(default=100, gt=0)
    send_s: float = Field(default=5.0, gt=0)
    idle_s: float = Field(default=1.0, gt=0)
    spikes_s: float = Field(default=0.1, gt=0)


class Seats:
    """Counts the sockets that are open; used from one event loop.

    >>> seats = Seats(1)
    >>> seats.take(), seats.take()
    (True, False)
    >>> seats.leave()
    >>> seats.take()
    True
    """

    def __init__(self, count: int) -> None:
        self._free = count

    def take(self) -> bool:
        """A seat, if there is one."""
        if not self._free:
            return False
        self._free -= 1
        return True

    def leave(self) -> None:
        """Give a seat back."""
        self._free += 1
