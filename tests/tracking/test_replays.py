from dataclasses import replace

import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.events import EventBatch
from snnlab.tracking.replays import WEEK_US, digest_of, following, later


def test_the_digest_is_of_what_the_events_say(stream):
    whole = digest_of(stream)
    halves = [stream.events.slice(0, 700), stream.events.slice(700, len(stream))]
    assert digest_of(replace(stream, events=EventBatch.concat(halves))) == whole
    label = stream.label.copy()
    label[0] ^= 1
    assert digest_of(replace(stream, label=label)) != whole
    assert digest_of(stream.test) != whole


def test_what_follows_training_is_replayed_as_it_is(stream):
    until = int(stream.training.events.timestamps.max())
    assert digest_of(following(stream, until)) == digest_of(stream.test)
    assert digest_of(following(stream, None)) == digest_of(stream.test)


def test_what_does_not_follow_is_moved_on_by_whole_weeks(stream):
    until = int(stream.events.timestamps.max())
    moved = following(stream, until)
    assert len(moved) == len(stream)
    by = np.unique(moved.events.timestamps - stream.events.timestamps)
    assert by.tolist() == [moved.meta["weeks_later"] * WEEK_US]
    assert moved.events.timestamps.min() >= until
    assert moved.events.timestamps.min() - until < WEEK_US
    assert moved.events.event_ids == stream.events.event_ids


def test_nothing_follows_nothing():
    empty = LabelledStream("none", EventBatch.from_columns(np.empty((0, 1)), ["x"]), np.empty(0, np.int8))
    assert len(later(empty, 5)) == len(following(empty, 5)) == 0
