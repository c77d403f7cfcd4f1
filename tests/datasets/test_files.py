import gzip
import io
import json
import sys
import time

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from snnlab.datasets.files import read_events
from snnlab.errors import FileFormatError
from snnlab.events import EventBatch, arrow, avro

SERVERS = """timestamp,entity,cpu,load,zone,label
2026-01-01 00:00:00,web,0.5,1,eu,0
2026-01-01 00:01:00,db,0.7,2,us,1
2026-01-01 00:02:00,web,0.9,3,eu,0
"""
START = 1_767_225_600_000_000


@pytest.fixture
def write(tmp_path):
    def written(text, name="made.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def test_columns_are_known_by_their_names(write):
    stream = read_events(write(SERVERS))
    assert stream.name == "made"
    assert stream.events.names == ("cpu", "load")
    assert stream.events.values.tolist() == [[0.5, 1], [0.7, 2], [0.9, 3]]
    assert stream.events.timestamps.tolist() == [START, START + 60_000_000, START + 120_000_000]
    assert stream.events.entities.words() == ["web", "db", "web"]
    assert stream.events.category("zone").words() == ["eu", "us", "eu"]
    assert stream.label.tolist() == [0, 1, 0]
    assert stream.labelled
    assert stream.meta["columns"]["timestamp"] == "timestamp"


def test_every_format_gives_the_same_events(write, tmp_path):
    expected = read_events(write(SERVERS))
    table = pyarrow.csv.read_csv(io.BytesIO(SERVERS.encode()))
    rows = table.to_pylist()
    paths = [
        tmp_path / name for name in ("a.parquet", "a.arrow", "a.arrows", "a.avro", "a.ndjson", "a.csv.gz", "a.json")
    ]
    pyarrow.parquet.write_table(table, paths[0])
    with pa.ipc.new_file(paths[1], table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.new_stream(paths[2], table.schema) as writer:
        writer.write_table(table)
    schema = {
        "type": "record",
        "name": "Server",
        "fields": [
            {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "entity", "type": "string"},
            {"name": "cpu", "type": "double"},
            {"name": "load", "type": ["null", "int"]},
            {"name": "zone", "type": "string"},
            {"name": "label", "type": "boolean"},
        ],
    }
    with paths[3].open("wb") as file:
        fastavro.writer(file, schema, [{**row, "label": bool(row["label"])} for row in rows])
    lines = [json.dumps({**row, "timestamp": str(row["timestamp"])}) for row in rows]
    paths[4].write_text("\n".join(lines))
    paths[5].write_bytes(gzip.compress(SERVERS.encode(), mtime=0))
    paths[6].write_text(f"[{','.join(lines)}]")
    for path in paths:
        stream = read_events(path)
        assert stream.events == expected.events, path
        assert stream.label.tolist() == [0, 1, 0], path


@pytest.fixture
def batch():
    return EventBatch.from_columns(
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        ["cpu", "load"],
        timestamps=np.array([5, 7]),
        event_ids=["a", "b"],
        event_types=["scrape", "push"],
        entities=["web", "db"],
        categories={"zone": ["eu", None]},
    )


def test_our_own_forms_come_back_as_they_were(batch, write, tmp_path):
    table = pa.Table.from_batches([batch.record])
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert read_events(tmp_path / "a.parquet").events == batch
    assert read_events(write(arrow.encode_events(batch), "a.arrow")).events == batch
    assert read_events(write(avro.write_container(batch), "a.avro")).events == batch


def test_events_as_the_service_takes_them_are_a_file_too(write):
    lines = [
        {
            "event_id": "a",
            "timestamp": 5,
            "event_type": "t",
            "features": [1, 2.5],
            "metadata": {"entity": "web", "z": "x"},
        },
        {
            "event_id": "b",
            "timestamp": 9,
            "event_type": "t",
            "features": [3, 4.5],
            "metadata": {"entity": "db", "z": "y"},
        },
    ]
    events = read_events(write("\n".join(map(json.dumps, lines)), "a.ndjson")).events
    assert events.names == ("features_0", "features_1")
    assert events.timestamps.tolist() == [5, 9]
    assert events.entities.words() == ["web", "db"]
    assert events.category("z").words() == ["x", "y"]
    lines[1]["features"] = [3]
    with pytest.raises(FileFormatError, match=r"row 2 of .* has 1 features, row 1 has 2"):
        read_events(write("\n".join(map(json.dumps, lines)), "b.ndjson"))


def test_standard_input_is_a_file(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SERVERS.encode())))
    stream = read_events("-")
    assert len(stream) == 3
    assert stream.name == "stdin"


def test_options_win_over_names(write):
    text = "when,who,cpu,load,note,bad\n10,a,1,2,x,0\n20,b,3,4,y,1\n"
    stream = read_events(write(text), timestamp="when", entity="who", features=["load", "note"], label="bad")
    assert stream.events.timestamps.tolist() == [10_000_000, 20_000_000]
    assert stream.events.entities.words() == ["a", "b"]
    assert stream.events.names == ("load",)
    assert stream.events.category_names == ("note",)
    assert stream.label.tolist() == [0, 1]


def test_a_number_may_be_the_entity(write):
    stream = read_events(write("card,amount\n7,1.5\n8,2.5\n"), entity="card")
    assert stream.events.entities.words() == ["7", "8"]
    assert stream.events.names == ("amount",)


@pytest.mark.parametrize("option", ["timestamp", "entity", "label"])
def test_an_option_that_names_no_column_lists_them(write, option):
    with pytest.raises(FileFormatError, match="no column 'nope'; it has timestamp, entity, cpu, load, zone, label"):
        read_events(write(SERVERS), **{option: "nope"})
    with pytest.raises(FileFormatError, match="no column 'nope'"):
        read_events(write(SERVERS), features=["cpu", "nope"])


def test_without_time_the_order_of_the_file_counts(write):
    stream = read_events(write("x\n3\n1\n2\n"))
    assert stream.events.timestamps.tolist() == [0, 1_000_000, 2_000_000]
    assert stream.events.values.ravel().tolist() == [3, 1, 2]
    assert not stream.labelled
    assert read_events(write("time,x\n3,1\n4,2\n"), timestamp="").events.names == ("time", "x")


def test_rows_stay_in_the_order_of_the_file_and_late_ones_are_counted(write):
    stream = read_events(write("time,x\n30,1\n10,2\n20,3\n"))
    assert stream.events.timestamps.tolist() == [30_000_000, 10_000_000, 20_000_000]
    assert stream.meta["unordered"] == 1


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("timestamp", "2026-01-01 00:00:00"),
        ("time", "2026-01-01T00:00:00Z"),
        ("DateTime", "2026-01-01T02:00:00+02:00"),
        ("ts", "2026-01-01 00:00"),
        ("date", "2026-01-01"),
        ("date", "2026/01/01 00:00:00"),
        ("date", "01.01.2026 00:00"),
        ("event_time", "2026-01-01 00:00:00.000"),
        ("TX_DATETIME", "2026-01-01 00:00:00"),
        ("timestamp", "1767225600"),
        ("timestamp", "1767225600.0"),
        ("timestamp", "1767225600000"),
        ("timestamp", "1767225600000000"),
        ("timestamp", "1767225600000000000"),
        ("ts_ms", "1767225600000"),
        ("time", " 2026-01-01 00:00:00 "),
    ],
)
def test_times_are_read_as_files_write_them(write, header, cell):
    stream = read_events(write(f"{header},x\n{cell},1\n{cell},2\n"))
    assert stream.events.timestamps.tolist() == [START, START]
    assert stream.events.names == ("x",)


def test_days_and_times_of_day_in_two_columns_are_one_time(write):
    stream = read_events(write("date,time,x\n2026-01-01,00:00:01,1\n2026-01-01,00:01:00,2\n"))
    assert stream.events.timestamps.tolist() == [START + 1_000_000, START + 60_000_000]


def test_times_with_and_without_a_fraction_may_be_mixed(write):
    stream = read_events(write("time,x\n2026-01-01T00:00:00,1\n2026-01-01T00:00:00.250Z,2\n"))
    assert stream.events.timestamps.tolist() == [START, START + 250_000]


@pytest.mark.parametrize(
    ("cell", "told"),
    [("soon", "row 2 has time = 'soon'"), ("", "row 2 has no time"), ("2026-13-45", "row 2 has time = '2026-13-45'")],
)
def test_times_that_cannot_be_read_name_the_row(write, cell, told):
    with pytest.raises(FileFormatError, match=told):
        read_events(write(f"time,x\n2026-01-01 00:00:00,1\n{cell},2\n2026-01-01 00:00:02,3\n"))


def test_numbers_that_are_no_time_name_the_row(write):
    with pytest.raises(FileFormatError, match="row 2 has time = 1e"):
        read_events(write("time,x\n1,1\n1e40,2\n"))


def test_a_response_time_is_a_feature(write):
    assert read_events(write("response_time,x\n0.1,1\n0.2,2\n")).events.names == ("response_time", "x")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(write, delimiter):
    stream = read_events(write(SERVERS.replace(",", delimiter)))
    assert stream.events.names == ("cpu", "load")
    assert stream.events.values[1].tolist() == [0.7, 2.0]


def test_decimal_commas_are_read_between_semicolons(write):
    assert read_events(write("a;b\n1,5;2\n3;4,25\n")).events.values.tolist() == [[1.5, 2], [3, 4.25]]


def test_quotes_line_breaks_and_a_bom_are_read(write):
    stream = read_events(write('\ufeff"x","note, long"\r\n1,"a, b"\r\n2,"line\nbreak"\r\n'))
    assert stream.events.names == ("x",)
    assert stream.events.category("note, long").words() == ["a, b", "line\nbreak"]


def test_a_ragged_row_names_its_line(write):
    with pytest.raises(FileFormatError, match=r"line 3 of .* has 2 cells, the header has 3: '3,4'"):
        read_events(write("a,b,c\n1,2,3\n3,4\n5,6,7\n"))
    many = "a,b\n" + "1,2\n" * 200_000
    with pytest.raises(FileFormatError, match=r"line 200002 of .* has 3 cells"):
        read_events(write(many + "1,2,3\n" + "1,2\n" * 50_000))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "no rows after its header"),
        ("a,b,a\n1,2,3\n", "'a' twice"),
        ("1.5,2.5\n3.5,4.5\n", "holds data"),
        ("2014-02-14 14:30:00,0.132\n2014-02-14 14:35:00,0.134\n", "holds data"),
        ("0,tcp,0\n1,udp,0\n", "put a line with names before the data"),
        ("timestamp,label\n1,0\n2,1\n", "no numeric and no category column"),
        ("x\ninf\n1\n", "row 1 of .* has x = inf"),
        (b"\xff\xfea\x00,\x00", "UTF-16"),
        ("a,caf\u00e9\n1,2\n".encode("latin-1"), "not UTF-8"),
        ("a,b\n1,caf\u00e9\n".encode("latin-1"), "not UTF-8"),
        (b"PAR1 and nothing more", "no parquet file"),
        (b"ARROW1 and nothing more", "no arrow file"),
        (b"Obj\x01 and nothing more", "damaged Avro"),
        (b"\x1f\x8b\x08 and nothing more", "damaged gzip"),
        (gzip.compress(SERVERS.encode(), mtime=0)[:-20], "damaged gzip"),
        ("label,x\n-1,1\n1,2\n", "row 1 of .* has label = -1"),
    ],
)
def test_what_cannot_be_read_says_so(write, text, told):
    with pytest.raises(FileFormatError, match=told):
        read_events(write(text))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.parquet", b"x,y\n1,2\n", "does not begin like parquet"),
        ("a.arrow", b"x,y\n1,2\n", "does not begin like arrow"),
        ("a.ndjson", b'{"x": 1}\n{"x": \n', "no ndjson file"),
        ("a.ndjson", b"[1, 2]", "one object an event"),
        ("a.ndjson", b"[{", "no JSON"),
    ],
)
def test_other_formats_that_cannot_be_read_say_so(write, name, content, told):
    with pytest.raises(FileFormatError, match=told):
        read_events(write(content, name))


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(FileFormatError, match="no file"):
        read_events(tmp_path / "nothing.csv")
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_events(tmp_path)


def test_truncated_binary_files_are_refused(write, batch, tmp_path):
    pyarrow.parquet.write_table(pa.Table.from_batches([batch.record]), tmp_path / "a.parquet")
    for content, name in (
        ((tmp_path / "a.parquet").read_bytes(), "b.parquet"),
        (arrow.encode_events(batch), "b.arrow"),
        (avro.write_container(batch), "b.avro"),
    ):
        with pytest.raises(FileFormatError):
            read_events(write(content[: len(content) // 2], name))


def test_booleans_are_numbers(write):
    stream = read_events(write("ok,x\ntrue,1\nfalse,2\n"))
    assert stream.events.names == ("ok", "x")
    assert stream.events.column("ok").tolist() == [1.0, 0.0]


def test_gaps_take_the_last_value_of_their_entity_and_are_counted(write):
    stream = read_events(write("entity,x,y\na,1,\nb,,2\na,,NaN\nb,5,\na,6,7\n"))
    assert stream.events.column("x").tolist() == [1, 0, 1, 5, 6]
    assert stream.events.column("y").tolist() == [0, 2, 0, 2, 7]
    assert stream.meta["filled"] == {"x": 2, "y": 3}


def test_gaps_do_not_look_ahead(write):
    text = "x,y\n,1\n2,1\n,1\n3,1\n"
    whole = read_events(write(text)).events.column("x").tolist()
    cut = read_events(write("\n".join(text.split("\n")[:4]))).events.column("x").tolist()
    assert whole == [0, 2, 2, 3]
    assert cut == whole[:3]


def test_a_missing_word_of_a_category_is_absent(write):
    stream = read_events(write("x,zone\n1,eu\n2,\n"))
    assert stream.events.category("zone").words() == ["eu", ""]


def test_ids_are_taken_where_they_are_unique(write):
    assert read_events(write("event_id,x\na,1\nb,2\n")).events.event_ids == ["a", "b"]
    assert read_events(write("id,x\n7,1\n8,2\n")).events.event_ids == ["7", "8"]
    stream = read_events(write("id,x\n7,1\n7,2\n"))
    assert stream.events.event_ids == ["0", "1"]
    assert stream.events.names == ("x",)


def test_an_event_id_that_comes_twice_is_named(write):
    with pytest.raises(FileFormatError, match=r"event_id 'b' of .* stands in rows 2 and 4"):
        read_events(write("event_id,x\na,1\nb,2\nc,3\nb,4\n"))


def test_a_text_of_its_own_in_every_row_is_no_category(write):
    text = "note,zone,x\n" + "".join(f"n{i},z{i % 3},{i}\n" for i in range(50))
    stream = read_events(write(text))
    assert stream.events.category_names == ("zone",)
    assert "an id" in stream.meta["ignored"]["note"]
    assert read_events(write(text), features=["note", "x"]).events.category_names == ("note",)


def test_a_stray_word_among_numbers_names_its_row(write):
    text = "x,y\n" + "".join(f"{i},1\n" for i in range(50)) + "oops,1\n"
    with pytest.raises(FileFormatError, match=r"row 51 of .* has x = 'oops', no number"):
        read_events(write(text))


def test_the_index_of_a_data_frame_is_no_feature(write):
    stream = read_events(write(",x,label\n0,5.5,0\n1,6.5,1\n2,7.5,0\n"))
    assert stream.events.names == ("x",)


@pytest.mark.parametrize("name", ["label", "anomaly", "is_anomaly", "Label"])
def test_every_name_of_the_truth_is_kept_from_the_features(write, name):
    stream = read_events(write(f"x,{name}\n1,0\n2,1\n"))
    assert stream.events.names == ("x",)
    assert stream.label.tolist() == [0, 1]


def test_a_second_truth_is_no_feature_either(write):
    stream = read_events(write("x,anomaly,label\n1,0,1\n2,1,0\n"))
    assert stream.events.names == ("x",)
    assert stream.label.tolist() == [1, 0]


def test_words_of_the_truth_are_kinds(write):
    stream = read_events(write("x,label\n1,normal\n2,neptune\n3,True\n"))
    assert stream.label.tolist() == [0, 1, 1]
    assert stream.kind == ["", "neptune", ""]


def test_nested_objects_are_laid_flat(write):
    lines = ['{"x": 1, "http": {"status": 200, "verb": "GET"}}', '{"x": 2, "http": {"status": 500, "verb": "PUT"}}']
    events = read_events(write("\n".join(lines), "a.jsonl")).events
    assert events.names == ("x", "http.status")
    assert events.category("http.verb").words() == ["GET", "PUT"]


def test_types_may_show_late_in_a_large_file(write):
    text = "x,y,zone,note\n" + f"1,,,{'-' * 200}\n" * 25_000 + "2.5,3,eu,-\n"
    stream = read_events(write(text))
    assert stream.events.column("x")[-1] == 2.5
    assert stream.events.column("y")[-1] == 3.0
    assert stream.events.category("zone").words()[-1] == "eu"


def test_a_name_that_is_no_utf8_says_so(write):
    with pytest.raises(FileFormatError, match="no ndjson file"):
        read_events(write(b'{"a": 1, "n": {"\xff": 2}}', "made.ndjson"))


def test_a_large_file_is_read_quickly(write):
    rng = np.random.default_rng(0)
    numbers = np.round(rng.normal(size=(100_000, 6)), 4)
    text = "\n".join(
        f"2026-01-01 00:{i // 60 % 60:02}:{i % 60:02},e{i % 97},{','.join(map(str, row))}"
        for i, row in enumerate(numbers.tolist())
    )
    path = write("time,entity,a,b,c,d,e,f\n" + text)
    begin = time.perf_counter()
    stream = read_events(path)
    assert time.perf_counter() - begin < 2.0
    assert np.array_equal(stream.events.values, numbers)
