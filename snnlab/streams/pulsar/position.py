"""A shard's positions as whole numbers of 63 bits: ledger, entry in the ledger, event in the entry.

Pulsar names a message by the ledger it is written in and the number of its entry there; an entry is one message, or a
batch of them, and may hold many events. The last event of an entry is always event ``LAST``, however many there are,
so that a position can stand for "all of this entry" without knowing its content.
"""

from dataclasses import dataclass

from snnlab.errors import BusError

__all__ = ["LAST", "Place", "rows"]

_EVENT_BITS, _ENTRY_BITS, _LEDGER_BITS = 12, 22, 29
LAST = (1 << _EVENT_BITS) - 1
"""The last event of an entry, which therefore holds 4,096 at most."""


@dataclass(frozen=True, order=True)
class Place:
    """An event's place. Entry -1 stands before the first one of a ledger.

    >>> Place(7, 2).position
    120259100671
    >>> Place.of(120259100671)
    Place(ledger=7, entry=2, event=4095)
    """

    ledger: int
    entry: int
    event: int = LAST

    @property
    def position(self) -> int:
        """The place as a number; raises BusError where the ledger or entry has too high a number."""
        if self.ledger >> _LEDGER_BITS or (self.entry + 1) >> _ENTRY_BITS:
            raise BusError(
                f"ledger {self.ledger}, entry {self.entry} of Pulsar is beyond 2**29 ledgers or 2**22 entries; "
                "roll ledgers over sooner, or publish several events a message"
            )
        return ((self.ledger << _ENTRY_BITS) + self.entry + 1 << _EVENT_BITS) + self.event

    @classmethod
    def of(cls, position: int) -> "Place":
        """The place that a position stands for."""
        rest, event = divmod(position, 1 << _EVENT_BITS)
        ledger, entry = divmod(rest, 1 << _ENTRY_BITS)
        return cls(ledger, entry - 1, event)

    @property
    def whole(self) -> "Place":
        """The end of the last entry that is wholly at or before this place."""
        return self if self.event == LAST else self.before

    @property
    def before(self) -> "Place":
        """The end of the entry before."""
        return Place(self.ledger, self.entry - 1)


def rows(ledger: int, entry: int, count: int) -> list[int]:
    """The positions of an entry's events.

    >>> [Place.of(position).event for position in rows(7, 2, 3)]
    [0, 1, 4095]
    """
    first = Place(ledger, entry, 0).position
    return [*range(first, first + count - 1), first + LAST]
