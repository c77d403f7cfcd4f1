import json

import fastavro
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snnlab.errors import EventError
from snnlab.events import Anomaly, EventBatch, avro

PROPERTY = settings(
    derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_the_schemas_are_the_published_ones():
    event, anomaly = json.loads(avro.NEUROMORPHIC_EVENT), json.loads(avro.ANOMALY_EVENT)
    assert [(part["name"], part["type"]) for part in event["fields"]] == [
        ("event_id", "string"),
        ("timestamp", "long"),
        ("event_type", "string"),
        ("features", {"type": "array", "items": "double"}),
        ("metadata", {"type": "map", "values": "string"}),
    ]
    assert [(part["name"], part["type"]) for part in anomaly["fields"]] == [
        ("anomaly_id", "string"),
        ("detected_at", "long"),
        ("anomaly_type", "string"),
        ("severity", "float"),
        ("spike_pattern", {"type": "array", "items": "float"}),
        ("contributing_events", {"type": "array", "items": "string"}),
        ("recommended_actions", {"type": "array", "items": "string"}),
    ]


@PROPERTY
@given(data=st.data())
def test_records_give_the_events_back(any_batch, data):
    batch = data.draw(any_batch)
    again = avro.decode_events(avro.encode_events(batch), batch.names, batch.category_names)
    assert again == batch
    assert np.array_equal(again.values, batch.values)


@PROPERTY
@given(data=st.data(), codec=st.sampled_from(["null", "deflate"]))
def test_a_file_gives_the_events_back_with_their_names(any_batch, data, codec):
    batch = data.draw(any_batch)
    again = avro.read_container(avro.write_container(batch, codec), categories=batch.category_names)
    assert again == batch
    assert again.names == batch.names


@PROPERTY
@given(data=st.data())
def test_anomalies_keep_their_published_fields(any_anomaly, data):
    anomaly = data.draw(any_anomaly)
    published = {name: value for name, value in anomaly.to_json().items() if name not in UNPUBLISHED}
    assert avro.decode_anomaly(avro.encode_anomaly(anomaly)) == Anomaly.from_json(published)


UNPUBLISHED = {"entity", "model", "stream", "score", "explanation"}


def test_a_stranger_reads_the_records_with_the_schema_alone(batch):
    file = avro.write_container(batch)
    import io

    first = next(iter(fastavro.reader(io.BytesIO(file))))
    assert first == {
        "event_id": "a",
        "timestamp": 0,
        "event_type": "event",
        "features": [1.0, -2.5],
        "metadata": {"entity": "web", "zone": "eu"},
    }


@pytest.mark.parametrize("kept", range(40))
def test_truncated_events_are_refused(batch, kept):
    record = avro.encode_events(batch)[0]
    with pytest.raises(EventError):
        avro.decode_events([record[: kept * len(record) // 40]], batch.names)


def test_trailing_bytes_are_refused(batch):
    with pytest.raises(EventError, match="3 bytes follow the Avro event 'a'"):
        avro.decode_events([avro.encode_events(batch)[0] + b"\0\0\0"], batch.names)


def test_another_count_of_features_is_refused(batch):
    with pytest.raises(EventError, match=r"event 'a' has 2 features, not 3"):
        avro.decode_events(avro.encode_events(batch), ["cpu", "load", "memory"])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(bad):
    batch = EventBatch.from_columns(np.array([[bad]]), ["cpu"])
    with pytest.raises(EventError, match="event '0' has cpu"):
        avro.decode_events(avro.encode_events(batch), ["cpu"])


def test_ids_that_come_twice_are_refused(batch):
    with pytest.raises(EventError, match="'a' comes twice"):
        avro.decode_events(avro.encode_events(batch)[:1] * 2, batch.names)


@PROPERTY
@given(st.binary(max_size=60))
def test_any_other_bytes_are_refused_or_read_whole(content):
    for decode in (
        lambda: avro.decode_events([content], ["cpu"]),
        lambda: avro.decode_anomaly(content),
        lambda: avro.read_container(content),
    ):
        try:
            decode()
        except EventError:
            continue


@PROPERTY
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_whole(batch, data):
    content = bytearray(avro.write_container(batch))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        avro.read_container(bytes(content))
    except EventError:
        return


def test_a_file_cut_short_is_refused(batch):
    with pytest.raises(EventError, match="damaged"):
        avro.read_container(avro.write_container(batch)[:-3])


def test_a_category_may_not_take_the_routing_keys_name():
    batch = EventBatch.from_columns(np.ones((1, 1)), ["cpu"], categories={"entity": ["x"]})
    with pytest.raises(EventError, match="another name"):
        avro.encode_events(batch)


def test_a_damaged_anomaly_is_refused():
    record = avro.encode_anomaly(Anomaly("1", 7, "api_abuse", 0.5, (0.25,), ("e1",)))
    with pytest.raises(EventError):
        avro.decode_anomaly(record[:-2])
    with pytest.raises(EventError, match="1 bytes follow"):
        avro.decode_anomaly(record + b"x")
