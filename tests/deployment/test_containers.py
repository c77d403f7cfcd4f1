"""What the images are made of: the trainer's Containerfile, and what BentoML writes for the service."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from snnlab.serving.wheel import pinned_requirements

HEAVY = r"(torch|norse|snntorch|brian2|nest-simulator|nvidia-cu\w*|triton)=="


@pytest.fixture(scope="module")
def dockerfile(bento, tmp_path_factory):
    """What `bentoml build` writes for `bentoml containerize`."""
    from bentoml._internal.bento.build_config import CondaOptions, DockerOptions
    from bentoml._internal.container.generate import generate_containerfile

    options = yaml.safe_load((bento / "bentofile.yaml").read_text())["docker"]
    folder = tmp_path_factory.mktemp("bento")
    made = DockerOptions(**options).with_defaults()
    return generate_containerfile(made, str(folder), conda=CondaOptions(), bento_fs=folder, enable_buildkit=False)


def test_hadolint_finds_nothing(bento):
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([program, bento / "Containerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_trainer_is_made_of_what_is_there_and_of_nothing_heavy(bento, root):
    text = (bento / "Containerfile").read_text()
    copied = [word for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE) for word in line.split()]
    sent = {line[1:] for line in (bento / "Containerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert set(copied) == sent
    for word in copied:
        assert (root / word).exists(), word
    assert not re.search(HEAVY, (root / "requirements" / "demo.txt").read_text())
    assert re.search(r"^FROM \S+:\d\S+$", text, re.MULTILINE)
    assert text.index("USER 1034:1034") < text.index("ENTRYPOINT")


def test_the_trainer_has_all_that_the_pipelines_ask_for(root):
    pinned = {re.split("[=<> ;]", line)[0] for line in (root / "requirements" / "demo.txt").read_text().splitlines()}
    assert {"mlflow", "papermill", "pulsar-client", "pyignite", "bentoml", "ipykernel"} <= pinned


def test_the_image_of_the_service_is_nobodys_and_light(bento, dockerfile):
    assert "FROM python:3." in dockerfile
    assert "USER bentoml" in dockerfile
    uid = re.search(r"ARG BENTO_USER_UID=(\d+)", dockerfile).group(1)
    (deployment,) = yaml.safe_load_all((bento / "k8s" / "deployment.yaml").read_text())
    assert deployment["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == int(uid)
    assert not [pin for pin in pinned_requirements() if re.match(HEAVY, pin)]
    for name, value in yaml.safe_load((bento / "bentofile.yaml").read_text())["docker"]["env"].items():
        assert f"ARG {name}={value}" in dockerfile
    assert Path("/home/bentoml/data").is_relative_to(re.search(r"ENV BENTOML_HOME=(\S+)", dockerfile).group(1))
