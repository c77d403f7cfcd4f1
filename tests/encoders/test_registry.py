import pytest

from snnlab.encoders import KINDS, Population, encoder_from_json
from snnlab.errors import ConfigError


def test_the_codes_of_the_package_are_there():
    assert {"rate", "temporal", "population", "delta", "category", "time_of_day", "time_of_week"} <= set(KINDS)


def test_unknown_kind_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"no encoder of kind 'morse'.*population"):
        encoder_from_json({"kind": "morse"})


@pytest.mark.parametrize("fields", [{"fields": 1}, {"colour": "red"}, {"overlap": float("nan")}])
def test_wrong_fields_are_refused(fields):
    with pytest.raises(ConfigError, match="encoder 'population' cannot be made"):
        encoder_from_json({"kind": "population", **fields})


def test_json_is_plain():
    assert Population(fields=4).to_json() == {
        "kind": "population",
        "fields": 4,
        "active": 3,
        "overlap": 0.75,
        "reach": 8.0,
        "horizon": 5000,
        "resolution": 1e-6,
    }
