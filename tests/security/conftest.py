"""Models that carry code which leaves a mark where it runs, and a service over an embedded pair."""

import sys

import pytest

from snnlab import streams
from snnlab.detectors import Detector
from snnlab.detectors.model_file import ModelFile
from snnlab.domains import AnomalyType, Domain, ReadoutSpec
from snnlab.encoders import KINDS, load_source
from snnlab.stores import connect as connect_store

CUBE = """
class Cube(Encoder):
    kind: ClassVar[str] = "{kind}"
    MARK: ClassVar[Any] = np.savetxt("{mark}", np.ones(1))

    @property
    def width(self):
        return 8

    def fresh(self):
        return {{}}

    def encode(self, values, learnt, *, learn=True, ticks=1):
        out = np.clip(finite(values), 0, 7).astype(np.int32)
        return Spikes(out[:, None], np.zeros((len(out), 1), np.int32), out)
"""


@pytest.fixture
def mark(tmp_path):
    """A file that is there once the code of ``armed`` has run."""
    return tmp_path / "the-code-has-run"


@pytest.fixture
def armed(mark):
    """A sound model whose encoder leaves the mark when its source is run; nothing of it is known to this process."""
    before, modules = dict(KINDS), set(sys.modules)
    load_source(CUBE.format(kind="test_armed", mark=mark))
    domain = Domain(
        name="mine",
        types=(AnomalyType(name="odd"),),
        readouts=(ReadoutSpec(kind="level"), ReadoutSpec(kind="predictive")),
        codes={"cpu": {"kind": "test_armed"}},
    )
    content = Detector.build(domain, names=["cpu"], entities=True, reservoir=False).save()

    def forget():
        KINDS.clear()
        KINDS.update(before)
        for name in set(sys.modules) - modules:
            if name.startswith("snnlab_custom_"):
                del sys.modules[name]
        mark.unlink(missing_ok=True)

    forget()
    yield content
    forget()


@pytest.fixture
def plain():
    """A sound model without code."""
    return Detector.build("sensor", names=["cpu"], entities=True, reservoir=False).save()


@pytest.fixture
def smuggled():
    """Puts the code of one model into another, as who can write the file would."""

    def put(into, of):
        host, guest = ModelFile.read(into), ModelFile.read(of)
        return ModelFile(guest.manifest, guest.arrays, host.sources | guest.sources).to_bytes()

    return put


@pytest.fixture
def bus(tmp_path):
    with streams.connect(f"sqlite:///{tmp_path / 'bus.db'}") as bus:
        yield bus


@pytest.fixture
def store(tmp_path):
    with connect_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        yield store
