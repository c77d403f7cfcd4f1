"""Which type an anomaly is."""

import numpy as np
import pytest

from snnlab.datasets.generators import DOMAINS
from snnlab.detectors.naming import Naming
from snnlab.domains import AnomalyType, Domain, domain

YES = np.array([True])


def named(types, groups, evidence, readouts=("level",), rarities=(0.0,)):
    naming = Naming.of(Domain(name="d", types=types), groups, readouts)
    return naming.names(np.array([evidence]), np.array([rarities]), YES)[0]


def test_the_strongest_claim_wins_and_the_first_of_equals():
    heat, wear = AnomalyType(name="heat", signature={"t": 1}), AnomalyType(name="wear", signature={"v": 1})
    assert named((heat, wear), ("t", "v"), [3.0, 2.0]) == "heat"
    assert named((heat, wear), ("t", "v"), [2.0, 3.0]) == "wear"
    assert named((heat, wear), ("t", "v"), [2.0, 2.0]) == "heat"


def test_a_negative_weight_speaks_against():
    wear = AnomalyType(name="wear", signature={"v": 1, "p": -1})
    broken = AnomalyType(name="broken", signature={"p": 0.5})
    assert named((wear, broken), ("v", "p"), [3.0, 0.0]) == "wear"
    assert named((wear, broken), ("v", "p"), [3.0, 3.0]) == "broken"


def test_a_readout_may_speak_for_a_type():
    jump = AnomalyType(name="jump", signature={"readout:change": 1})
    drift = AnomalyType(name="drift", signature={"readout:level": 1})
    rows = {"groups": ("t",), "evidence": [1.0], "readouts": ("level", "change")}
    assert named((jump, drift), rarities=(1.0, 4.0), **rows) == "jump"
    assert named((jump, drift), rarities=(4.0, 1.0), **rows) == "drift"


def test_hints_count_for_groups_that_no_signature_names():
    heat = AnomalyType(name="heat", signature={"t": 1}, hints=("temp",))
    wear = AnomalyType(name="wear", hints=("rms", "temp"))
    assert named((heat, wear), ("T_rms_2",), [5.0]) == "wear"
    assert named((heat, wear), ("Temp_oil",), [5.0]) == "heat"


def test_what_is_no_anomaly_has_no_name_and_a_domain_without_types_has_one_for_all():
    naming = Naming.of(Domain(name="d"), ("t",), ("level",))
    assert naming.names(np.ones((3, 1)), np.zeros((3, 1)), np.array([True, False, True])) == ["anomaly", "", "anomaly"]
    assert naming.names(np.zeros((0, 1)), np.zeros((0, 1)), np.zeros(0, bool)) == []


@pytest.mark.parametrize("name", DOMAINS)
def test_each_type_of_a_domain_has_evidence_that_can_claim_it(name):
    here = domain(name)
    groups = tuple(dict.fromkeys(feature.group for feature in here.features))
    naming = Naming.of(here, groups, tuple(spec.kind for spec in here.readouts))
    assert len(here.types) == 4
    assert (naming.weights.max(axis=1) > 0).all()
