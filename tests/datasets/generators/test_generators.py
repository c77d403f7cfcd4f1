"""Streams keep their promises: seeded, as long as asked, anomalies rare and placed after the training part."""

from collections import Counter

import numpy as np
import pytest

from snnlab.datasets.generators import DOMAINS, generate, strengths
from snnlab.errors import ConfigError


@pytest.fixture(scope="module", params=sorted(DOMAINS))
def stream(request):
    return generate(request.param, seed=11)


def test_the_stream_is_as_long_as_asked_and_clean(stream):
    assert len(stream.events) == 20_000
    stream.events.check()
    assert (np.diff(stream.events.timestamps) >= 0).all()


def test_each_of_the_four_types_is_there_and_all_are_rare(stream):
    counts = Counter(stream.kind)
    normal = counts.pop("")
    assert set(counts) == set(strengths(stream.meta["domain"]).types)
    assert min(counts.values()) >= 20
    assert sum(counts.values()) <= 0.01 * (normal + sum(counts.values()))


def test_nothing_is_injected_into_the_training_part(stream):
    assert stream.train == 6_000
    assert not stream.label[: stream.train].any()
    assert [bool(kind) for kind in stream.kind] == stream.label.astype(bool).tolist()


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_a_seed_tells_all(domain):
    one, same, other = (generate(domain, seed, 2_000) for seed in (5, 5, 6))
    assert one.events == same.events
    assert one.kind == same.kind
    assert not np.array_equal(one.events.values, other.events.values)


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_streams_of_one_world_share_its_habits(domain):
    home, later, elsewhere = (generate(domain, seed, 5_000, world=world) for seed, world in ((1, 9), (2, 9), (3, 8)))

    def habits(stream):
        codes = np.array(stream.events.entities.words())
        values = np.log(np.abs(stream.events.values) + 1e-3)
        return np.array([np.median(values[codes == entity], axis=0) for entity in np.unique(codes)])

    assert not np.array_equal(home.events.values, later.events.values)
    far = np.abs(habits(home) - habits(elsewhere)).mean()
    assert np.abs(habits(home) - habits(later)).mean() < 0.3 * far


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_without_anomalies_there_are_none(domain):
    assert not generate(domain, seed=1, events=3_000, anomalies=False).label.any()


@pytest.mark.parametrize("domain", sorted(DOMAINS))
@pytest.mark.parametrize("events", [500, 1_234])
def test_short_streams_keep_the_promises_too(domain, events):
    stream = generate(domain, seed=2, events=events)
    assert len(stream.events) == events
    assert 0 < stream.label.sum() <= 0.01 * events


def test_bad_requests_say_what_would_be_good():
    with pytest.raises(ConfigError, match="'weather'; there are security"):
        generate("weather", seed=1)
    with pytest.raises(ConfigError, match="499 events are too few"):
        generate("sensor", seed=1, events=499)
    with pytest.raises(ConfigError, match="seed -1 is negative"):
        generate("sensor", seed=-1)
    with pytest.raises(ConfigError, match="'weather'; there are security"):
        strengths("weather")
