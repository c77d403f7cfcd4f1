"""Dead letters on Pulsar: a topic of events set aside with their reasons, and one that marks those published again."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from snnlab.errors import BusError
from snnlab.events import EventBatch, arrow
from snnlab.streams.base import DeadLetter
from snnlab.streams.log import events_of
from snnlab.streams.pulsar.decoding import Poison
from snnlab.streams.pulsar.position import Place
from snnlab.streams.pulsar.reading import TopicReader
from snnlab.streams.pulsar.sending import told
from snnlab.streams.pulsar.wire import Sent

if TYPE_CHECKING:
    import pulsar

__all__ = ["Marks", "chosen", "letters_after", "letters_topic", "marks_topic", "of_events", "of_poison"]

_REASON, _EVENT, _AT, _LETTER, _RAW = (f"snnlab.{word}" for word in ("reason", "event_id", "at", "letter", "raw"))


def letters_topic(stream: str) -> str:
    """The topic of a stream's dead letters."""
    return f"{stream}.dead-letters"


def marks_topic(stream: str) -> str:
    """The topic that tells which dead letters were published again."""
    return f"{stream}.replayed-letters"


def of_events(batch: EventBatch, reasons: Sequence[str], now_us: int) -> list[Sent]:
    """Events as dead letters, one reason an event."""
    return [
        Sent(arrow.encode_events(batch.take([row])), _told(reason, event_id, now_us))
        for row, (event_id, reason) in enumerate(zip(batch.event_ids, reasons, strict=True))
    ]


def of_poison(topic: str, poison: Poison, now_us: int) -> Sent:
    """A message that holds no events as a dead letter; its bytes are kept."""
    event_id = f"{topic}/{poison.place.ledger}:{poison.place.entry}"
    return Sent(poison.body, {**_told(poison.reason, event_id, now_us), _RAW: "yes"})


def letters_after(
    opened: Callable[[str, Place | None], TopicReader], stream: str, after: int | None, limit: int | None
) -> list[DeadLetter]:
    """Up to ``limit`` dead letters with an id above ``after``, in order."""
    replayed = dict(_marks(opened(marks_topic(stream), None)))
    letters: list[DeadLetter] = []
    topic = opened(letters_topic(stream), None if after is None else Place.of(after))
    try:
        while (limit is None or len(letters) < limit) and (found := topic.entry()) is not None:
            place, (message, *_) = found
            letters.append(_letter(stream, place, message, replayed))
    finally:
        topic.close()
    return letters


def chosen(found: Sequence[DeadLetter], stream: str, ids: Sequence[int] | None) -> list[DeadLetter]:
    """Letters that were not published again, those named or all; raises BusError for an id that is none."""
    waiting = {letter.id: letter for letter in found if letter.replayed_at is None}
    if ids is None:
        return list(waiting.values())
    missing = sorted(set(ids) - set(waiting))
    if missing:
        raise BusError(
            f"no dead letter {missing[0]} of stream {stream!r} waits to be replayed; dead_letters() lists them"
        )
    return [letter for letter in waiting.values() if letter.id in set(ids)]


class Marks:
    """The right to publish letters again, held by one process at a time, and the marks that it leaves."""

    def __init__(self, client: "pulsar.Client", topic: str) -> None:
        import pulsar

        try:
            self._producer = client.create_producer(topic, access_mode=pulsar.ProducerAccessMode.Exclusive)
        except (pulsar.ProducerFenced, pulsar.ProducerBusy) as busy:
            raise BusError("another process publishes dead letters again at this moment; try when it is done") from busy

    def leave(self, letter: int, now_us: int) -> None:
        """Mark a letter as published again."""
        with told("marking a dead letter"):
            self._producer.send(b"", properties={_LETTER: str(letter), _AT: str(now_us)})

    def close(self) -> None:
        """Let others publish letters again."""
        with told("closing the marks of dead letters"):
            self._producer.close()


def _marks(topic: TopicReader) -> list[tuple[int, int]]:
    marks = []
    try:
        while (found := topic.entry()) is not None:
            said = found[1][0].properties()
            marks.append((int(said[_LETTER]), int(said[_AT])))
    finally:
        topic.close()
    return marks


def _letter(stream: str, place: Place, message: "pulsar.Message", replayed: dict[int, int]) -> DeadLetter:
    said = message.properties()
    letter = place.position
    event_id = said.get(_EVENT, "")
    if _RAW in said:
        event = EventBatch.from_columns(np.empty((1, 0)), [], event_ids=[event_id], timestamps=[int(said[_AT])])
    else:
        event = events_of(message.data())
    return DeadLetter(letter, stream, event_id, said.get(_REASON, ""), int(said[_AT]), replayed.get(letter), event)


def _told(reason: str, event_id: str, now_us: int) -> dict[str, str]:
    return {_REASON: reason, _EVENT: event_id, _AT: str(now_us)}
