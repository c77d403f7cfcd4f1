"""The detector as its user meets it: building, lateness, feedback, a user's own encoder, verdicts that stay calm."""

import json

import numpy as np
import pytest

from snnlab.datasets.generators import DOMAINS
from snnlab.detectors import Detector
from snnlab.domains import AnomalyType, Domain, ReadoutSpec, domain
from snnlab.encoders import KINDS, load_source
from snnlab.errors import ConfigError, EventError, ModelFormatError, UntrustedCode
from snnlab.events import EventBatch
from snnlab.features import Clock

SECOND = 1_000_000

CUBE = """
class Cube(Encoder):
    kind: ClassVar[str] = "test_cube"

    @property
    def width(self):
        return 8

    def fresh(self):
        return {"reach": np.ones(1)}

    def encode(self, values, learnt, *, learn=True, ticks=1):
        out = np.empty(len(values), np.int32)
        for i, value in enumerate(values):
            if learn:
                learnt["reach"][0] = max(learnt["reach"][0], abs(value))
            out[i] = int(np.clip((value / learnt["reach"][0] + 1) * 4, 0, 7))
        return Spikes(out[:, None], np.zeros((len(out), 1), np.int32), out)
"""


def calm(n=400, start=0, seed=1, **more):
    values = np.random.default_rng(seed).normal(5.0, 0.3, (n, 2))
    times = (start + np.arange(n)) * SECOND
    ids = [f"e{start + i}" for i in range(n)]
    return EventBatch.from_columns(values, ["load", "wait"], timestamps=times, event_ids=ids, **more)


def sensor(**options):
    return Detector.build("sensor", names=["load", "wait"], **options)


@pytest.fixture
def own_kinds():
    """Encoders that a test registers are gone after it."""
    before = dict(KINDS)
    yield
    KINDS.clear()
    KINDS.update(before)


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain_alone_is_enough_to_build(name):
    detector = Detector.build(name)
    assert detector.domain.name == name
    assert f"Detector({name}, " in repr(detector)
    assert detector.threshold == detector.domain.threshold


def test_what_cannot_be_built_says_why():
    with pytest.raises(ConfigError, match="0 shards"):
        sensor(shards=0)
    with pytest.raises(ConfigError, match="tides"):
        Detector.build("tides")
    with pytest.raises(ConfigError, match="no features of its own"):
        Detector.build(Domain(name="empty", readouts=(ReadoutSpec(kind="level"),)))
    with pytest.raises(ConfigError, match="no readout 'guess'; there are"):
        Detector.build(Domain(name="odd", readouts=(ReadoutSpec(kind="guess"),)), names=["x"])
    with pytest.raises(ConfigError, match=r"(?s)'level'.*leak"):
        Detector.build(Domain(name="odd", readouts=(ReadoutSpec(kind="level", settings={"leak": 7}),)), names=["x"])
    with pytest.raises(ConfigError, match="no readouts left"):
        Detector.build(Domain(name="odd", readouts=(ReadoutSpec(kind="predictive"),)), names=["x"], reservoir=False)


def test_a_burst_is_found_named_and_told():
    detector = sensor()
    assert not detector.process(calm()).anomaly.any()
    values = np.random.default_rng(2).normal(5.0, 0.3, (200, 2))
    values[20:80] = 50.0
    burst = EventBatch.from_columns(
        values,
        ["load", "wait"],
        timestamps=(400 + np.arange(200)) * SECOND,
        event_ids=[f"late {i}" for i in range(200)],
    )
    verdicts = detector.process(burst)
    assert verdicts.anomaly[20:80].all()
    assert not verdicts.anomaly[:20].any()
    assert verdicts.spoken[20]
    assert verdicts.spoken.sum() <= 4  # one burst is not sixty alarms
    assert all(kind in {t.name for t in detector.domain.types} for kind in verdicts.type if kind)
    assert [bool(kind) for kind in verdicts.type] == verdicts.anomaly.tolist()
    first = verdicts.to_anomalies("m", "s")[0]
    assert first.recommended_actions
    assert first.contributing_events == ("late 20",)


def test_events_late_within_the_allowance_are_scored_and_later_ones_are_dead_letters():
    domain = Domain(name="d", clock=Clock(lateness_us=10 * SECOND), readouts=(ReadoutSpec(kind="level"),))
    detector = Detector.build(domain, names=["load", "wait"])
    detector.process(calm(200))
    batch = EventBatch.from_columns(
        np.full((4, 2), 5.0), ["load", "wait"], event_ids=["now", "late", "too late", "next"],
        timestamps=[300 * SECOND, 290 * SECOND, 289 * SECOND, 301 * SECOND],
    )  # fmt: skip
    verdicts = detector.process(batch)
    assert np.isnan(verdicts.score).tolist() == [False, False, True, False]
    assert (verdicts.severity[2], verdicts.anomaly[2], verdicts.type[2]) == (0, False, "")
    (letter,) = detector.rejected
    assert letter.event_id == "too late"
    for word in ("289000000", "10 s", "'all'", "lateness_us", "sort the events"):
        assert word in letter.reason
    detector.process(calm(1, start=302))
    assert detector.rejected == []


def test_a_dead_letter_teaches_and_moves_nothing():
    one, two = sensor(), sensor()
    for detector in (one, two):
        detector.process(calm(300, start=10_000))
    far = EventBatch.from_columns(np.full((3, 2), 99.0), ["load", "wait"], event_ids=list("xyz"))
    assert np.isnan(one.process(far).score).all()
    assert len(one.rejected) == 3
    for part in ("learnt", "state"):
        for name, array in getattr(two.shards[0], part).items():
            np.testing.assert_array_equal(getattr(one.shards[0], part)[name], array, err_msg=name)
    more = calm(200, start=10_300, seed=2)
    np.testing.assert_array_equal(one.process(more).score, two.process(more).score)


def test_one_entity_s_lateness_is_its_own():
    detector = sensor(entities=True)
    events = EventBatch.from_columns(
        np.ones((3, 2)), ["load", "wait"], timestamps=[10**12, 0, 0], entities=["a", "b", "a"]
    )
    assert np.isnan(detector.process(events).score).tolist() == [False, False, True]


def test_after_a_restart_old_times_are_not_late():
    detector = sensor()
    detector.process(calm(100, start=10_000))
    detector.restart()
    detector.process(calm(100))
    assert detector.rejected == []


def test_the_first_event_of_another_stream_follows_nothing():
    steps = [step for step in ["open", "check", "pay"] * 20 + ["open"] for _ in range(30)]
    who = [f"case-{one}" for one in range(30)] * (len(steps) // 30)
    times = np.arange(len(steps)) * 1_000_000

    def events(start, stop, first):
        return EventBatch.from_columns(
            np.zeros((stop - start, 0)), [], timestamps=times[start:stop] + first, entities=who[start:stop],
            event_ids=[f"{first}-{row}" for row in range(start, stop)], categories={"step": steps[start:stop]},
        )  # fmt: skip

    detector = Detector.build("business", categories=["step"], entities=True)
    detector.process(events(0, len(steps), 0))
    other = Detector.load(detector.save())
    other.restart(clocks=False)
    again = events(0, 30, int(times[-1]) + 1_000_000)
    follows, begins = detector.process(again), other.process(again)
    assert follows.score[0] > 2.0 * begins.score[0]
    assert not begins.anomaly.any()


def test_columns_of_another_stream_are_refused_by_name():
    with pytest.raises(EventError, match="no numeric column 'wait'; this detector reads load, wait: send all 2"):
        sensor().process(EventBatch.from_columns(np.ones((2, 1)), ["load"]))


def test_more_columns_than_it_reads_are_no_matter():
    more = EventBatch.from_columns(
        np.column_stack([np.arange(400.0), calm().values]), ["noise", "load", "wait"], timestamps=calm().timestamps,
        categories={"shift": ["night"] * 400},
    )  # fmt: skip
    np.testing.assert_array_equal(sensor().process(more).score, sensor().process(calm()).score)


JOINT = Domain(name="d", readouts=(ReadoutSpec(kind="joint"),), threshold=2.5)


def odd(event_id, start):
    return EventBatch.from_columns(
        np.array([[40.0, -9.0]]), ["load", "wait"], event_ids=[event_id], timestamps=[start * SECOND]
    )


def test_a_false_alarm_that_is_labelled_normal_is_learnt():
    detector = Detector.build(JOINT, names=["load", "wait"])
    detector.process(calm(1500))
    first = detector.process(odd("odd", 1600))
    assert first.anomaly[0]
    unlabelled = Detector.load(detector.save()).process(odd("twin", 1601))
    told = Detector.load(detector.save())
    assert told.feedback("odd", label=True)
    np.testing.assert_array_equal(Detector.load(told.save()).process(odd("twin", 1601)).score, unlabelled.score)
    assert told.feedback("odd", label=False)
    twin = told.process(odd("twin", 1601))
    assert not twin.anomaly[0]
    assert twin.score[0] < 0.5 * unlabelled.score[0]


def test_a_network_that_learns_from_rewards_is_taught_by_feedback():
    calm = np.random.default_rng(4).normal(size=(400, 1))
    calm[390] = 40.0
    ids = [f"e{i}" for i in range(400)]
    events = EventBatch.from_columns(calm, ["load"], event_ids=ids)
    config = domain("sensor").network.replace({"learning.algorithm": "R-STDP"})

    def thresholds(event, *, label):
        detector = Detector.build("sensor", names=["load"], seed=1, config=config)
        assert detector.process(events).anomaly[390]
        learnt = detector.shards[0].learnt
        before = learnt["reservoir/threshold"].copy(), learnt["reservoir/weights"].copy()
        assert detector.feedback(event, label=label)
        return learnt["reservoir/threshold"] - before[0], learnt["reservoir/weights"] - before[1]

    charged, paid = thresholds("e390", label=False), thresholds("e390", label=True)
    nothing = thresholds("e200", label=False)
    assert charged[0].max() > 0.0 >= charged[0].min()  # who spoke before a false alarm speaks less readily
    assert paid[0].min() < 0.0 >= paid[0].max()
    assert charged[1].any()
    assert paid[1].any()
    assert not nothing[0].any()  # what was normal and was not flagged is no news
    assert not nothing[1].any()


def test_feedback_finds_an_event_on_any_shard_and_none_that_it_has_not_seen():
    entities = [f"m{i % 9}" for i in range(400)]
    detector = Detector.build(JOINT, names=["load", "wait"], entities=True, shards=3)
    detector.process(calm(entities=entities))
    before = detector.save()
    assert not detector.feedback("never", label=False)
    assert detector.save() == before
    assert all(detector.feedback(f"e{i}", label=False) for i in range(380, 400))
    assert detector.save() != before


def test_feedback_reaches_back_as_far_as_it_says_and_through_a_save():
    detector = Detector.build(JOINT, names=["load", "wait"])
    detector.process(calm(5000))
    detector = Detector.load(detector.save())
    assert [detector.feedback(f"e{i}", label=True) for i in (4999, 904, 903, 0)] == [True, True, False, False]


def test_a_constant_stream_s_first_tiny_step_is_not_severe():
    values = np.full((2000, 2), 5.0)
    values[1500:, 0] += 1e-6
    verdicts = sensor().process(EventBatch.from_columns(values, ["load", "wait"]))
    assert not verdicts.anomaly[:1500].any()
    assert verdicts.severity.max() < 0.9


def test_a_user_s_encoder_travels_and_needs_trust(own_kinds, tmp_path, python):
    load_source(CUBE)
    domain = Domain(
        name="mine",
        types=(AnomalyType(name="odd"),),
        readouts=(ReadoutSpec(kind="level"), ReadoutSpec(kind="predictive")),
        codes={"load": {"kind": "test_cube"}},
    )
    detector = Detector.build(domain, names=["load", "wait"])
    detector.process(calm(300))
    path = tmp_path / "mine.snn"
    content = detector.save(path)
    expected = detector.process(calm(200, start=300, seed=3))
    assert Detector.load(content).save() == content  # the very same code is known here

    program = f"""
import json, sys
import numpy as np
from snnlab.detectors import Detector
from snnlab.errors import UntrustedCode
from snnlab.events import EventBatch
try:
    Detector.load(sys.argv[1])
    print("trusted")
except UntrustedCode as wrong:
    assert "test_cube" in str(wrong) and "trust_code=True" in str(wrong)
values = np.random.default_rng(3).normal(5.0, 0.3, (200, 2))
batch = EventBatch.from_columns(values, ["load", "wait"], timestamps=(300 + np.arange(200)) * {SECOND})
verdicts = Detector.load(sys.argv[1], trust_code=True).process(batch)
print(json.dumps([verdicts.score.tolist(), verdicts.pattern.sum(axis=1).tolist()]))
"""
    score, pattern = json.loads(python(program, path))
    assert score == expected.score.tolist()
    assert pattern == expected.pattern.sum(axis=1).tolist()


def test_other_code_under_a_known_name_is_not_run_without_trust(own_kinds):
    load_source(CUBE)
    domain = Domain(name="mine", readouts=(ReadoutSpec(kind="level"),), codes={"load": {"kind": "test_cube"}})
    detector = Detector.build(domain, names=["load", "wait"])
    content = detector.save()
    load_source(CUBE.replace("* 4, 0, 7", "* 3, 0, 7"))
    with pytest.raises(UntrustedCode, match="'test_cube'"):
        Detector.load(content)
    assert Detector.load(content, trust_code=True).save() == content


def test_a_model_cannot_bring_its_own_version_of_a_code_of_the_package():
    from snnlab.detectors.model_file import ModelFile

    file = ModelFile.read(sensor().save())
    forged = ModelFile(
        {k: v for k, v in file.manifest.items() if k not in {"magic", "format"}}, file.arrays, {"rate": CUBE}
    ).to_bytes()
    with pytest.raises(UntrustedCode, match="'rate'"):
        Detector.load(forged)


def test_a_damaged_manifest_of_a_whole_archive_is_no_model():
    from snnlab.detectors.model_file import ModelFile

    file = ModelFile.read(sensor().save())
    manifest = {k: v for k, v in file.manifest.items() if k not in {"magic", "format"}}
    for key, value in (("flags", {"loud": True}), ("entities", [[], []]), ("entities", 3), ("domain", 3)):
        with pytest.raises((ModelFormatError, ConfigError)):
            Detector.load(ModelFile(manifest | {key: value}, file.arrays).to_bytes())


def test_a_late_label_makes_what_its_event_came_from_suspect():
    rng = np.random.default_rng(4)
    n, terminals = 3_000, 60
    where = rng.integers(0, terminals, n)
    batch = EventBatch.from_columns(
        rng.lognormal(3.0, 0.4, (n, 1)),
        ["amount"],
        timestamps=np.arange(n) * 60 * SECOND,
        entities=[f"card-{one}" for one in rng.integers(0, 200, n)],
        categories={"terminal": [f"t{one}" for one in where]},
        event_ids=[f"e{one}" for one in range(n)],
    )
    told, silent = (Detector.for_events("business", batch) for _ in range(2))
    for detector in (told, silent):
        detector.process(batch.slice(0, 2_000))
    for row in np.flatnonzero(where[:2_000] == 7)[-12:]:
        assert told.feedback(f"e{row}", label=True)
    later, without = (detector.process(batch.slice(2_000, n)).score for detector in (told, silent))
    bad = where[2_000:] == 7
    assert np.median(later[bad]) > np.quantile(later[~bad], 0.9)
    assert np.median(without[bad]) < np.quantile(without[~bad], 0.7)


@pytest.mark.parametrize("domain", ["security", "performance", "business", "sensor"])
def test_a_wide_detector_is_saved_small_and_read_again(domain):
    names, texts = [f"n{i}" for i in range(500)], [f"c{i}" for i in range(30)]
    wide = Detector.build(domain, names=names, categories=texts, entities=True)
    content = wide.save()
    assert len(content) < 2**20
    assert Detector.load(content).save() == content
