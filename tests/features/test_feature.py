import pytest
from pydantic import ValidationError

from snnlab.features import Feature


@pytest.mark.parametrize("aggregate", ["value", "category", "change", "deviation", "sum", "mean", "distinct", "novel"])
def test_an_aggregate_of_a_column_needs_its_name(aggregate):
    with pytest.raises(ValidationError, match=f"'{aggregate}' reads a column"):
        Feature(name="f", aggregate=aggregate)


def test_match_needs_two():
    with pytest.raises(ValidationError, match="second with other="):
        Feature(name="f", aggregate="match", column="a")


def test_columns_that_it_reads():
    feature = Feature(name="f", aggregate="match", column="a", other="b", key="terminal")
    assert feature.category_columns == ("a", "b", "terminal")
    assert feature.numeric_column is None
    assert Feature(name="f", aggregate="sum", column="x", key="terminal").category_columns == ("terminal",)


def test_json_round_trip():
    feature = Feature(name="f", aggregate="deviation", column="x", window=60, group="level", log=True)
    assert Feature.model_validate_json(feature.model_dump_json()) == feature
