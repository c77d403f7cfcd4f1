"""Alarm neurons on traces that can be followed by hand."""

import numpy as np
import pytest

from snnlab.detectors.alarm import fresh_alarm, inhibit, speak

ONE = {"refractory": 2, "recovery": 1e12}


def said(evidence, memory=None, rows=None, **settings):
    rows = np.zeros(len(evidence), np.int32) if rows is None else np.array(rows, np.int32)
    return speak(np.array(evidence, float), rows, memory or fresh_alarm(3), **ONE | settings)


def test_a_burst_is_one_word_unless_it_grows_and_the_next_burst_is_half_as_loud():
    trace = said([2, 1, 3, 0, 0, 0, 4, 5])
    assert trace == pytest.approx([2, 0, 1.5, 0, 0, 0, 2, 5 / 3])


def test_without_habituation_every_burst_is_as_loud():
    trace = said([2, 0, 0, 2, 0, 0, 2], habituation=0.0)
    assert trace == pytest.approx([2, 0, 0, 2, 0, 0, 2])


def test_what_does_not_rouse_does_not_tire():
    assert said([0.2, 0, 0, 2], rouse=0.3)[3] == pytest.approx(2.0)
    assert said([0.2, 0, 0, 2], rouse=0.1)[3] == pytest.approx(1.0)


def test_tiredness_rests_with_recovery():
    quiet = [2.0, *[0.0] * 20, 2.0]
    assert said(quiet, recovery=5.0)[-1] == pytest.approx(2.0 / (1.0 + np.exp(-21 / 5)))


def test_entities_have_neurons_of_their_own():
    assert said([2, 2, 2], rows=[0, 1, 0]).tolist() == [2, 2, 0]


def test_silence_is_counted_in_events_of_the_entity():
    assert said([2, 0, 0, 0, 2], rows=[0, 1, 1, 1, 0]).tolist() == [2, 0, 0, 0, 0]


def test_a_trace_may_be_cut_anywhere():
    rng = np.random.default_rng(4)
    evidence, rows = rng.exponential(1.0, 500), rng.integers(0, 3, 500)
    whole, memory = said(evidence, rows=rows), fresh_alarm(3)
    pieces = [said(evidence[at : at + 7], memory, rows[at : at + 7]) for at in range(0, 500, 7)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_of_several_voices_the_strongest_silences_the_rest():
    voices = np.array([1.0, 2.0, 1.0, 0.0, 1.0])
    heard = inhibit(voices, np.zeros(5, np.int32), fresh_alarm(1), refractory=1)
    assert heard.tolist() == [1, 2, 0, 0, 1]
