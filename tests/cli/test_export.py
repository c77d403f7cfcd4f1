import json

import pytest

from snnlab.detectors import Detector


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.snn"
    Detector.build("sensor", names=["pressure", "flow"], seed=0).save(path)
    return path


def test_a_model_is_written_as_nir_with_what_it_loses_and_what_it_takes(snnlab, model, tmp_path):
    pytest.importorskip("nir")
    done = snnlab("export", "nir", model, tmp_path / "model.nir", "--json", tmp_path / "figures.json")
    assert done.code == 0, done.err
    for told in ("bit for bit", "refractory period (2 ms)", "adaptive threshold", "plasticity (STDP", "homeostasis"):
        assert told in done.out
    for chip in ("Loihi 2: at least 1 of 128 cores", "SpiNNaker2: at least 1 of 152 cores", "does not fit"):
        assert chip in done.out
    rows = {row["id"]: row["value"] for row in json.loads((tmp_path / "figures.json").read_text())["rows"]}
    assert rows["export.nir.loihi2.cores"] == 1
    assert rows["export.nir.xylo.fits"] == 0
    assert rows["export.nir.bytes"] == (tmp_path / "model.nir").stat().st_size


def test_what_cannot_be_exported_is_told_in_a_sentence(refused, model, tmp_path):
    pytest.importorskip("nir")
    assert "no model" in refused("export", "nir", tmp_path / "none.snn", tmp_path / "out.nir")
    assert "no shard 7" in refused("export", "nir", model, tmp_path / "out.nir", "--shard", "7")
    assert "heun" in refused("export", "nir", model, tmp_path / "out.nir", "--integration", "heun")
    assert "cannot be written" in refused("export", "nir", model, tmp_path / "none" / "out.nir")
    bare = tmp_path / "bare.snn"
    Detector.build("sensor", names=["pressure"], reservoir=False).save(bare)
    assert "no reservoir" in refused("export", "nir", bare, tmp_path / "out.nir")
