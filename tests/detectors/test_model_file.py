"""The model file: equal content is equal bytes, and bytes that are no whole model are refused."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from snnlab.detectors import Detector
from snnlab.detectors.model_file import FORMAT, ModelFile
from snnlab.errors import ModelError, ModelFormatError, ModelNotFound, ModelVersionError
from snnlab.events import EventBatch


@pytest.fixture(scope="module")
def content():
    detector = Detector.build("sensor", names=["pressure"], seed=2)
    values = np.random.default_rng(2).normal(size=(300, 1))
    detector.process(EventBatch.from_columns(values, ["pressure"]))
    return detector.save()


def changed(content, entry, data):
    """The archive with one entry changed, added, or (None) left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if name != entry:
                new.writestr(name, old.read(name))
        if data is not None:
            new.writestr(entry, data)
    return out.getvalue()


def manifest(content, **other):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return json.dumps(json.loads(archive.read("manifest.json")) | other)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the model was unpickled",))


def test_the_same_content_gives_the_same_bytes():
    arrays = {"b": np.arange(3), "a": np.zeros((2, 0), np.float32)}
    one, two = ModelFile({"x": 1, "y": 2}, arrays), ModelFile({"y": 2, "x": 1}, dict(reversed(arrays.items())))
    assert one.to_bytes() == two.to_bytes()
    assert one.to_bytes() != ModelFile({"x": 1, "y": 3}, arrays).to_bytes()


def test_it_reads_back_what_it_wrote():
    arrays = {"deep/name": np.array([1.5, np.inf]), "words": np.array(["ä", "b"]), "flags": np.array([[True], [False]])}
    back = ModelFile.read(
        ModelFile({"domain": {"title": "Überwachung"}}, arrays, {"mine": "class Mine: ...\n"}).to_bytes()
    )
    assert back.manifest["domain"] == {"title": "Überwachung"}
    assert back.manifest["format"] == FORMAT
    assert back.sources == {"mine": "class Mine: ...\n"}
    assert sorted(back.arrays) == sorted(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array)
        assert back.arrays[name].dtype == array.dtype


def test_equal_detectors_give_equal_bytes(content):
    again = Detector.load(content)
    assert again.save() == content
    values = np.random.default_rng(2).normal(size=(300, 1))
    twin = Detector.build("sensor", names=["pressure"], seed=2)
    twin.process(EventBatch.from_columns(values, ["pressure"]))
    assert twin.save() == content


def test_a_path_is_written_and_read(content, tmp_path):
    path = tmp_path / "pump.snn"
    assert Detector.load(content).save(path) == content
    assert path.read_bytes() == content
    assert Detector.load(path).save() == Detector.load(str(path)).save() == content


def test_a_truncated_file_is_refused_wherever_it_was_cut(content):
    for stop in [*range(40), *range(40, len(content), 1499), *range(len(content) - 40, len(content))]:
        with pytest.raises(ModelFormatError, match=f"^{stop} bytes are not a whole model"):
            Detector.load(content[:stop])


def test_a_damaged_file_is_refused_or_was_not_harmed(content):
    rng = np.random.default_rng(3)
    refused = 0
    for place in rng.integers(0, len(content), 250).tolist():
        damaged = bytearray(content)
        damaged[place] ^= int(rng.integers(1, 256))
        try:
            assert Detector.load(bytes(damaged)).save() == content
        except ModelError:
            refused += 1
    assert refused > 150


@pytest.mark.parametrize("junk", [b"", b"PK", b"not a model", bytes(1000), pickle.dumps({"weights": [1.0]})])
def test_what_is_no_model_is_refused(junk):
    with pytest.raises(ModelFormatError, match="fetch or save the model again"):
        Detector.load(junk)


def test_another_archive_is_no_model(content):
    with pytest.raises(ModelFormatError, match="not a snnlab model"):
        Detector.load(changed(content, "manifest.json", '{"magic": "other"}'))
    with pytest.raises(ModelFormatError, match="not a snnlab model"):
        Detector.load(changed(content, "manifest.json", "[1, 2]"))
    with pytest.raises(ModelFormatError):
        Detector.load(changed(content, "manifest.json", None))


def test_a_newer_format_names_both_versions(content):
    newer = changed(content, "manifest.json", manifest(content, format=FORMAT + 6))
    with pytest.raises(
        ModelVersionError, match=f"format {FORMAT + 6}, this snnlab reads up to {FORMAT}; install a newer"
    ):
        Detector.load(newer)


@pytest.mark.parametrize("odd", ["9", None, 1.5, [1]])
def test_a_format_that_is_no_number_is_damage(content, odd):
    with pytest.raises(ModelFormatError, match="no number"):
        Detector.load(changed(content, "manifest.json", manifest(content, format=odd)))


def test_a_model_that_lacks_something_is_damage(content):
    with pytest.raises(ModelFormatError, match="judge/fit"):
        Detector.load(changed(content, "arrays/0/learnt/judge/fit.npy", None))
    for key in ("domain", "flags", "entities", "n_events"):
        whole = json.loads(manifest(content))
        del whole[key]
        with pytest.raises(ModelFormatError, match=key):
            Detector.load(changed(content, "manifest.json", json.dumps(whole)))


def test_an_array_of_another_shape_is_damage(content):
    odd = io.BytesIO()
    np.save(odd, np.zeros((1, 1)))
    for name in ("learnt/judge/fit", "learnt/judge/mean", "state/clock/last", "state/reservoir/membrane"):
        with pytest.raises(ModelFormatError, match=name.split("/", 1)[1]):
            Detector.load(changed(content, f"arrays/0/{name}.npy", odd.getvalue()))


def test_rows_outside_the_arrays_are_damage(content):
    for entities in ([[["all", 1]]], [[["all", -1]]], [[["all", 0], ["b", 0]]], [[[str(i), i] for i in range(17)]]):
        with pytest.raises(ModelFormatError, match="entities do not fit 16 rows"):
            Detector.load(changed(content, "manifest.json", manifest(content, entities=entities)))


def test_it_is_never_unpickled(content):
    odd = io.BytesIO()
    np.save(odd, np.array([Bomb()], object), allow_pickle=True)
    for name in ("arrays/0/learnt/judge/fit.npy", "arrays/new.npy"):
        with pytest.raises(ModelFormatError, match="allow_pickle"):
            Detector.load(changed(content, name, odd.getvalue()))
    with pytest.raises(ModelFormatError):
        Detector.load(changed(content, "arrays/new.npy", pickle.dumps(Bomb())))


def test_a_path_without_a_file_says_what_to_name(tmp_path):
    for missing in (tmp_path / "gone.snn", tmp_path):
        with pytest.raises(ModelNotFound, match=f"no model at '{missing}'.*name a .snn file or models:/"):
            Detector.load(missing)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_large_arrays_of_reals_come_back_bit_for_bit_and_take_less_room(dtype):
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.5, 1.5, (300, 400)).astype(dtype)
    weights.reshape(-1)[:4] = [np.nan, -np.inf, -0.0, np.finfo(dtype).tiny]
    content = ModelFile({}, {"weights": weights, "turned": weights.T}).to_bytes()
    back = ModelFile.read(content).arrays
    assert back["weights"].tobytes() == weights.tobytes()
    assert back["weights"].flags.writeable
    assert back["weights"].flags.c_contiguous
    np.testing.assert_array_equal(back["turned"], weights.T)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert "planes/weights.npy" in archive.namelist()
        plain = ModelFile({}, {"weights": weights.view(np.uint8)}).to_bytes()
        assert archive.getinfo("planes/weights.npy").compress_size < 0.95 * len(plain)


@pytest.mark.parametrize("fortran", [False, True])
def test_large_arrays_of_nothing_come_back_too(fortran):
    nothing = np.zeros((300, 400), order="F" if fortran else "C")
    back = ModelFile.read(ModelFile({}, {"weights": nothing}).to_bytes()).arrays["weights"]
    np.testing.assert_array_equal(back, nothing)
    assert back.flags.writeable
    assert back.flags.c_contiguous


def test_what_would_unpack_to_more_than_a_reader_allows_is_stored_as_it_is():
    empty = {str(i): np.zeros(2**23) for i in range(5)}  # 320 MiB, compressed a thousandth of that
    content = ModelFile({}, empty).to_bytes()
    assert len(content) > 5 * 2**26
    assert not any(array.any() for array in ModelFile.read(content).arrays.values())


def test_a_file_of_the_first_format_is_still_read():
    array = np.arange(40_000, dtype=np.float32)
    content = io.BytesIO()
    np.save(content, array)
    old = changed(ModelFile({}, {}).to_bytes(), "arrays/old.npy", content.getvalue())
    old = changed(old, "manifest.json", manifest(old, format=1))
    np.testing.assert_array_equal(ModelFile.read(old).arrays["old"], array)
