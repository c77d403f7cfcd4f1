import gzip
import hashlib
import json
import pickle
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import numpy as np
import pytest

from snnlab.datasets import nsl_kdd, public
from snnlab.datasets.fetch import fetch
from snnlab.datasets.manifest import Manifest
from snnlab.errors import ConfigError, DatasetMissing, FileFormatError

COMMIT = "0" * 40
SERIES = b"timestamp,value\n" + b"".join(b"2015-02-26 21:%02d:00,%d\n" % (i, i) for i in range(20))
WINDOWS = b'{"realTweets/made.csv": [["2015-02-26 21:05:00", "2015-02-26 21:08:00"]]}'
NAB = {"data/realTweets/made.csv": SERIES, "labels/combined_windows.json": WINDOWS}


class Origin:
    """A server of files; what it does to a path can be changed: cut, longer, other or a status code."""

    def __init__(self, files):
        self.files = {f"/someone/something/{COMMIT}/{path}": content for path, content in files.items()}
        self.trouble = {}
        self.asked = []
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                origin.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler):
        self.asked.append(handler.path.split("/", 4)[-1])
        trouble = self.trouble.get(self.asked[-1], [])
        kind = trouble.pop(0) if trouble else None
        content = self.files.get(unquote(handler.path))
        if content is None or isinstance(kind, int):
            handler.send_error(kind or 404)
            return
        handler.send_response(200)
        if kind != "longer":
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        changed = {"cut": content[: len(content) // 2], "longer": content * 3, "other": b"#" + content[1:]}
        handler.wfile.write(changed.get(kind, content))

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def manifest_of(name, files, to=lambda path: path):
    listed = [
        {"path": path, "to": to(path), "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in files.items()
    ]
    content = {"set": name, "owner": "someone", "repository": "something", "commit": COMMIT, "files": listed}
    return Manifest.from_json(json.dumps(content), name)


@pytest.fixture
def origin():
    opened = []

    def of(files):
        opened.append(Origin(files))
        return opened[-1]

    yield of
    for one in opened:
        one.close()


def get(origin, root, name="nab", manifest=None):
    manifest = manifest or manifest_of("nab", NAB)
    return fetch(name, root, base_url=origin.url, progress=False, manifest=manifest, pause_s=0.0)


def kept(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_what_is_fetched_is_loaded(origin, tmp_path):
    folder = get(origin(NAB), tmp_path)
    assert folder == tmp_path / "nab"
    assert kept(folder) == sorted(NAB)
    (stream,) = public.load("nab", root=tmp_path)
    assert stream.windows == [(5, 8)]


def test_the_folder_is_what_the_setting_names(origin, tmp_path, monkeypatch):
    monkeypatch.setenv("SNNLAB_DATA", str(tmp_path / "sets"))
    assert get(origin(NAB), None) == tmp_path / "sets/nab"
    monkeypatch.delenv("SNNLAB_DATA")
    monkeypatch.chdir(tmp_path)
    get(origin(NAB), None)
    assert len(public.load("nab")) == 1


def test_whole_files_are_not_fetched_again_and_damaged_ones_are(origin, tmp_path):
    source = origin(NAB)
    folder = get(source, tmp_path)
    source.asked.clear()
    get(source, tmp_path)
    assert source.asked == []
    (folder / "data/realTweets/made.csv").write_bytes(SERIES[:-1] + b"#")
    get(source, tmp_path)
    assert source.asked == ["data/realTweets/made.csv"]


@pytest.mark.parametrize("trouble", ["cut", 500, 503, "longer"])
def test_a_broken_connection_is_tried_again(origin, tmp_path, trouble):
    source = origin(NAB)
    source.trouble["data/realTweets/made.csv"] = [trouble]
    folder = get(source, tmp_path)
    assert kept(folder) == sorted(NAB)
    assert source.asked.count("data/realTweets/made.csv") == 2


@pytest.mark.parametrize(
    ("trouble", "told", "attempts"),
    [
        (["cut"] * 3, r"ended after \d+ of \d+ bytes.*goes on with the files that are lacking", 3),
        (["longer"] * 3, "longer than the", 3),
        (["other"], "has SHA-256 [0-9a-f]{64}, the manifest says [0-9a-f]{64}", 1),
        ([404], "answers 404", 1),
        ([500] * 3, "answers 500", 3),
    ],
)
def test_what_cannot_be_had_says_so_and_leaves_nothing(origin, tmp_path, trouble, told, attempts):
    source = origin(NAB)
    source.trouble["labels/combined_windows.json"] = list(trouble)
    with pytest.raises(DatasetMissing, match=told):
        get(source, tmp_path)
    assert source.asked.count("labels/combined_windows.json") == attempts
    assert kept(tmp_path) == ["nab/data/realTweets/made.csv"]


def test_a_fetch_goes_on_where_it_was_broken_off(origin, tmp_path):
    source = origin(NAB)
    source.trouble["labels/combined_windows.json"] = ["cut"] * 3
    with pytest.raises(DatasetMissing):
        get(source, tmp_path)
    source.asked.clear()
    get(source, tmp_path)
    assert source.asked == ["labels/combined_windows.json"]


def test_without_a_network_the_reason_is_told(origin, tmp_path):
    source = origin(NAB)
    source.close()
    with pytest.raises(DatasetMissing, match=r"cannot be reached \(.*\); check the network"):
        get(source, tmp_path)


def test_a_folder_that_cannot_be_written_says_so(origin, tmp_path):
    (tmp_path / "nab").write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="cannot be made"):
        get(origin(NAB), tmp_path)


def test_an_unknown_set_and_another_protocol_are_refused(tmp_path):
    with pytest.raises(DatasetMissing, match="the sets are nab"):
        fetch("nabb", tmp_path)
    with pytest.raises(ConfigError, match="not http"):
        fetch("nab", tmp_path, base_url="file:///etc")


@pytest.mark.parametrize("to", ["/etc/passwd", "../other", "data/../../other"])
def test_a_manifest_does_not_leave_its_folder(to):
    with pytest.raises(FileFormatError, match="leaves the folder"):
        manifest_of("nab", NAB, lambda _: to)


@pytest.mark.parametrize("name", public.SETS)
def test_each_public_set_has_a_manifest(name):
    manifest = Manifest.of(name)
    assert manifest.set == name
    assert f"github.com/{manifest.owner}/{manifest.repository}" == public.SETS[name].origin
    assert len({file.to for file in manifest.files}) == len(manifest.files)
    assert 0 < manifest.total < 50_000_000


def original(path):
    return f"original/{path}"


def test_pickled_arrays_become_servers(origin, tmp_path):
    rng = np.random.default_rng(0)
    train, test = rng.random((4, 19), dtype=np.float32), rng.random((3, 19), dtype=np.float32)
    files = {
        "omi-1_train.pkl": pickle.dumps(train),
        "omi-1_test.pkl": pickle.dumps(test),
        "omi-1_test_label.pkl": pickle.dumps(np.array([0.0, 1.0, 0.0])),
    }
    get(origin(files), tmp_path, "asd", manifest_of("asd", files, original))
    (stream,) = public.load("asd", root=tmp_path)
    assert stream.train == 4
    assert stream.label.tolist() == [0, 0, 0, 0, 0, 1, 0]
    assert np.array_equal(stream.events.values.astype(np.float32), np.concatenate([train, test]))


def test_texts_without_a_header_become_connections(origin, tmp_path):
    def line(attack):
        cells = ["tcp" if column in nsl_kdd.CATEGORIES else "1" for column in nsl_kdd.COLUMNS]
        return ",".join([*cells, attack, "20"]) + "\n"

    files = {
        "KDDTrain+_20Percent.txt": (line("normal") + line("neptune")).encode(),
        "KDDTest+.txt": line("mscan").encode(),
    }
    get(origin(files), tmp_path, "nsl_kdd", manifest_of("nsl_kdd", files, original))
    (stream,) = public.load("nsl_kdd", root=tmp_path)
    assert stream.train == 2
    assert stream.kind == ["", "neptune", "mscan"]
    assert stream.label.tolist() == [0, 1, 1]


def case_of(name, start, label, activities):
    events = [
        {"name": word, "timestamp": start if i == 0 else None, "attributes": {"org:group": f"group {i}"}}
        for i, word in enumerate(activities)
    ]
    return {"id": name, "attributes": {"label": label}, "events": events}


def test_logs_lose_the_times_and_words_that_give_the_truth_away(origin, tmp_path):
    cases = [
        case_of("b", "2011-01-02T00:00:00+01:00", {"anomaly": "Insert"}, ["register", "Random activity 1"]),
        case_of("a", "2011-01-01T00:00:00+01:00", "normal", ["register", "close"]),
    ]
    files = {"Receipt-0.05-1.json.gz": gzip.compress(json.dumps({"cases": cases}).encode())}
    folder = get(origin(files), tmp_path, "process_logs", manifest_of("process_logs", files, original))
    assert "Random" not in (folder / "Receipt-0.05-1.csv").read_text()
    (stream,) = public.load("process_logs", root=tmp_path)
    assert stream.label.tolist() == [0, 0, 1, 1]
    assert stream.kind == ["", "", "Insert", "Insert"]
    assert list(stream.meta["cases"].values()) == [0, 1]
    words = stream.events.category("activity").words()
    assert words[0] == words[2] != words[1]
    assert stream.events.timestamps[0] < stream.events.timestamps[2]


def test_an_original_that_is_something_else_says_so(origin, tmp_path):
    files = {"Receipt-0.05-1.json.gz": gzip.compress(b"[]")}
    with pytest.raises(FileFormatError, match="not the event log"):
        get(origin(files), tmp_path, "process_logs", manifest_of("process_logs", files, original))
