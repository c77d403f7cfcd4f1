"""A reader that is slower than its stream slows the broker down, and not its own memory."""

import time
from uuid import uuid4

import httpx
import numpy as np
import pulsar

from snnlab.events import EventBatch, avro
from snnlab.streams.pulsar import PulsarBus

COUNT, READ = 1_000, 10


def test_what_is_not_scored_yet_waits_on_the_broker(pulsar_url):
    ids = [f"e{row}" for row in range(COUNT)]
    sent = EventBatch.from_columns(np.ones((COUNT, 1)), ["cpu"], event_ids=ids)
    with PulsarBus(f"{pulsar_url}/pressure/{uuid4().hex}") as bus:
        bus.create("web", shards=1)
        topic = f"{bus.address.namespace}/web-partition-0"
        client = pulsar.Client(pulsar_url, logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null"))
        producer = client.create_producer(f"persistent://{topic}")  # a message an event, none batched
        for record in avro.encode_events(sent):
            producer.send_async(record, None)
        producer.flush()
        read = bus.consume("web", 0, None, READ)
        time.sleep(0.5)  # what would be sent on without being asked for, is by now
        stats = httpx.get(f"{bus.address.admin}/admin/v2/persistent/{topic}/stats", trust_env=False).json()
        (consumer,) = (one for part in stats["subscriptions"].values() for one in part["consumers"])
        assert READ <= consumer["msgOutCounter"] < COUNT / 4
        rest = bus.consume("web", 0, read[-1][0], COUNT)
        assert [name for _, batch in [*read, *rest] for name in batch.event_ids] == ids
        client.close()
