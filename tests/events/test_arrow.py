import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snnlab.errors import EventError
from snnlab.events import EventBatch, arrow

PROPERTY = settings(
    derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@PROPERTY
@given(data=st.data())
def test_bytes_give_the_events_back(any_batch, data):
    batch = data.draw(any_batch)
    again = arrow.decode_events(arrow.encode_events(batch))
    assert again == batch
    assert again.record.schema.equals(batch.record.schema, check_metadata=True)


@PROPERTY
@given(data=st.data())
def test_bytes_give_a_slice_back(any_batch, data):
    batch = data.draw(any_batch)
    start = data.draw(st.integers(0, len(batch)))
    part = batch.slice(start, data.draw(st.integers(start, len(batch))))
    assert arrow.decode_events(arrow.encode_events(part)) == part


@PROPERTY
@given(data=st.data())
def test_bytes_give_the_anomalies_back(any_anomaly, data):
    found = data.draw(st.lists(any_anomaly, max_size=3))
    assert arrow.decode_anomalies(arrow.encode_anomalies(found)) == found
    assert arrow.anomalies_from_record(arrow.anomalies_to_record(found)) == found


def test_an_event_carries_only_its_own_words():
    names = [f"customer-{i}" for i in range(10_000)]
    batch = EventBatch.from_columns(np.ones((10_000, 1)), ["amount"], entities=names, categories={"shop": names})
    one = batch.slice(77, 78)
    content = arrow.encode_events(one)
    assert len(content) < 3_000
    assert arrow.decode_events(content) == one


@pytest.mark.parametrize("kept", range(0, 100, 7))
def test_truncated_bytes_are_refused(batch, kept):
    content = arrow.encode_events(batch)
    with pytest.raises(EventError):
        arrow.decode_events(content[: kept * len(content) // 100])


def test_a_stream_without_its_end_is_refused(batch):
    with pytest.raises(EventError, match="whole stream"):
        arrow.decode_events(arrow.encode_events(batch)[:-8])


def test_trailing_bytes_are_refused(batch):
    content = arrow.encode_events(batch)
    with pytest.raises(EventError, match="and it alone"):
        arrow.decode_events(content + content)


@PROPERTY
@given(data=st.data())
def test_damaged_bytes_are_refused_or_read_whole(batch, data):
    content = bytearray(arrow.encode_events(batch))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        arrow.decode_events(bytes(content))
    except EventError:
        return


def test_other_columns_are_refused(batch):
    stranger = pa.RecordBatch.from_pydict({"x": [1.0]})
    with pytest.raises(EventError, match="not those of events"):
        arrow.decode_events(arrow._to_ipc(stranger))
    with pytest.raises(EventError, match="not the anomalies'"):
        arrow.decode_anomalies(arrow.encode_events(batch))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(bad):
    batch = EventBatch.from_columns(np.array([[bad]]), ["cpu"])
    with pytest.raises(EventError, match="event '0' has cpu"):
        arrow.decode_events(arrow.encode_events(batch))
