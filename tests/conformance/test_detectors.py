"""What a detector promises on every domain: causal, split-invariant, reproducible, restorable, whole on threads."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from snnlab.datasets.generators import DOMAINS
from snnlab.detectors import Detector
from snnlab.errors import EventError
from snnlab.events import EventBatch
from snnlab.events.arrow import decode_events, encode_events
from snnlab.events.shards import shards_of

CASES = [*DOMAINS, "generic"]
COLUMNS = ("score", "severity", "alarm", "anomaly", "spoken", "groups", "pattern")


@pytest.fixture(params=CASES)
def case(request):
    return request.param


@pytest.fixture
def events(case, events_of):
    return events_of(case)


def fresh(case, events, **options):
    if case == "generic":
        return Detector.for_events("sensor", events, **options)
    return Detector.build(case, names=events.names, categories=events.category_names, **options)


@pytest.fixture(scope="module")
def whole(events_of):
    """Verdicts on all events at once, and the detector's bytes after them."""
    kept = {}

    def run(case):
        if case not in kept:
            detector = fresh(case, events_of(case))
            kept[case] = detector.process(events_of(case)), detector.save()
        return kept[case]

    return run


def in_pieces(detector, events, size, **options):
    pieces = [detector.process(events.slice(at, at + size), **options) for at in range(0, len(events), size)]
    return pieces, [name for piece in pieces for name in piece.type]


def assert_same(pieces, expected, upto=None):
    """Verdicts, or a list of them end to end, say exactly what is expected of the first ``upto`` events."""
    pieces = pieces if isinstance(pieces, list) else [pieces]
    n = sum(map(len, pieces)) if upto is None else upto
    for column in COLUMNS:
        got = np.concatenate([getattr(piece, column) for piece in pieces])[:n]
        np.testing.assert_array_equal(got, getattr(expected, column)[:n], err_msg=column)
    assert [kind for piece in pieces for kind in piece.type][:n] == expected.type[:n]


def learnt_of(detector):
    return [{name: array.copy() for name, array in shard.learnt.items()} for shard in detector.shards]


def test_the_streams_show_what_the_promises_are_about(case, events, whole):
    verdicts, _ = whole(case)
    assert verdicts.anomaly.any()
    assert np.isnan(verdicts.score).any()  # a dead letter
    assert (np.diff(events.timestamps) < 0).any()
    assert len(set(events.entities.words())) > 8


def test_cutting_the_future_changes_nothing(case, events, whole):
    verdicts, _ = whole(case)
    for cut in (1, 333, 1501):
        assert_same(fresh(case, events).process(events.slice(0, cut)), verdicts, cut)


def test_another_future_in_the_same_batch_changes_nothing(case, events, whole):
    cut = 1400
    values = events.values.copy()
    values[cut:] = values[cut:] * -50 + 1e6
    other = EventBatch.from_columns(
        values,
        events.names,
        timestamps=events.timestamps,
        event_ids=events.event_ids,
        event_types=events.event_types.words(),
        entities=events.entities.words(),
        categories={name: events.category(name).words() for name in events.category_names},
    )
    verdicts = fresh(case, events).process(other)
    assert_same(verdicts, whole(case)[0], cut)
    assert not np.array_equal(verdicts.groups[cut:], whole(case)[0].groups[cut:])


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_stream_may_be_cut_into_batches_anywhere(case, events, whole, size):
    detector = fresh(case, events)
    pieces, _ = in_pieces(detector, events, size)
    assert_same(pieces, whole(case)[0])
    assert detector.save() == whole(case)[1]


def test_the_batch_size_of_the_settings_is_no_matter_of_scores(case, events, whole):
    detector = fresh(case, events)
    config = detector.domain.network.replace({"performance.batch_size": 60})
    assert_same(fresh(case, events, config=config).process(events), whole(case)[0])


def test_the_order_of_columns_is_no_matter_of_scores(case, events, whole):
    back = [*range(len(events.names))][::-1]
    other = EventBatch.from_columns(
        events.values[:, back],
        [events.names[i] for i in back],
        timestamps=events.timestamps,
        event_ids=events.event_ids,
        event_types=events.event_types.words(),
        entities=events.entities.words(),
        categories={name: events.category(name).words() for name in reversed(events.category_names)},
    )
    assert_same(fresh(case, events).process(other), whole(case)[0])


def test_a_seed_gives_the_same_detector_again_and_another_seed_another(case, events, whole):
    detector = fresh(case, events)
    assert_same(detector.process(events), whole(case)[0])
    assert detector.save() == whole(case)[1]
    seed = detector.domain.network.seed
    assert_same(fresh(case, events, seed=seed).process(events), whole(case)[0])
    assert not np.array_equal(fresh(case, events, seed=seed + 1).process(events).pattern, whole(case)[0].pattern)


HALF = """
import os, signal, sys
from pathlib import Path
from snnlab.detectors import Detector
from snnlab.events.arrow import decode_events
for file in sorted(Path(sys.argv[1]).glob("*.arrow")):
    events = decode_events(file.read_bytes())
    detector = Detector.load(file.with_suffix(".new"))
    detector.process(events.slice(0, 1111))
    detector.save(file.with_suffix(".half"))
    detector.process(events.slice(1111, 1500))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory, events_of, python):
    """Models that another process saved in mid-stream before it was killed."""
    folder = tmp_path_factory.mktemp("killed")
    for case in CASES:
        (folder / f"{case}.arrow").write_bytes(encode_events(events_of(case)))
        fresh(case, events_of(case)).save(folder / f"{case}.new")
    python(HALF, folder, status=-signal.SIGKILL)
    return folder


def test_killed_in_mid_stream_it_goes_on_from_its_file_as_if_nothing_had_been(case, events, whole, killed):
    detector = Detector.load(killed / f"{case}.half")
    assert detector.n_events == 1111
    rest = detector.process(events.slice(1111, len(events)))
    verdicts = whole(case)[0]
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(rest, column), getattr(verdicts, column)[1111:], err_msg=column)
    assert rest.type == verdicts.type[1111:]
    assert detector.save() == whole(case)[1]


def test_arrow_carries_the_events_unchanged(case, events):
    assert decode_events(encode_events(events)) == events


def test_shards_on_threads_say_what_they_say_one_by_one(case, events):
    together = fresh(case, events, shards=4)
    verdicts = together.process(events)
    shard = shards_of(events.entities, 4)
    assert len(set(shard.tolist())) == 4
    for s in range(4):
        at = np.flatnonzero(shard == s)
        alone = fresh(case, events)
        expected = alone.process(events.take(at))
        for column in COLUMNS:
            np.testing.assert_array_equal(getattr(verdicts, column)[at], getattr(expected, column), err_msg=column)
        assert {k: v.tobytes() for k, v in alone.shards[0].learnt.items()} == {
            k: v.tobytes() for k, v in together.shards[s].learnt.items()
        }
    again = fresh(case, events, shards=4)
    pieces, _ = in_pieces(again, events, 70)
    assert_same(pieces, verdicts)
    assert again.save() == together.save()


def test_detectors_on_many_threads_do_not_meet(case, events, whole):
    gate = threading.Barrier(6)

    def run(_):
        detector = fresh(case, events)
        gate.wait()
        return detector.process(events)

    with ThreadPoolExecutor(6) as pool:
        for verdicts in pool.map(run, range(6)):
            assert_same(verdicts, whole(case)[0])


def test_without_learning_all_that_was_learnt_stays(case, events):
    detector = fresh(case, events)
    detector.process(events.slice(0, 1000))
    twin = Detector.load(detector.save())
    before = learnt_of(detector)
    verdicts = detector.process(events.slice(1000, 2000), learn=False)
    for old, new in zip(before, learnt_of(detector), strict=True):
        for name, array in old.items():
            np.testing.assert_array_equal(array, new[name], err_msg=name)
    pieces, _ = in_pieces(twin, events.slice(1000, 2000), 7, learn=False)
    assert_same(pieces, verdicts)
    assert np.isfinite(verdicts.score).sum() > 900


def test_learning_does_change_what_is_learnt(case, events):
    detector = fresh(case, events)
    detector.process(events.slice(0, 1000))
    before = learnt_of(detector)[0]
    detector.process(events.slice(1000, 2000))
    after = detector.shards[0].learnt
    moved = {name.split("/")[0] for name in before if not np.array_equal(before[name], after[name])}
    assert moved >= {"judge", "reservoir"} | {f"readout{at}" for at in range(len(detector.plan.readouts))}


def test_the_reservoir_can_be_left_out(case, events, whole):
    without = fresh(case, events, reservoir=False)
    verdicts = without.process(events)
    assert "predictive" not in {readout.kind for readout in without.plan.readouts}
    assert not verdicts.pattern.any()
    assert whole(case)[0].pattern.any()
    assert not any(name.startswith("reservoir/") for name in without.shards[0].learnt)
    assert_same(Detector.load(fresh(case, events, reservoir=False).save()).process(events), verdicts)


def test_plasticity_can_be_left_out(case, events):
    plastic, fixed = fresh(case, events), fresh(case, events, plasticity=False)
    built = plastic.plan.network.weights.copy()
    plastic.process(events)
    fixed.process(events)
    assert not np.array_equal(plastic.shards[0].learnt["reservoir/weights"], built)
    assert "reservoir/weights" not in fixed.shards[0].learnt
    np.testing.assert_array_equal(fixed.plan.network.weights, built)


def test_entities_beyond_the_limit_take_the_rows_of_the_longest_silent(case, events):
    events = events.slice(0, 800)
    detector = fresh(case, events, max_entities=5)
    verdicts = detector.process(events)
    late = np.isnan(verdicts.score)
    assert np.isfinite(verdicts.score[~late]).all()
    assert len(detector.shards[0].pool) == 5
    for size in (1, 7, 1000):
        other = fresh(case, events, max_entities=5)
        pieces, _ = in_pieces(other, events, size)
        assert_same(pieces, verdicts)
        assert other.save() == detector.save()


def test_one_event_is_scored_as_in_a_batch(case, events, whole):
    detector = fresh(case, events)
    detector.process(events.slice(0, 1200))
    one = Detector.load(detector.save())
    many = detector.process(events.slice(1200, 1260))
    assert_same(one.process(events.slice(1200, 1201)), many, 1)


def test_no_events_give_no_verdicts(case, events):
    for shards in (1, 4):
        detector = fresh(case, events, shards=shards)
        before = detector.save()
        verdicts = detector.process(events.slice(0, 0))
        assert len(verdicts) == len(verdicts.score) == len(verdicts.type) == 0
        assert verdicts.groups.shape == (0, len(detector.group_names))
        assert verdicts.to_anomalies("model", "stream") == []
        assert detector.save() == before


def test_what_cannot_be_scored_changes_nothing(case, events):
    detector = fresh(case, events, shards=2)
    detector.process(events.slice(0, 300))
    before = detector.save()
    part = events.slice(300, 330)
    column = next(f.numeric_column for f in detector.domain.features if f.numeric_column)
    spoilt = part.values.copy()
    spoilt[17, part.names.index(column)] = np.inf
    words = {name: part.category(name).words() for name in part.category_names}
    rest = {"timestamps": part.timestamps, "entities": part.entities.words(), "event_ids": part.event_ids}
    kept = [i for i, name in enumerate(part.names) if name != column]
    bad = {
        rf"{part.event_ids[17]}.*{column} = inf": EventBatch.from_columns(spoilt, part.names, categories=words, **rest),
        "comes twice": part.take([0, 1, 2, 1]),
        f"no numeric column {column!r}": EventBatch.from_columns(
            part.values[:, kept], [part.names[i] for i in kept], categories=words | {column: ["x"] * 30}, **rest
        ),
    }
    for said, batch in bad.items():
        with pytest.raises(EventError, match=said):
            detector.process(batch)
        assert detector.save() == before
        assert detector.rejected == []
    spoilt[17, part.names.index(column)] = np.nan
    alone = EventBatch.from_columns(spoilt, part.names, categories=words, **rest).slice(17, 18)
    with pytest.raises(EventError, match=f"{column} = nan"):
        detector.process(alone)
    assert detector.save() == before
