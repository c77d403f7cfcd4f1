"""Traces small enough to check by hand: the "why" of each file is the calculation."""

import json
from pathlib import Path

import numpy as np
import pytest

from snnlab.encoders import KINDS, encoder_from_json, is_custom

TRACES = sorted((Path(__file__).parents[1] / "golden" / "encoders").glob("*.json"))


def test_every_code_has_a_trace():
    built_in = {kind for kind, cls in KINDS.items() if not is_custom(cls)}
    assert {path.stem for path in TRACES} == built_in


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_trace(path):
    trace = json.loads(path.read_text())
    code = encoder_from_json(trace["code"])
    spikes = code.encode(np.array(trace["values"]), code.fresh(), ticks=trace["ticks"])
    assert spikes.address.tolist() == trace["address"]
    assert spikes.tick.tolist() == trace["tick"]
    assert spikes.symbol.tolist() == trace["symbol"]
