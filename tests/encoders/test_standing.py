"""The running range that rate, temporal and population codes share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from snnlab.encoders.standing import fresh_range, standings


def stand(values, known=None, horizon=5000.0, resolution=1e-6):
    known = fresh_range() if known is None else known
    return standings(np.asarray(values, dtype=np.float64), known, 8.0, horizon, resolution, learn=True), known


@settings(derandomize=True, deadline=None, max_examples=50)
@given(hnp.arrays(np.float64, st.integers(1, 50), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_standings_lie_in_0_to_1_for_any_finite_stream(values):
    u, known = stand(values)
    assert ((u >= 0) & (u <= 1)).all()
    assert u[0] == 0.5
    assert np.isfinite(known).all()


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_a_change_of_unit_changes_nothing(factor, shift):
    values = np.random.default_rng(3).normal(size=60)
    plain, _ = stand(values, resolution=0.0)
    scaled, _ = stand(factor * (values + shift), resolution=0.0)
    np.testing.assert_allclose(plain, scaled, atol=1e-6)


def test_the_range_comes_near_mean_and_deviation():
    values = np.random.default_rng(0).normal(50.0, 4.0, 5000)
    _, known = stand(values)
    assert known[0] == 5000
    assert known[1] == pytest.approx(50.0, abs=0.2)
    assert known[2] * 1.2533 == pytest.approx(4.0, rel=0.05)


def test_a_constant_stream_stands_at_the_centre_and_a_tiny_step_too():
    u, _ = stand(np.r_[np.full(100, 1000.0), 1000.0001])
    assert (u[:100] == 0.5).all()
    assert u[100] == pytest.approx(0.5, abs=0.03)


def test_a_real_step_after_a_constant_stands_out():
    u, _ = stand(np.r_[np.full(100, 1000.0), 1100.0])
    assert u[100] == 1.0


def test_one_huge_outlier_does_not_blind_the_range():
    values = np.random.default_rng(0).normal(size=2000)
    values[1000] = 1e300
    u, known = stand(values)
    assert u[1000] == 1.0
    assert known[2] == pytest.approx(0.8, rel=0.1)
    assert u[1001:].std() == pytest.approx(u[:1000][500:].std(), rel=0.1)


def test_a_new_scale_is_learnt_in_the_end():
    values = np.r_[np.random.default_rng(0).normal(size=500), 1e6 * np.random.default_rng(1).normal(size=3000)]
    u, _ = stand(values, horizon=500.0)
    assert (u[500:510] % 1 == 0).mean() > 0.8
    assert ((u[-500:] > 0) & (u[-500:] < 1)).all()
