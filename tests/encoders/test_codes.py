"""What each code tells of a value."""

import numpy as np
import pytest

from snnlab.encoders import Category, Delta, Population, Rate, Temporal, TimeOfDay, TimeOfWeek

NORMAL = np.random.default_rng(7).normal(size=3000)


def last(code, value, ticks=1):
    learnt = code.fresh()
    code.encode(NORMAL, learnt)
    return code.encode(np.array([value]), learnt, learn=False, ticks=ticks)


def test_rate_rises_with_the_value():
    counts = [(last(Rate(neurons=16), x, ticks=10).address >= 0).sum() for x in (-50.0, -2.0, 0.0, 2.0, 50.0)]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[2] == pytest.approx(80, abs=3)
    assert counts[-1] == 160


def test_rate_peak_caps_the_rate():
    assert (last(Rate(neurons=10, peak=0.3), 50.0, ticks=10).address >= 0).sum() == 30


def test_temporal_fires_earlier_for_more():
    low, high = (last(Temporal(neurons=8), x, ticks=100) for x in (-1.0, 3.0))
    both = (low.address >= 0) & (high.address >= 0)
    assert both.any()
    assert (high.tick[both] < low.tick[both]).all()
    assert high.symbol[0] > low.symbol[0]


def test_population_uses_all_its_range_and_keeps_the_order():
    code = Population(fields=16)
    symbols = [last(code, x).symbol[0] for x in (-1e9, -3.0, -1.0, 0.0, 1.0, 3.0, 1e9)]
    assert symbols == sorted(symbols)
    assert len(set(symbols)) == len(symbols)
    assert (symbols[0], symbols[-1]) == (0, 15)


def test_population_at_the_end_of_the_range_has_fewer_spikes():
    assert sorted(last(Population(fields=16, active=3), 1e9).address[0].tolist()) == [-1, 14, 15]


def test_delta_is_silent_while_nothing_moves_and_signs_what_does():
    code, learnt = Delta(levels=4), Delta(levels=4).fresh()
    code.encode(np.cumsum(NORMAL), learnt)
    at = learnt["range"][2]
    code.encode(np.array([at]), learnt, learn=False)
    still, up, down = (
        code.encode(np.array([x]), learnt, learn=False) for x in (learnt["range"][3], at + 100, at - 100)
    )
    assert (still.address == -1).all()
    assert (still.symbol[0], up.symbol[0], down.symbol[0]) == (4, 8, 0)


def test_delta_of_changes_is_delta_of_the_line_where_each_move_is_sent():
    moves = np.where(np.arange(200) % 3 == 0, 5.0, -5.0)
    line = Delta(levels=3, step=0.5)
    changes = Delta(levels=3, step=0.5, differenced=True)
    a = line.encode(np.r_[0.0, np.cumsum(moves)], line.fresh()).symbol[1:]
    b = changes.encode(moves, changes.fresh()).symbol
    assert np.array_equal(np.sign(a - 3), np.sign(b - 3))


def test_delta_sends_slow_motion_late():
    code, learnt = Delta(levels=3, step=2.0), Delta(levels=3, step=2.0).fresh()
    symbols = code.encode(np.arange(60.0), learnt).symbol
    assert set(symbols.tolist()) == {3, 4}
    assert (symbols[3:] == 4).mean() == pytest.approx(0.5, abs=0.2)


def splitmix64(seed):
    mask = (1 << 64) - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        h = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) & mask
        yield h ^ (h >> 31)


def test_category_hashes_by_splitmix64():
    code = Category(neurons=1000, active=4)
    for value in (0.0, 7.0, 2.0**31 - 1, -3.5):
        draws = splitmix64(int(np.array([value]).view(np.uint64)[0]))
        expected = [(next(draws) >> 32) * 1000 >> 32 for _ in range(4)]
        assert code.encode(np.array([value]), {}).address[0].tolist() == expected


def test_category_spreads_words_evenly_and_takes_one_zero():
    code = Category(neurons=64)
    counts = np.bincount(code.encode(np.arange(64_000.0), {}).symbol, minlength=64)
    assert counts.min() > 850
    assert counts.max() < 1150
    zeros = code.encode(np.array([0.0, -0.0]), {})
    assert np.array_equal(zeros.address[0], zeros.address[1])


def test_category_never_fires_a_neuron_twice():
    address = Category(neurons=3, active=3).encode(np.arange(200.0), {}).address
    fired = [row[row >= 0].tolist() for row in address]
    assert all(len(set(row)) == len(row) >= 1 for row in fired)


@pytest.mark.parametrize(("code", "period"), [(TimeOfDay(), 86_400.0), (TimeOfWeek(), 604_800.0)])
def test_time_goes_round(code, period):
    times = np.array([0.0, period, -period, 12.5 * period, period - 1e-3, 1e300])
    symbols = code.encode(times, {}).symbol
    assert symbols[:3].tolist() == [0, 0, 0]
    assert symbols[3] == code.width // 2
    assert symbols[4] == 0
    assert 0 <= symbols[5] < code.width
