"""Code that a model carries runs only where it came with the Bento or out of the configured registry, unchanged."""

import shutil
import time
from hashlib import sha256
from pathlib import Path

import pytest

from snnlab.cli.serve import named_model
from snnlab.detectors import Detector
from snnlab.errors import ModelFormatError, ModelNotFound, UntrustedCode
from snnlab.serving.application import Application
from snnlab.serving.assignment import Pace
from snnlab.serving.bento import Bundled, Entry
from snnlab.stores import ShardKey
from snnlab.tracking import load_detector, log_detector, prepare

NO_NAMES = ["models:/../../etc/passwd", "models:/..@champion", "models:/a/../b", "models:/%2e%2e/1", "models://host/x"]


def bundled(content, *, code, name="web"):
    digest = f"sha256:{sha256(content).hexdigest()}"
    return Bundled(Entry(name=name, version="1", domain="mine", digest=digest, code=code), content)


@pytest.fixture
def started(bus, store):
    """Starts a service over the pair with models of a Bento."""
    made = []

    def start(*bundles):
        made.append(Application(bus, store, pace=Pace(poll_s=0.01, checkpoint_s=0.0)))
        made[-1].start(bundles)
        return made[-1]

    yield start
    for application in made:
        application.close()


def told(store, name, body, **more):
    """A record as who can write to the store would forge it."""
    columns = {"name": name, "created_at": 1, "features": [], "categories": []}
    store.put_model(name, body, {"kind": "model", "code": True, **columns, **more})


def failure(worker):
    until = time.monotonic() + 20
    while not worker.failure:
        assert time.monotonic() < until
        time.sleep(0.01)
    return worker.failure


def test_a_record_of_the_store_cannot_say_that_its_code_is_agreed_to(started, store, armed, plain, mark):
    told(store, "forged", armed)
    told(store, "sound", plain)
    assert [model.model_id for model in started().models()] == ["sound"]
    assert not mark.exists()


def test_a_forged_deployment_runs_no_code(started, bus, store, armed, mark):
    bus.create("hosts", 1)
    told(store, "web@hosts", armed, kind="deployment", model="web", version=1, stream="hosts", shards=1)
    (worker,) = started().deployments("web")
    assert "carries code of its own" in failure(worker)
    assert not mark.exists()


def test_a_forged_checkpoint_runs_no_code(started, bus, store, armed, plain, mark):
    bus.create("hosts", 1)
    told(store, "web", plain)
    told(store, "web@hosts", plain, kind="deployment", model="web", version=1, stream="hosts", shards=1)
    lease = store.acquire(ShardKey("web@1", "hosts", 0), "attacker", hold_s=10)
    store.save(lease, 0, armed, {})
    store.release(lease)
    service = started()
    (worker,) = service.deployments("web")
    assert "carries code of its own" in failure(worker)
    with pytest.raises(UntrustedCode):
        service.neurons("web", "host-1", "hosts")
    assert not mark.exists()


def test_code_that_came_with_the_bento_runs_and_comes_back_out_of_the_store(started, armed, mark, store):
    first = started(bundled(armed, code=True))
    assert mark.exists()
    assert first.model("web").scorer.detector.domain.name == "mine"
    version = first.model("web").scorer.version
    first.close()
    again = started(bundled(armed, code=True))
    assert again.model("web").scorer.version == version
    assert len(store.list_models()) == 1


def test_other_code_in_the_store_gives_way_to_what_the_bento_has(started, armed, plain, smuggled, store, mark):
    sound = bundled(plain, code=False)
    told(store, "web", smuggled(armed, plain), digest=sound.entry.digest)
    service = started(sound)
    assert service.model("web").scorer.detector.save() == plain
    assert not mark.exists()


def test_a_bento_that_did_not_agree_to_code_does_not_start(started, armed, mark):
    with pytest.raises(UntrustedCode, match="test_armed"):
        started(bundled(armed, code=False))
    assert not mark.exists()


@pytest.fixture
def registry(tmp_path, monkeypatch, armed):
    """A configured registry that holds ``armed``, and another that an attacker filled; the code is unknown again."""
    from snnlab.encoders import KINDS

    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "SNNLAB_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "theirs").mkdir()
    prepare()
    shutil.copy("mlruns/mlflow.db", "theirs/mlflow.db")
    detector, theirs = Detector.load(armed, trust_code=True), f"sqlite:///{tmp_path / 'theirs' / 'mlflow.db'}"
    log_detector(detector, "mine", alias="champion")
    log_detector(detector, "mine", alias="champion", uri=theirs)
    del KINDS["test_armed"]
    return theirs


def test_code_comes_out_of_the_configured_registry_only_and_only_unchanged(registry, plain, armed, smuggled, mark):
    mark.unlink()
    for _ in range(2):  # what was asked for once is not what is configured
        with pytest.raises(UntrustedCode):
            load_detector("models:/mine@champion", uri=registry)
    assert not mark.exists()
    assert load_detector("models:/mine@champion").domain.name == "mine"
    for name in NO_NAMES:
        with pytest.raises(ModelNotFound):
            load_detector(name)
    assert named_model("models:/mine@champion", trust_code=False).code
    (kept,) = Path("mlruns/artifacts").rglob("*.snn")
    kept.write_bytes(smuggled(armed, plain))
    mark.unlink(missing_ok=True)
    with pytest.raises(ModelFormatError, match="changed since"):
        load_detector("models:/mine@champion")
    with pytest.raises(ModelFormatError, match="changed since"):
        named_model("models:/mine@champion", trust_code=True)
    assert not mark.exists()


def test_a_file_with_code_is_neither_served_nor_put_to_work(armed, tmp_path, mark):
    (tmp_path / "mine.snn").write_bytes(armed)
    for name in ("mine.snn", "../mine.snn", "./x/../mine.snn"):
        place = tmp_path / "y" / name if name.startswith("..") else tmp_path / name
        (tmp_path / "x").mkdir(exist_ok=True)
        (tmp_path / "y").mkdir(exist_ok=True)
        with pytest.raises(UntrustedCode, match="--trust-code"):
            named_model(str(place), trust_code=False)
    assert not mark.exists()
