import numpy as np
import pyarrow as pa
import pytest

from snnlab.errors import EventError
from snnlab.events import Categorical, EventBatch


def batch_of(n=6, **columns):
    return EventBatch.from_columns(np.arange(2.0 * n).reshape(n, 2), ["cpu", "load"], **columns)


def test_defaults_are_counted_ids_a_second_apart_of_one_type_and_entity():
    batch = batch_of(3)
    assert batch.event_ids == ["0", "1", "2"]
    assert batch.timestamps.tolist() == [0, 1_000_000, 2_000_000]
    assert batch.event_types.words() == ["event"] * 3
    assert batch.entities.words() == ["all"] * 3
    assert batch.category_names == ()


def test_values_share_the_memory_of_the_input_and_of_slices():
    values = np.arange(12.0).reshape(6, 2)
    batch = EventBatch.from_columns(values, ["cpu", "load"])
    assert np.shares_memory(values, batch.values)
    assert np.shares_memory(values, batch.slice(2, 4).values)


def test_slices_and_takes_keep_every_column():
    batch = batch_of(entities=list("abcabc"), categories={"zone": ["x", None, "y", "x", None, "z"]})
    assert batch.slice(1, 4).category("zone").words() == ["", "y", "x"]
    taken = batch.take([5, 0])
    assert taken.event_ids == ["5", "0"]
    assert taken.entities.words() == ["c", "a"]
    assert taken.category("zone").words() == ["z", "x"]
    assert taken.values.tolist() == [[10.0, 11.0], [0.0, 1.0]]
    assert len(batch.slice(4, 2)) == 0


def test_a_whole_is_its_parts_put_together():
    batch = batch_of(entities=list("abcabc"), categories={"zone": ["x", None, "y", "x", None, "z"]})
    assert EventBatch.concat([batch.slice(0, 2), batch.slice(2, 2), batch.slice(2, 6)]) == batch


def test_batches_over_different_words_are_put_together_by_word():
    one = batch_of(2, entities=["a", "b"])
    other = batch_of(2, entities=["b", "c"])
    assert EventBatch.concat([one, other]).entities.words() == ["a", "b", "b", "c"]


def test_equality_looks_at_words_not_codes():
    one = batch_of(2, entities=Categorical(np.array([0, 1], dtype=np.int32), ("a", "b")))
    other = batch_of(2, entities=Categorical(np.array([2, 0], dtype=np.int32), ("b", "unused", "a")))
    assert one == other
    assert one != batch_of(2, entities=["a", "a"])
    assert one != EventBatch.from_columns(np.arange(4.0).reshape(2, 2), ["cpu", "other"], entities=["a", "b"])


def test_events_without_features_or_without_events_are_events():
    bare = EventBatch.from_columns(np.empty((2, 0)), [], categories={"zone": ["x", "y"]})
    assert bare.values.shape == (2, 0)
    bare.check()
    none = batch_of(0)
    none.check()
    assert none.values.shape == (0, 2)


def test_concat_of_nothing_and_of_strangers_is_refused():
    with pytest.raises(EventError, match="at least one"):
        EventBatch.concat([])
    with pytest.raises(EventError, match="one stream"):
        EventBatch.concat([batch_of(1), EventBatch.from_columns(np.ones((1, 1)), ["cpu"])])


@pytest.mark.parametrize(("bad", "word"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_check_names_the_event_and_the_feature(bad, word):
    values = np.ones((3, 2))
    values[1, 1] = bad
    batch = EventBatch.from_columns(values, ["cpu", "load"], event_ids=["a", "b", "c"])
    with pytest.raises(EventError, match=f"event 'b' has load = {word}"):
        batch.check()


def test_check_names_the_id_that_comes_twice():
    with pytest.raises(EventError, match="event id 'b' comes twice"):
        batch_of(3, event_ids=["b", "a", "b"]).check()


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"timestamps": [1, 2]}, "2 values of timestamp for 6 events"),
        ({"timestamps": [0.5] * 6}, "not integers"),
        ({"event_ids": ["a"]}, "1 values of event_id"),
        ({"event_ids": ["a", None, "c", "d", "e", "f"]}, "event 1 of the batch has no id"),
        ({"entities": ["a", None, "c", "d", "e", "f"]}, "event 1 of the batch has no entity"),
        ({"entities": [1, 2, 3, 4, 5, 6]}, "entity must be text"),
        ({"categories": {"zone": ["a"]}}, "1 values of zone"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns, told):
    with pytest.raises(EventError, match=told):
        batch_of(**columns)


def test_features_that_do_not_fit_their_names_are_refused():
    with pytest.raises(EventError, match=r"shape \(2, 3\) do not fit the 2 names"):
        EventBatch.from_columns(np.ones((2, 3)), ["a", "b"])
    with pytest.raises(EventError, match="'a' comes twice"):
        EventBatch.from_columns(np.ones((2, 2)), ["a", "a"])
    with pytest.raises(EventError, match="table of numbers"):
        EventBatch.from_columns([["x", "y"]], ["a", "b"])


def test_unknown_names_list_the_known_ones():
    with pytest.raises(EventError, match="cpu, load"):
        batch_of().column("memory")
    with pytest.raises(EventError, match="the batch has none"):
        batch_of().category("zone")
    with pytest.raises(EventError, match="not within the 6 events"):
        batch_of().take([6])


def test_the_record_has_the_documented_schema():
    schema = batch_of(1, categories={"zone": ["x"]}).record.schema
    assert schema.names == ["event_id", "timestamp", "event_type", "entity", "features", "metadata"]
    assert schema.field("entity").type == pa.dictionary(pa.int32(), pa.string())
    assert schema.metadata == {b"snnlab.features": b'["cpu", "load"]'}


def test_parts_of_a_checked_batch_are_checked_and_parts_of_an_unsound_one_are_not():
    batch = batch_of(4)
    batch.check()
    batch.slice(1, 3).check()
    values = np.ones((3, 2))
    values[2, 0] = np.nan
    unsound = EventBatch.from_columns(values, ["cpu", "load"])
    unsound.slice(0, 2).check()
    with pytest.raises(EventError):
        unsound.check()
    with pytest.raises(EventError):
        EventBatch.concat([batch, batch]).check()


def test_slices_of_a_batch_that_has_been_looked_up_are_its_rows():
    batch = batch_of(6, entities=list("abcabc"))
    whole = batch.values.tolist(), batch.timestamps.tolist()
    part = batch.slice(2, 5).slice(1, 3)
    assert (part.values.tolist(), part.timestamps.tolist()) == (whole[0][3:5], whole[1][3:5])
    assert part.entities.words() == ["a", "b"]
