"""Producers, one a topic: messages sent together, and the call that sent them waits until the broker has them all."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Lock, RLock
from typing import TYPE_CHECKING, Any

from snnlab import tracing
from snnlab.errors import BusError
from snnlab.events import avro
from snnlab.streams.pulsar.position import Place
from snnlab.streams.pulsar.wire import Sent, registered

if TYPE_CHECKING:
    import pulsar

__all__ = ["Producers", "told"]

_ANSWER_S = 60.0


@contextmanager
def told(what: str) -> Iterator[None]:
    """Pulsar's errors as this project's."""
    import pulsar

    try:
        yield
    except pulsar.PulsarException as wrong:
        raise BusError(f"Pulsar, {what}: {wrong}; see that the broker runs and that this client may use it") from wrong


class Producers:
    """The producers of a bus; threads may share them.

    Kinds: ``arrow`` for bodies that hold many events, ``avro`` for one event a message, ``anomaly`` for anomalies, and
    ``letter``. Avro's are batched by the client, and their schemas registered. A full queue makes the sender wait.
    """

    def __init__(self, client: "pulsar.Client", topic: str) -> None:
        self._client = client
        self._prefix = topic
        self._there: dict[tuple[str, str], pulsar.Producer] = {}
        self._lock = RLock()

    def send(self, kind: str, batches: Mapping[str, Sequence[Sent]]) -> dict[str, Place]:
        """Send messages by topic; returns the place of each topic's last one when the broker has all of them.

        Raises BusError where it does not take one; others may have been taken, and a new try sends them again.
        """
        with told("publishing"):
            answers = {topic: Answers(len(sent)) for topic, sent in batches.items() if sent}
            context = tracing.headers()
            for topic, answer in answers.items():
                producer = self._producer(topic, kind)
                for one in batches[topic]:
                    producer.send_async(one.body, answer.told, **_options(one, context))
            for topic in answers:
                with suppress(Exception):  # what went wrong with which message, the answers tell
                    self._producer(topic, kind).flush()
            try:
                return {topic: answer.last() for topic, answer in answers.items()}
            except BusError:
                for topic in answers:
                    self._forget(topic, kind)
                raise

    def close(self) -> None:
        """Let go of all producers."""
        for topic, kind in list(self._there):
            self._forget(topic, kind)

    def _producer(self, topic: str, kind: str) -> "pulsar.Producer":
        with self._lock:
            if (topic, kind) not in self._there:
                self._there[topic, kind] = self._client.create_producer(f"{self._prefix}/{topic}", **_settings(kind))
            return self._there[topic, kind]

    def _forget(self, topic: str, kind: str) -> None:
        with self._lock, suppress(Exception):  # it is given up, however it closes
            self._there.pop((topic, kind)).close()


class Answers:
    """What the broker says to a number of messages; Pulsar's own threads call ``told``."""

    def __init__(self, expected: int) -> None:
        self._left = expected
        self._lock = Lock()
        self._all = Event()
        self._last: Place | None = None
        self._wrong: object = None

    def told(self, result: Any, message_id: Any) -> None:  # noqa: ANN401 - of a library without types
        """The broker's answer to one message."""
        import pulsar

        with self._lock:
            if result != pulsar.Result.Ok:
                self._wrong = result
            else:
                place = Place(message_id.ledger_id(), message_id.entry_id())
                self._last = place if self._last is None else max(self._last, place)
            self._left -= 1
            if not self._left:
                self._all.set()

    def last(self) -> Place:
        """The place of the last message, when all are there. Raises BusError."""
        whole = self._all.wait(_ANSWER_S)
        if self._wrong is not None or not whole or self._last is None:
            raise BusError(f"Pulsar did not take all messages: {self._wrong or 'no answer'}; publish them again")
        return self._last


def _settings(kind: str) -> dict[str, Any]:
    import pulsar

    options: dict[str, Any] = {
        "block_if_queue_full": True,
        "send_timeout_millis": 20_000,
        "max_pending_messages": 500,
        "compression_type": pulsar.CompressionType.LZ4,
    }
    if kind in {"avro", "anomaly"}:
        events = kind == "avro"
        schema = avro.NEUROMORPHIC_EVENT if events else avro.ANOMALY_EVENT
        options["schema"] = registered(schema, "NeuromorphicEvent" if events else "AnomalyEvent")
        options |= {"batching_enabled": True, "max_pending_messages": 10_000, "batching_max_publish_delay_ms": 1}
    return options


def _options(one: Sent, context: Mapping[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {"properties": {**one.properties, **context}}
    if one.key is not None:
        options["partition_key"] = one.key
    if one.time_us >= 1000:  # Pulsar takes 0 for no time at all
        options["event_timestamp"] = one.time_us // 1000
    return options
