"""One network for all who want the same, and none that nobody has any more."""

import gc
import weakref

import numpy as np

from snnlab.config import NeuromorphicConfig
from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.reservoirs.shared import shared_network

SMALL = NeuromorphicConfig().replace({"reservoir.neurons": 60})


def test_what_differs_in_anything_is_another_network():
    network = shared_network(SMALL, 12)
    others = [(SMALL, 13), (SMALL.replace({"seed": 5}), 12), (SMALL.replace({"learning.algorithm": "none"}), 12)]
    assert all(shared_network(*other) is not network for other in others)
    assert shared_network(NeuromorphicConfig().replace({"reservoir.neurons": 60}), 12) is network


def test_a_network_that_nobody_has_is_let_go():
    network = weakref.ref(shared_network(SMALL.replace({"seed": 11}), 12))
    gc.collect()
    assert network() is None


def test_detectors_of_one_model_share_its_network_and_learn_apart():
    body = Detector.build("sensor", names=["p"], seed=3).save()
    busy, idle = Detector.load(body), Detector.load(body)
    assert busy.plan.network is idle.plan.network
    values = np.random.default_rng(0).normal(size=(200, 1))
    busy.process(EventBatch.from_columns(values, ["p"]))
    assert idle.save() == body
    assert busy.save() != body
