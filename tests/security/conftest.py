"""Models that carry code which leaves a mark where it runs, and a service over an embedded pair."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from snnlab import streams
from snnlab.detectors import Detector
from snnlab.detectors.model_file import ModelFile
from snnlab.domains import AnomalyType, Domain, ReadoutSpec
from snnlab.encoders import KINDS, load_source
from snnlab.events import EventBatch
from snnlab.serving.bento import NamedModel, assemble
from snnlab.serving.run import BentoServer
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


@dataclass(frozen=True)
class Files:
    """PEM files of an authority and of the certificate that it gave out, whose name is 127.0.0.1."""

    ca: Path
    certificate: Path
    key: Path


def issued(authority, folder, *names):
    made = authority.issue_cert(*names)
    folder.mkdir(parents=True)
    files = Files(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(str(files.ca))
    key = serialization.load_pem_private_key(made.private_key_pem.bytes(), None)
    files.key.write_bytes(
        key.private_bytes(  # Java reads PKCS 8 only
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    for part in made.cert_chain_pems:
        part.write_to_path(str(files.certificate), append=True)
    return files


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def pem(authority, tmp_path_factory):
    """What the servers show: a certificate for 127.0.0.1, of an authority that is trusted."""
    return issued(authority, tmp_path_factory.mktemp("pem") / "own", "127.0.0.1")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """The same of an authority that nobody trusts."""
    return issued(trustme.CA(), tmp_path_factory.mktemp("pem") / "stranger", "127.0.0.1")


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


KEY = "a key of the tests' own"


@dataclass(frozen=True)
class Served:
    """A service that runs: where, its key, and its models as they were before anybody asked."""

    server: BentoServer
    key: str
    body: bytes
    ca: Path

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.key}"}


def host_events(count, begun=0):
    """Ordinary events of two hosts, one a second, as a request has them."""
    rng = np.random.default_rng(begun)
    return [
        {
            "event_id": f"e{row}",
            "timestamp": 1_700_000_000_000_000 + row * 1_000_000,
            "features": rng.normal([0.5, 20.0], [0.05, 2.0]).tolist(),
            "metadata": {"entity": f"host-{row % 2}"},
        }
        for row in range(begun, begun + count)
    ]


@pytest.fixture(scope="session")
def events():
    return host_events


@pytest.fixture(scope="session")
def served(tmp_path_factory, pem):
    """The real service in processes of its own: with a key, gRPC over TLS, and two streams that requests may name."""
    home = tmp_path_factory.mktemp("served")
    detector = Detector.build("performance", names=["cpu", "latency"], entities=True, seed=1)
    told = host_events(1200)
    detector.process(
        EventBatch.from_columns(
            np.array([one["features"] for one in told]),
            ["cpu", "latency"],
            timestamps=[one["timestamp"] for one in told],
            event_ids=[one["event_id"] for one in told],
            entities=[one["metadata"]["entity"] for one in told],
        )
    )
    body = detector.save()
    own = Detector.build("performance", entities=True).save()
    # Models of every form that requests of the tests make: a form's kernels are compiled when it is first seen.
    words = Detector.build("performance", categories=["word"], entities=True).save()
    models = {"web": body, "wire": body, "other": body, "shown": body, "own": own, "words": words}
    assemble(home / "bento", [NamedModel(name, content) for name, content in models.items()])
    bus = f"sqlite:///{home / 'bus.db'}"
    with streams.connect(bus) as there:
        for name in ("hosts", "0"):
            there.create(name, 8)
    known = {"SNNLAB_API_KEY": KEY, "SNNLAB_TOPICS": "hosts,0", "SNNLAB_BUS": bus}
    known |= {"SNNLAB_GRPC_TLS_CERT": str(pem.certificate), "SNNLAB_GRPC_TLS_KEY": str(pem.key)}
    with BentoServer(str(home / "bento"), home=home / "home", settings=known) as server:
        yield Served(server, KEY, body, pem.ca)


@pytest.fixture(scope="session")
def held():
    """Resident bytes and open files of a service's processes."""

    def count(server):
        leader = psutil.Process(server._process.pid)
        family = [leader, *leader.children(recursive=True)]
        return sum(one.memory_info().rss for one in family), sum(one.num_fds() for one in family)

    return count
