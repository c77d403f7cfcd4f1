"""Anomalies heard as the broker sends them: each with its position, and that of the one before it."""

from typing import TYPE_CHECKING

from snnlab.errors import EventError
from snnlab.streams.base import Hear, Told
from snnlab.streams.pulsar import wire
from snnlab.streams.pulsar.position import Place

if TYPE_CHECKING:
    import pulsar

__all__ = ["Listener", "batch_size"]

_BATCH_SIZE = 6  # the field of MessageIdData in PulsarApi.proto, which the Python client has no name for


class Listener:
    """What a Reader of an anomaly topic calls with every message, on a thread of the client's.

    The first message tells only that there is something to read: what came before it is not known here.
    """

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._before: int | None = None

    def __call__(self, reader: "pulsar.Reader", message: "pulsar.Message") -> None:
        """Pass a message on."""
        del reader
        before, self._before = self._before, _place(message).position
        try:
            anomaly = wire.anomaly_of(message.data(), message.properties())
        except EventError:
            before = None  # who reads the bus is told what is wrong with it
        self._hear(None if before is None else Told(before, ((self._before, anomaly),)))


def _place(message: "pulsar.Message") -> Place:
    """As a reader of whole entries has it: the last message of a batch stands for the entry."""
    told = message.message_id()
    row = told.batch_index()
    last = row < 0 or row == batch_size(told.serialize()) - 1
    return Place(told.ledger_id(), told.entry_id()) if last else Place(told.ledger_id(), told.entry_id(), row)


def batch_size(message_id: bytes) -> int:
    """How many messages the batch of a message has, by its id as Pulsar writes it: fields of whole numbers.

    Returns -1 for a message of no batch.

    >>> batch_size(bytes([0x08, 0xC1, 0x02, 0x10, 0x01, 0x20, 0x00, 0x30, 0x02])), batch_size(bytes([0x08, 0x41]))
    (2, -1)
    """
    numbers, value, shift = [], 0, 0
    for byte in message_id:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(value)
            value = shift = 0
    fields = {tag >> 3: number for tag, number in zip(numbers[::2], numbers[1::2], strict=False)}
    return fields.get(_BATCH_SIZE, -1)
