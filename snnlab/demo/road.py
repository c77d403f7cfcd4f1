"""The road of the demo, step by step: everything embedded, everything seeded, nothing left running."""

import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from snnlab.config import Settings
from snnlab.datasets.generators import generate
from snnlab.datasets.labelled import LabelledStream
from snnlab.demo import telling
from snnlab.demo.pipelines import Candidate, Outcome, run_all
from snnlab.demo.service import Client, built
from snnlab.serving.run import BentoServer
from snnlab.streams import Bus, connect
from snnlab.streams.replay import replay
from snnlab.tracking import prepare
from snnlab.tracking.connection import tracking_folder
from snnlab.tracking.replays import later
from snnlab.types import Json

__all__ = ["DOMAINS", "Road"]

DOMAINS = ("security", "performance", "business", "sensor")
WORLD, UNSEEN = 1, 1001
"""Seeds: of the events that are trained and judged on, and of another day of the same world."""
CANDIDATES = (
    Candidate("without reservoir", {"reservoir": False}),
    Candidate("with reservoir", {"reservoir": True}),
)


@dataclass(frozen=True)
class Road:
    """The demo. ``fast`` takes fewer events and one candidate a domain; ``keep`` leaves the service up at the end."""

    fast: bool = False
    keep: bool = False

    @property
    def events(self) -> int:
        """Events of each stream."""
        return 4_000 if self.fast else 10_000

    def walk(self) -> None:
        """Walk the whole road. Raises SnnlabError where a step fails; ends cleanly on Ctrl-C and SIGTERM."""
        begun = time.monotonic()
        home = Settings.load().home.absolute() / "demo"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        uri = prepare()
        with _terminable(), connect(f"sqlite:///{home / 'bus.db'}") as bus:
            streams = self._publish(bus)
            outcomes = self._pipelines(home, uri)
            self._serve(home, uri, bus, streams)
        _say(f"done in {time.monotonic() - begun:.0f} s")
        self._where(outcomes, uri)

    def _publish(self, bus: Bus) -> dict[str, LabelledStream]:
        _say(f"1  events: {self.events:,} generated for each domain; the normal days before are published on the bus")
        streams = {domain: generate(domain, WORLD, self.events) for domain in DOMAINS}
        for domain, stream in streams.items():
            bus.create(f"{domain}-history", shards=1)
            replay(stream.training, bus, f"{domain}-history")
        return streams

    def _pipelines(self, home: Path, uri: str) -> list[Outcome]:
        _say("2  pipelines: train, evaluate and promote as notebooks, tracked in MLflow")

        def parameters(domain: str) -> tuple[Json, Json]:
            history = f"sqlite:///{home / 'bus.db'}#{domain}-history"
            judged = {"domain": domain, "data": "generated", "seed": WORLD, "events": self.events}
            return {"domain": domain, "data": history}, judged

        candidates = CANDIDATES[1:] if self.fast else CANDIDATES
        folder = tracking_folder(uri) / "notebooks" / "demo"
        outcomes = run_all(DOMAINS, candidates, parameters, folder, uri)
        print(telling.gate(outcomes))
        return outcomes

    def _serve(self, home: Path, uri: str, bus: Bus, streams: dict[str, LabelledStream]) -> None:
        _say("3  service: a Bento of the four champions, built and served")
        tag = built(list(DOMAINS), home / "bentoml", uri)
        settings = {"SNNLAB_BUS": f"sqlite:///{home / 'bus.db'}", "SNNLAB_STORE": f"sqlite:///{home / 'store.db'}"}
        with BentoServer(tag, home=home / "bentoml", settings=settings) as server:
            print(f"  {tag} ready after {server.ready_s:.1f} s on {server.url} (its routes: {server.url}/docs)")
            client = Client(server.url)
            try:
                self._replay(client, bus, streams)
            finally:
                client.close()
            if self.keep:
                _wait(server.url)

    def _replay(self, client: Client, bus: Bus, streams: dict[str, LabelledStream]) -> None:
        _say("4  replay: another day of each domain, which no model has seen, through the service")
        for domain in DOMAINS:
            client.deploy(domain, domain)
        for domain, stream in streams.items():
            unseen = self._unseen(domain, stream)
            seconds = client.replay(bus, domain, unseen, domain)
            print("\n" + telling.found(domain, unseen, client.anomalies(domain)))
            print(f"\n  {len(unseen) / seconds:,.0f} events a second, published, scored, learnt from and kept")

    def _unseen(self, domain: str, seen: LabelledStream) -> LabelledStream:
        """Another day of the same world, after all that was trained on, with ids of its own."""
        day = generate(domain, UNSEEN, self.events // 2, world=WORLD)
        return replace(later(day, int(seen.events.timestamps.max()) + 1), train=0)

    def _where(self, outcomes: list[Outcome], uri: str) -> None:
        python = Path(sys.executable)
        bin_ = python.parent if python.parent.name == "bin" else Path("bin")
        runs = tracking_folder(uri)
        print(f"  runs and models   {_short(bin_ / 'mlflow')} ui --backend-store-uri {_short_uri(uri)}")
        print(f"  notebooks as run  {_short(runs / 'notebooks' / 'demo')}")
        print("  notebooks to try  make lab")
        print(f"  the service       {_short(bin_ / 'snnlab')} serve    (the champions of {len(outcomes)} domains)")
        print(f"  your own data     {_short(bin_ / 'snnlab')} score my.csv --domain sensor --scores out.csv")


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _short_uri(uri: str) -> str:
    return uri.replace(f"sqlite:///{Path.cwd()}/", "sqlite:///")


def _wait(url: str) -> None:
    _say(f"the service stays up on {url} until Ctrl-C")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print("stopping")


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does, so that nothing is left running."""

    def interrupt(number: int, frame: object) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
