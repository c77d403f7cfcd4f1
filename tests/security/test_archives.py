"""Model files that an attacker made: what they claim is not believed, and costs nothing."""

import io
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from snnlab.detectors import Detector
from snnlab.detectors.model_file import ModelFile
from snnlab.errors import ModelFormatError

MEBI = 2**20


@pytest.fixture
def cheaply():
    """Loads bytes that must be refused, and gives the most memory, in bytes, that this took."""

    def load(content):
        tracemalloc.start()
        try:
            with pytest.raises(ModelFormatError):
                Detector.load(content)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return load


def changed(content, **entries):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in entries:
                new.writestr(name, old.read(name))
        for name, data in entries.items():
            new.writestr(name, data)
    return out.getvalue()


def lying(shape, dtype="<f8", data=b""):
    """A ``.npy`` whose header tells of more than there is."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": dtype, "fortran_order": False, "shape": shape})
    return out.getvalue() + data


def test_a_bomb_is_refused_before_it_is_unpacked(plain, cheaply):
    bomb = changed(plain, **{f"arrays/{i}.npy": bytes(MEBI) for i in range(300)})
    assert len(bomb) < MEBI
    assert cheaply(bomb) < 4 * MEBI


def test_a_bomb_that_lies_about_its_size_is_not_unpacked_further_than_it_said(plain, cheaply):
    bomb = bytearray(changed(plain, **{"arrays/x.npy": bytes(200 * MEBI)}))
    told = struct.pack("<I", 200 * MEBI)
    while (at := bomb.find(told)) >= 0:
        bomb[at : at + 4] = struct.pack("<I", 100)
    assert cheaply(bytes(bomb)) < 16 * MEBI


@pytest.mark.parametrize("shape", [(2**40,), (2**31, 2**31), (0, 2**62), (5,)])
def test_an_array_is_as_large_as_its_bytes(plain, cheaply, shape):
    assert cheaply(changed(plain, **{"arrays/0/learnt/judge/fit.npy": lying(shape)})) < 16 * MEBI


def test_a_network_or_shards_that_the_file_does_not_hold_are_not_made(cheaply):
    content = Detector.build("sensor", names=["cpu"], seed=2).save()
    manifest = json.loads(zipfile.ZipFile(io.BytesIO(content)).read("manifest.json"))
    shards = {**manifest, "entities": [[] for _ in range(10_000)]}
    manifest["domain"]["network"]["network"]["layers"][1]["neurons"] = 2**31 - 1
    for forged in (manifest, shards):
        assert cheaply(changed(content, **{"manifest.json": json.dumps(forged)})) < 32 * MEBI


def test_a_manifest_of_a_hundred_thousand_brackets_is_damage(plain, cheaply):
    assert cheaply(changed(plain, **{"manifest.json": "[" * 100_000})) < 32 * MEBI


def test_names_in_an_archive_are_no_paths(plain, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    out = lying((0,))
    forged = changed(plain, **{"arrays/../../x.npy": out, "code/../../x.py": "1", "/etc/x": "1", "..\\x": "1"})
    assert "../../x" in ModelFile.read(forged).sources
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "here"]
