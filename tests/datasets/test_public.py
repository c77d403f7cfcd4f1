import os
from pathlib import Path

import numpy as np
import pytest

from snnlab.datasets import public
from snnlab.datasets.folder import stems
from snnlab.errors import DatasetMissing, FileFormatError

HERE = os.environ.get("SNNLAB_DATA")
real = pytest.mark.skipif(not HERE, reason="SNNLAB_DATA names no folder of public sets")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def has(name):
    return bool(HERE) and (Path(HERE) / name).is_dir()


def only_with(name):
    return pytest.mark.skipif(not has(name), reason=f"SNNLAB_DATA names no folder with {name}")


def test_an_unknown_set_lists_the_known_ones_and_the_nearest():
    with pytest.raises(
        DatasetMissing, match=r"no public set 'nsl-kd'; the sets are nab, skab, .* did you mean nsl_kdd"
    ):
        public.load("nsl-kd")


def test_without_a_folder_the_way_to_one_is_told(monkeypatch, tmp_path):
    monkeypatch.delenv("SNNLAB_DATA", raising=False)
    with pytest.raises(DatasetMissing, match="set SNNLAB_DATA"):
        public.load("nab")
    with pytest.raises(DatasetMissing, match="is no folder"):
        public.load("nab", root=tmp_path / "nothing")
    with pytest.raises(DatasetMissing, match="snnlab data fetch nab"):
        public.load("nab", root=tmp_path)


def test_the_table_names_all_six_sets_even_where_none_is_there(tmp_path):
    found = public.find(tmp_path)
    assert [item.name for item in found] == ["nab", "skab", "asd", "nsl_kdd", "process_logs", "card_fraud"]
    assert all(item.path is None and item.parts == () for item in found)


@pytest.fixture
def small_nab(tmp_path):
    folder = tmp_path / "nab"
    (folder / "data/realTweets").mkdir(parents=True)
    (folder / "labels").mkdir()
    lines = [f"2015-02-26 21:{minute:02}:00,{minute}" for minute in range(20)]
    (folder / "data/realTweets/made.csv").write_text("timestamp,value\n" + "\n".join(lines))
    (folder / "data/realTweets/other.csv").write_text("timestamp,value\n" + "\n".join(lines))
    window = '[["2015-02-26 21:05:00.000000", "2015-02-26 21:08:00.000000"]]'
    (folder / "labels/combined_windows.json").write_text(
        f'{{"realTweets/made.csv": {window}, "realTweets/other.csv": []}}'
    )
    return tmp_path


def test_windows_become_rows(small_nab):
    (stream,) = public.load("nab", "realTweets/made", root=small_nab)
    assert stream.windows == [(5, 8)]
    assert stream.label.tolist() == [0] * 5 + [1] * 4 + [0] * 11
    assert stream.train == 3
    assert stream.meta["category"] == "realTweets"


def test_a_part_is_a_name_the_end_of_one_or_its_beginning(small_nab):
    for part in ("realTweets/made", "made", "made.csv", "realTweets/made.csv"):
        assert public.streams("nab", part, small_nab) == ["realTweets/made"]
    assert public.streams("nab/realTweets", root=small_nab) == ["realTweets/made", "realTweets/other"]
    with pytest.raises(DatasetMissing, match=r"no part 'realTweet/mad'.* did you mean realTweets/made"):
        public.streams("nab", "realTweet/mad", small_nab)


def test_a_damaged_set_says_so(small_nab):
    (small_nab / "nab/data/realTweets/made.csv").write_text("timestamp,number\n2015-02-26 21:42:53,1\n")
    with pytest.raises(FileFormatError, match=r"lacks \['value'\]"):
        public.load("nab", "made", small_nab)
    (small_nab / "nab/data/realTweets/made.csv").write_text("timestamp,value\n2015-02-26 21:42:53,1\n")
    with pytest.raises(FileFormatError, match="no row of realTweets/made is at"):
        public.load("nab", "made", small_nab)


@pytest.mark.real
@only_with("nab")
def test_nab_has_its_58_files_and_116_windows():
    loaded = public.load("nab")
    assert len(loaded) == 58
    assert sum(map(len, loaded)) == 365_558
    assert sum(len(stream.windows) for stream in loaded) == 116


@pytest.mark.real
@only_with("skab")
def test_skab_has_its_34_runs():
    loaded = public.load("skab")
    assert len(loaded) == 34
    assert sum(map(len, loaded)) == 37_401
    assert sum(int(stream.label.sum()) for stream in loaded) == 13_067
    assert sum(len(stream.meta["changepoints"]) for stream in loaded) == 129
    assert sum(len(stream.test) for stream in loaded) == 23_801
    assert sum(int(stream.test.label.sum()) for stream in loaded) == 12_771
    assert loaded[0].events.names[-1] == "Volume Flow RateRMS"
    (free,) = public.load("skab", "anomaly-free")
    assert (len(free), free.labelled) == (9_405, False)


@pytest.mark.real
@only_with("asd")
def test_asd_is_training_then_test():
    loaded = public.load("asd")
    assert [stream.name for stream in loaded] == [f"omi-{i}" for i in range(1, 7)]
    assert loaded[0].train == 8_640
    assert len(loaded[0].test) == 4_320
    assert loaded[0].training.label.sum() == 0
    assert set(np.diff(loaded[0].events.timestamps)) == {300_000_000}


@pytest.mark.real
@only_with("nsl_kdd")
def test_nsl_kdd_is_train20_then_test():
    (stream,) = public.load("nsl_kdd")
    assert (stream.train, len(stream)) == (25_192, 25_192 + 22_544)
    assert (int(stream.training.label.sum()), int(stream.test.label.sum())) == (11_743, 12_833)
    assert len(stream.events.names) == 38
    assert stream.events.category_names == ("protocol_type", "service", "flag")
    assert "difficulty" not in stream.events.names
    assert stream.kind[int(np.argmax(stream.label))] == "neptune"


@pytest.mark.real
@only_with("process_logs")
def test_process_logs_are_cases():
    loaded = public.load("process_logs")
    assert len(loaded) == 18
    (stream,) = public.load("process_logs", "Receipt-0.1")
    assert len(stream.meta["cases"]) == 1_434
    assert stream.events.category_names == ("activity", "org_group", "org_resource")
    assert stream.events.names == ()
    begins = stream.events.timestamps[np.r_[True, np.diff(stream.events.entities.codes) != 0]]
    assert len(begins) == 1_434
    assert (np.diff(begins) >= 0).all()


@pytest.mark.real
@only_with("card_fraud")
def test_card_fraud_is_two_months_by_customer():
    (stream,) = public.load("card_fraud", "2018-06")
    assert len(stream) == 287_618
    assert stream.events.names == ("TX_AMOUNT",)
    assert stream.events.category_names == ("TERMINAL_ID",)
    assert (np.diff(stream.events.timestamps) >= 0).all()
    stream.events.check()


@pytest.mark.real
@real
def test_no_truth_is_ever_a_feature():
    truth = {"label", "anomaly", "changepoint", "attack", "difficulty", "case_label", "anomaly_type", "TX_FRAUD"}
    for item in public.find():
        if item.parts:
            stream = public.load(item.name, item.parts[-1])[0]
            assert not truth & {*stream.events.names, *stream.events.category_names}
            assert len(stream.events) == len(stream.label)


def test_names_with_numbers_stand_in_the_order_of_the_numbers(tmp_path):
    for name in ("b-10.csv", "b-2.csv.gz", "a-10.csv", "a-2.csv", "a-0.15.csv", "a-0.1.csv"):
        (tmp_path / name).write_text("x\n1\n")
    assert stems(tmp_path, "*") == ["a-0.1", "a-0.15", "a-2", "a-10", "b-2", "b-10"]
