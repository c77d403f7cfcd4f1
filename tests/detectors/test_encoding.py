"""From features to input spikes."""

from dataclasses import replace

import numpy as np
import pytest

from snnlab import domains
from snnlab.config import NeuromorphicConfig
from snnlab.detectors import Detector
from snnlab.detectors.encoding import Codes
from snnlab.domains import Domain
from snnlab.encoders import Category, Population
from snnlab.errors import ConfigError
from snnlab.events import EventBatch
from snnlab.features import Clock
from snnlab.reservoirs.engines.native.engine import Native


def domain(neurons=256, encoding="population", **more):
    config = NeuromorphicConfig().replace({"input.neurons": neurons, "input.encoding": encoding})
    return Domain(name="d", network=config, **more)


def encoded(codes, n=50, step=50, learn=True):
    rng = np.random.default_rng(1)
    numbers, symbols = rng.normal(size=(n, 2)), rng.integers(1, 1 << 30, (n, 1)).astype(np.int32)
    learnt = codes.fresh()
    parts = [
        codes.encode(numbers[at : at + step], symbols[at : at + step], learnt, learn=learn, ticks=1)
        for at in range(0, n, step)
    ]
    return [np.concatenate([getattr(part, name) for part in parts]) for name in ("address", "tick", "words")]


def test_numbers_have_the_default_code_and_words_the_category_code():
    codes = Codes.of(domain(), ["x", "y"], ["colour"])
    assert [type(encoder) for encoder in codes.encoders] == [Population, Population, Category]
    assert codes.words == tuple(encoder.width for encoder in codes.encoders)


def test_a_domain_may_name_a_code_for_a_feature():
    codes = Codes.of(domain(codes={"y": {"kind": "population", "fields": 5}}), ["x", "y"], [])
    assert codes.words[1] == 5
    assert codes.words[0] != 5


def test_each_feature_has_a_stretch_of_its_own_on_the_input_layer():
    codes = Codes.of(domain(4096), ["x", "y"], ["colour"])
    address, tick, words = encoded(codes)
    edges = np.cumsum([0, *codes.words])
    stretch = np.searchsorted(edges, address[address >= 0], side="right") - 1
    assert set(stretch.tolist()) == {0, 1, 2}
    assert words.shape == (50, 3)
    assert (words >= 0).all()
    assert (words < codes.words).all()
    assert (tick == 0).all()


def test_codes_wider_than_the_layer_are_folded_onto_it():
    address, _, _ = encoded(Codes.of(domain(16), ["x", "y"], ["colour"]))
    assert address.max() < 16
    assert address.min() >= -1


def test_events_may_be_encoded_in_pieces():
    codes = Codes.of(domain(), ["x", "y"], ["colour"])
    for one, other in zip(encoded(codes), encoded(codes, step=7), strict=True):
        np.testing.assert_array_equal(one, other)


def test_codes_that_fire_in_volleys_still_tell_of_their_neurons():
    codes = Codes.of(domain(encoding="temporal"), ["x", "y"], ["colour"])
    joined = replace(codes, joined=True)
    assert len(joined.volleys) > 0
    assert joined.seats < codes.seats
    for one, other in zip(encoded(joined), encoded(codes), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_unknown_code_names_those_there_are():
    with pytest.raises(ConfigError, match=r"'morse'.*population"):
        Codes.of(domain(encoding="morse"), ["x"], [])


@pytest.mark.parametrize("clock", [Clock.per_event(1), Clock.realtime(together=True)], ids=["alone", "together"])
def test_volleys_change_no_score(clock, monkeypatch):
    rng = np.random.default_rng(4)
    batch = EventBatch.from_columns(
        rng.normal(size=(600, 3)),
        ["a", "b", "c"],
        timestamps=np.arange(600) * 300,
        entities=[f"e{one}" for one in rng.integers(0, 5, 600)],
    )

    def scored():
        detector = Detector.build(
            domains.domain("performance").model_copy(update={"clock": clock}), names=batch.names, entities=True, seed=1
        )
        return len(detector.plan.codes.volleys), detector.process(batch)

    joined, told = scored()
    monkeypatch.setattr(Native, "joins", staticmethod(lambda layer: False))
    alone, expected = scored()
    assert (joined > 0, alone) == (True, 0)
    assert told.pattern.any()
    for name in ("score", "rarities", "pattern"):
        np.testing.assert_array_equal(getattr(told, name), getattr(expected, name))
