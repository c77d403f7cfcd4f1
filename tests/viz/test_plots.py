import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from snnlab import viz
from snnlab.encoders.population import Population
from snnlab.evaluation import confusion
from snnlab.viz.encoders import tuning

RNG = np.random.default_rng(0)
TICK, NEURON = RNG.integers(0, 100, 300), RNG.integers(0, 64, 300)
LABEL = np.r_[np.zeros(50, int), np.ones(10, int), np.zeros(40, int)]
SCORE = RNG.random(100) + LABEL


def learnt_code():
    code = Population(fields=8, active=2)
    learnt = code.fresh()
    code.encode(RNG.normal(100, 20, 200), learnt)
    return code, learnt


PLOTS = {
    "spikes": lambda ax: viz.plot_spikes(TICK, NEURON, ax),
    "rates": lambda ax: viz.plot_rates(TICK, NEURON, {"all": range(64)}, ax),
    "tuning": lambda ax: viz.plot_tuning(*learnt_code(), np.linspace(0, 200, 40), ax),
    "weights": lambda ax: viz.plot_weights(RNG.random(50), RNG.random(50), ax),
    "scores": lambda ax: viz.plot_scores(SCORE, ax, label=LABEL, threshold=1.0),
    "precision_recall": lambda ax: viz.plot_precision_recall({"detector": SCORE}, LABEL, ax),
    "confusion": lambda ax: viz.plot_confusion(confusion([1, 1], ["a", "b"], ["a", "a"]), ax),
    "groups": lambda ax: viz.plot_groups(RNG.random((100, 3)), ["a", "b", "c"], ax, label=LABEL),
    "nab": lambda ax: viz.plot_nab({"snnlab": {"standard": 70.0, "low_fp": 65.0, "low_fn": -3.0}}, ax),
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_makes_its_own_axes_or_draws_on_those_given(name):
    ax = PLOTS[name](None)
    assert ax.get_title(loc="left")
    ax.figure.canvas.draw()
    given = plt.subplots()[1]
    assert PLOTS[name](given) is given


def test_drawing_leaves_no_style_behind():
    before = dict(mpl.rcParams)
    for draw in PLOTS.values():
        draw(None)
    assert dict(mpl.rcParams) == before


def test_scores_take_times_and_windows():
    ax = viz.plot_scores(SCORE, timestamps=np.arange(100) * 1_000_000, windows=[(50, 59), (99, 99)])
    assert len(ax.patches) == 2


def test_tuning_peaks_where_the_value_lies_and_teaches_nothing():
    code, learnt = learnt_code()
    before = {name: array.copy() for name, array in learnt.items()}
    peak = tuning(code, learnt, np.linspace(0, 200, 30)).argmax(axis=1)
    assert (np.diff(peak) >= 0).all()
    assert peak[0] < peak[-1]
    assert all(np.array_equal(before[name], learnt[name]) for name in before)


def test_empty_input_draws_empty_axes():
    viz.plot_spikes([], [])
    viz.plot_rates([], [], {"all": range(4)})
    viz.plot_groups(np.empty((0, 2)), ["a", "b"])
    viz.plot_scores([])


def test_one_giant_does_not_flatten_the_rest():
    ax = viz.plot_scores(np.r_[SCORE, 1e9], limit=10.0)
    assert ax.get_ylim()[1] < 12
