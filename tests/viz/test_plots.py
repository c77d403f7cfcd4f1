import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from snnlab import viz
from snnlab.datasets.labelled import LabelledStream
from snnlab.encoders.population import Population
from snnlab.errors import ConfigError
from snnlab.evaluation import Figure, confusion, evaluate
from snnlab.events import EventBatch
from snnlab.viz.encoders import tuning

RNG = np.random.default_rng(0)
TICK, NEURON = RNG.integers(0, 100, 300), RNG.integers(0, 64, 300)
LABEL = np.r_[np.zeros(50, int), np.ones(10, int), np.zeros(40, int)]
SCORE = RNG.random(100) + LABEL

FIGURES = [
    Figure.of("a.fast", 10.0, "us", peer="p", peer_value=200.0, better="lower"),
    Figure.of("a.slow", 10.0, "events/s", peer="p", peer_value=20.0),
    Figure.of("a.alone", 3.0, "us"),
]


def learnt_code():
    code = Population(fields=8, active=2)
    learnt = code.fresh()
    code.encode(RNG.normal(100, 20, 200), learnt)
    return code, learnt


def some_events():
    return EventBatch.from_columns(RNG.normal(5.0, 1.0, (100, 1)), ["load"], entities=["a", "b"] * 50)


def a_report():
    class Verdicts:
        score, anomaly, type = SCORE, SCORE > 1, [""] * 100

    stream = LabelledStream("servers", some_events(), LABEL.astype(np.int8))
    report = evaluate(Verdicts(), stream, baselines=["ewma_z"])
    return report.with_ablations({"no reservoir": report.quality})


PLOTS = {
    "spikes": lambda ax: viz.plot_spikes(TICK, NEURON, ax),
    "rates": lambda ax: viz.plot_rates(TICK, NEURON, {"all": range(64)}, ax),
    "tuning": lambda ax: viz.plot_tuning(*learnt_code(), np.linspace(0, 200, 40), ax),
    "code": lambda ax: viz.plot_code(learnt_code()[0], RNG.normal(100, 20, 50), ax, learnt=learnt_code()[1]),
    "context": lambda ax: viz.plot_context(some_events(), 40, "load", ax),
    "lines": lambda ax: viz.plot_lines({"up": [1, 2, 3], "down": [3, 2, 1]}, ax, target=2.0, title="Both"),
    "bars": lambda ax: viz.plot_bars({"ours": 0.8, "theirs": float("nan")}, ax, title="F1"),
    "quality": lambda ax: viz.plot_quality(a_report(), ax),
    "weights": lambda ax: viz.plot_weights(RNG.random(50), RNG.random(50), ax),
    "scores": lambda ax: viz.plot_scores(SCORE, ax, label=LABEL, threshold=1.0),
    "precision_recall": lambda ax: viz.plot_precision_recall({"detector": SCORE}, LABEL, ax),
    "confusion": lambda ax: viz.plot_confusion(confusion([1, 1], ["a", "b"], ["a", "a"]), ax),
    "groups": lambda ax: viz.plot_groups(RNG.random((100, 3)), ["a", "b", "c"], ax, label=LABEL),
    "growth": lambda ax: viz.plot_growth({"static": ([1, 2, 4], [3, 6, 12])}, ax, title="Memory"),
    "ratios": lambda ax: viz.plot_ratios(FIGURES, ax, title="bench x"),
    "times": lambda ax: viz.plot_times({"ours": 70.0, "theirs": 700.0}, ax, title="A tick"),
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
    viz.plot_code(Population(), np.empty(0))


def test_populations_are_ranges_or_lists_of_neurons():
    ax = viz.plot_rates(TICK, NEURON, {"low": range(32), "the same": np.arange(32)})
    low, same = (line.get_ydata() for line in ax.get_lines())
    assert np.array_equal(low, same)


def test_bars_stand_in_order_of_worth_below_the_detector():
    ax = viz.plot_quality(a_report())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["detector", "no reservoir", "ewma z"]


@pytest.mark.parametrize(("row", "column"), [(100, "load"), (3, "cpu")])
def test_an_event_or_column_that_is_not_there_is_told(row, column):
    with pytest.raises(ConfigError, match="rows are 0 to 99"):
        viz.plot_context(some_events(), row, column)


def test_bars_of_figures_begin_where_a_figure_is_as_good_as_its_peer():
    ax = viz.plot_ratios(FIGURES)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a.fast", "a.slow"]
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(1.0, 19.0), (1.0, -0.5)]
    assert ax.texts[0].get_text().startswith("20 x p")
    viz.plot_ratios([])


def test_growth_tells_the_exponent_of_each_curve():
    ax = viz.plot_growth({"line": ([10, 100], [1, 10]), "square": ([10, 20], [1, 4])})
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told == ["line: exponent 1.00", "square: exponent 2.00"]
