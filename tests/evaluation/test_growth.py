import numpy as np
import pytest

from snnlab.errors import ConfigError
from snnlab.evaluation.growth import Growth


def test_noise_moves_the_exponent_little():
    sizes = np.array([100, 200, 400, 800, 1600])
    law = Growth.of(sizes, 7.0 * sizes**1.5 * (1 + 0.02 * np.array([1, -1, 1, -1, 1])))
    assert law.exponent == pytest.approx(1.5, abs=0.01)
    assert law.at(400) == pytest.approx(7.0 * 8000, rel=0.03)


@pytest.mark.parametrize(("sizes", "costs"), [([1], [1]), ([2, 2], [1, 2]), ([0, 1], [1, 2]), ([1, 2], [1])])
def test_what_shows_no_growth_is_refused(sizes, costs):
    with pytest.raises(ConfigError, match="measure two sizes or more"):
        Growth.of(sizes, costs)
