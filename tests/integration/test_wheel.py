"""The wheel, installed outside the clone: a domain and a code of a user's own train, travel, and score the same."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]

WORLD = """
import numpy as np
from snnlab import EventBatch


def day(seed, begun=0, events=400):
    rng = np.random.default_rng(seed)
    values = np.stack([10 ** rng.normal(3.0, 0.4, events), rng.normal(20.0, 1.0, events)], axis=1)
    values[events - 5] = [1e6, 60.0]
    return EventBatch.from_columns(
        values,
        ["gas", "heat"],
        timestamps=(begun + np.arange(events)) * 1_000_000,
        event_ids=[f"{begun + at}" for at in range(events)],
        entities=["tank-1", "tank-2"] * (events // 2),
        categories={"phase": ["mash", "ferment"] * (events // 2)},
    )
"""

TRAIN = """
from typing import ClassVar

import numpy as np

from snnlab import Detector, Domain
from snnlab.domains import AnomalyType, ReadoutSpec
from snnlab.encoders import Encoder, Spikes, finite, register
from snnlab.features import Feature
from world import day


@register
class Decades(Encoder):
    kind: ClassVar[str] = "decades"

    steps: int = 4

    @property
    def width(self):
        return 10 * self.steps

    def fresh(self):
        return {}

    def encode(self, values, learnt, *, learn=True, ticks=1):
        place = np.rint(np.log10(np.maximum(np.abs(finite(values)), 1.0)) * self.steps)
        at = np.clip(place, 0, self.width - 1).astype(np.int32)
        return Spikes(at[:, None], np.zeros((len(at), 1), np.int32), at)


brewery = Domain(
    name="brewery",
    entity="tank",
    features=(
        Feature(name="gas", column="gas", group="gas"),
        Feature(name="heat", aggregate="deviation", column="heat", key="phase", group="heat"),
        Feature(name="phase", aggregate="category", column="phase", group="process"),
    ),
    codes={"gas": {"kind": "decades", "steps": 3}},
    types=(AnomalyType(name="overheating", signature={"heat": 1}, actions=("Cool it",)),),
    readouts=(ReadoutSpec(kind="predictive"), ReadoutSpec(kind="level", groups=("heat",))),
)
detector = Detector.build(brewery, names=["gas", "heat"], categories=["phase"], entities=True, seed=1)
detector.process(day(1))
detector.save("brewery.snn")
np.save("scores.npy", detector.process(day(2, begun=400)).score)
"""

SCORE = """
import json
import sys

import numpy as np

import snnlab
from snnlab import Detector
from snnlab.encoders import KINDS
from snnlab.errors import UntrustedCode
from snnlab.workflows.locate import bento_folder, pipeline_notebook
from world import day

try:
    Detector.load("brewery.snn")
    refused = False
except UntrustedCode:
    refused = True
detector = Detector.load("brewery.snn", trust_code=True)
verdicts = detector.process(day(2, begun=400))
print(json.dumps({
    "refused": refused,
    "equal": np.array_equal(verdicts.score, np.load("scores.npy")),
    "found": verdicts.type[395],
    "domain": detector.domain.name,
    "code": KINDS["decades"].__name__,
    "home": snnlab.__file__,
    "shipped": [str(pipeline_notebook("train")), str(bento_folder())],
    "torch": "torch" in sys.modules,
}))
"""


@pytest.fixture(scope="module")
def uv():
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        pytest.skip("no uv here to build the wheel with; make install brings it")
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def wheel(uv, place):
    told = run([uv, "build", "--wheel", "--quiet", "--out-dir", str(place), str(CLONE)], place)
    assert told.returncode == 0, told.stderr
    (built,) = place.glob("snnlab-*.whl")
    return built


@pytest.fixture(scope="module")
def python(uv, wheel, place):
    """An interpreter that has the wheel, and from this environment all but the editable snnlab of the clone."""
    home = place / "venv"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    site = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], place).stdout.strip())
    # A path of a .pth file is searched, but .pth files in it, such as that of an editable install, are not read.
    (site / "beside.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    told = run([uv, "pip", "install", "--quiet", "--no-deps", "--offline", "--python", str(python), str(wheel)], place)
    assert told.returncode == 0, told.stderr
    return python


def run(command, folder):
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    kept["NUMBA_OPT"] = "1"  # a new installation compiles everything anew, and this test is not about speed
    return subprocess.run(
        command, cwd=folder, env=kept, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.mark.slow
def test_a_domain_and_a_code_of_ones_own_score_the_same_in_another_process(python, place):
    for name, content in (("world.py", WORLD), ("train.py", TRAIN), ("score.py", SCORE)):
        (place / name).write_text(content, encoding="utf-8")
    trained = run([python, "train.py"], place)
    assert trained.returncode == 0, trained.stderr
    scored = run([python, "score.py"], place)
    assert scored.returncode == 0, scored.stderr
    told = json.loads(scored.stdout)
    assert told.pop("home").startswith(str(place / "venv"))
    assert all(path.startswith(str(place / "venv")) for path in told.pop("shipped"))
    assert told == {
        "refused": True,
        "equal": True,
        "found": "overheating",
        "domain": "brewery",
        "code": "Decades",
        "torch": False,
    }


@pytest.mark.slow
def test_the_command_line_comes_with_the_wheel(python, place):
    told = run([python.with_name("snnlab"), "--help"], place)
    assert told.returncode == 0, told.stderr
    assert "score" in told.stdout
