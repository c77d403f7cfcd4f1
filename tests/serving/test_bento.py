import json
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile

import grpc
import psutil
import pytest

from snnlab.detectors import Detector
from snnlab.errors import ConfigError, ModelFormatError, ModelNotFound
from snnlab.serving.bento import NamedModel, assemble, build, bundled_models, environment
from snnlab.serving.grpc.neuromorphic_pb2 import NeuronStateRequest, NeuronStateResponse
from snnlab.serving.grpc.service import NAME
from snnlab.serving.run import BentoServer
from snnlab.serving.wheel import pack_wheel, pinned_requirements

FAR = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def trained(calm):
    detector = Detector.build("performance", names=["cpu", "latency"], entities=True, seed=1)
    detector.process(calm(1200))
    return detector.save()


@pytest.fixture
def assembled(tmp_path, trained):
    folder = tmp_path / "bento"
    assemble(folder, [NamedModel("web", trained, version="7")])
    return folder


def test_a_folder_holds_all_that_a_bento_needs(assembled, trained):
    (bundle,) = bundled_models(assembled / "models")
    assert (bundle.entry.name, bundle.entry.version, bundle.entry.domain) == ("web", "7", "performance")
    assert bundle.content == trained
    requirements = (assembled / "requirements.txt").read_text().split()
    assert all("==" in line for line in requirements)
    assert {"numba", "bentoml", "fastapi"} <= {line.partition("==")[0] for line in requirements}
    assert not {"torch", "mlflow", "pytest"} & {line.partition("==")[0] for line in requirements}
    assert len(list((assembled / "wheels").glob("snnlab-*.whl"))) == 1


def test_the_wheel_runs_without_the_source_tree(tmp_path):
    wheel = pack_wheel(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        archive.extractall(tmp_path / "site")
    assert {"snnlab/_bentos/neuromorphic/service.py", "snnlab/serving/page/live.html", "snnlab/viz/raster.js"} <= {
        *names
    }
    assert not any("__pycache__" in name for name in names)
    told = "import snnlab; from snnlab.workflows.locate import bento_folder; print(snnlab.__file__, bento_folder())"
    done = subprocess.run(
        [sys.executable, "-c", told],
        env={"PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count(str(tmp_path / "site")) == 2


def test_equal_sources_give_equal_wheels(tmp_path):
    (tmp_path / "again").mkdir()
    assert pack_wheel(tmp_path).read_bytes() == pack_wheel(tmp_path / "again").read_bytes()


def test_pins_name_what_is_installed():
    assert f"pytest=={pytest.__version__}" not in pinned_requirements()


def test_a_model_that_was_changed_is_refused(assembled):
    place = assembled / "models" / "web.snn"
    place.write_bytes(place.read_bytes()[:-1])
    with pytest.raises(ModelFormatError, match="digest"):
        bundled_models(assembled / "models")
    place.unlink()
    with pytest.raises(ModelNotFound, match="web"):
        bundled_models(assembled / "models")


@pytest.mark.parametrize("change", [{"name": "../../etc/passwd"}, {"digest": "md5:1"}, {"colour": "red"}])
def test_a_manifest_that_was_changed_is_refused(assembled, change):
    place = assembled / "models" / "manifest.json"
    content = json.loads(place.read_text())
    content["models"][0] |= change
    place.write_text(json.dumps(content))
    with pytest.raises(ModelFormatError, match="build the Bento again"):
        bundled_models(assembled / "models")


def test_names_are_checked_before_anything_is_built(tmp_path, trained):
    with pytest.raises(ConfigError, match="cannot name a model"):
        assemble(tmp_path, [NamedModel("a/b", trained)])
    with pytest.raises(ConfigError, match="two models of one name"):
        assemble(tmp_path, [NamedModel("a", trained), NamedModel("a", trained)])
    with pytest.raises(ModelFormatError):
        assemble(tmp_path, [NamedModel("a", trained[:100])])


def test_a_folder_without_a_manifest_has_no_models(tmp_path):
    assert bundled_models(tmp_path) == []


def test_commands_of_a_notebook_kernel_tell_tags_without_colours(tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    plain = "from rich import print; print('neuromorphic:2tj3tuhhysx4wax4 10.0.0.1')"
    done = subprocess.run(
        [sys.executable, "-c", plain], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert done.stdout == "neuromorphic:2tj3tuhhysx4wax4 10.0.0.1\n"


def asked(url, body=None, **headers):
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"content-type": "application/json", **headers})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


@pytest.mark.slow
def test_a_built_bento_serves_what_the_detector_says(tmp_path, trained, calm, with_burst, as_json, collector):
    home = tmp_path / "home"
    tag = build([NamedModel("web", trained)], home=home)
    batch = with_burst(calm(60, begun=1200), 40)
    expected = Detector.load(trained).process(batch)
    with BentoServer(tag, home=home, settings=collector.environment) as server:
        assert psutil.Process(server._process.pid).cwd() == str(home)
        family = psutil.Process(server._process.pid).children(recursive=True)
        path = f"{server.url}/api/v1/models/web/score"
        status, content = asked(path, {"events": as_json(batch)}, traceparent=FAR)
        assert status == 200, content
        verdicts = json.loads(content)["verdicts"]
        assert [verdict["score"] for verdict in verdicts] == expected.score.tolist()
        assert [verdict["anomaly_id"] for verdict in verdicts if verdict["anomaly_id"]] == [
            one.anomaly_id for one in expected.to_anomalies("web", "", 1)
        ]
        with grpc.insecure_channel(server.grpc) as channel:
            call = channel.unary_unary(f"/{NAME}/GetNeuronState", response_deserializer=NeuronStateResponse.FromString)
            told = call(NeuronStateRequest(model_id="web", entity="host-1").SerializeToString(), timeout=10)
        assert told.events_seen == 1260
        assert b"neuromorphic_events_processed_total" in asked(f"{server.url}/metrics")[1]
        assert asked(f"{server.url}/healthz", Host="rebound.example")[0] == 401
        assert json.loads(asked(f"{server.url}/nothing")[1])["type"] == "urn:snnlab:problem:not-found"
        assert asked(f"{server.url}/live")[0] == asked(f"{server.url}/live/raster.js")[0] == 200
        assert server.ready_s < 60
    (scored,) = collector.named("POST /api/v1/models/{model_id}/score")
    assert (scored.trace, scored.parent, scored.service) == (*FAR.split("-")[1:3], "snnlab-service")
    assert scored.id in {one.parent for one in collector.named("detector.process")}
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    told = [line["event"] for line in lines if line["logger"].startswith("snnlab")]
    assert (told[0], told[-1]) == ("service started", "service stopped")
    assert {"anomaly", "request refused"} <= set(told)
    assert {line["logger"] for line in lines} > {"bentoml.serve"}  # in the same form
    assert family
    assert not any(child.is_running() for child in family)
    with BentoServer(tag, home=home) as again:
        told = json.loads(asked(f"{again.url}/api/v1/models/web")[1])
        assert told["events_seen"] == 1260
        assert told["version"] == "2"


@pytest.mark.slow
def test_a_bento_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="nothing:none"):
        BentoServer("nothing:none", home=tmp_path).start()
