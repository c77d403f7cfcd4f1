import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.errors import ConfigError
from snnlab.events import Categorical
from snnlab.streams import shard_of, shards_of


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.lists(st.text(), min_size=1, max_size=30), st.integers(1, 64))
def test_many_are_sharded_as_one_is(entities, shards):
    chosen = shards_of(Categorical.of(entities), shards)
    assert chosen.tolist() == [shard_of(entity, shards) for entity in entities]
    assert chosen.min() >= 0
    assert chosen.max() < shards


def test_entities_spread_over_all_shards():
    counts = np.bincount([shard_of(f"host-{i}", 8) for i in range(8000)], minlength=8)
    assert counts.min() > 850
    assert counts.max() < 1150


def test_words_that_no_event_uses_do_not_matter():
    assert shards_of(Categorical(np.array([1], np.int32), ("a", "web-1")), 8).tolist() == [shard_of("web-1", 8)]


def test_no_events_have_no_shards():
    assert shards_of(Categorical(np.empty(0, np.int32), ()), 8).shape == (0,)


def test_a_stream_has_a_shard():
    with pytest.raises(ConfigError, match="0 shards"):
        shard_of("a", 0)
