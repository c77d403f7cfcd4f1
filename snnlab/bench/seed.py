"""The largest configuration, end to end: trained, saved, loaded in a new process, promoted, and served.

``seed.yaml`` beside this file is the configuration: 1,000 inputs, 10,000 neurons, 10 million synapses that learn by
STDP, 100 output neurons, and nothing else set. Every part runs in a process of its own, so that what one leaves behind
is not counted for another.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from snnlab.bench.rows import Row
from snnlab.bench.seed_tasks import spread
from snnlab.types import Json

__all__ = ["CONFIG", "NOTES", "run"]

CONFIG = Path(__file__).with_name("seed.yaml")
BUILD_BAR, ARTIFACT_BAR, RESIDENT_BAR = 30.0, 40.0, 2_000.0
RATE_BAR = 2.0
"""How far the rate may be from its target before homeostasis itself calls it far."""
NOTES = (
    "Trained on generated events of the performance domain. A shard's resident memory is the peak of a new process "
    "that loads the model and scores an event of each entity, learning; the service's is the sum over the processes of "
    "a built Bento after the same over REST, with pages that they share counted in each. The rate is the share of "
    "neurons that fire for an event, over the last quarter of training."
)


def run(*, events: int = 8_000, entities: int = 1_000, service: bool = True, config: Path = CONFIG) -> list[Row]:
    """Figures of building, training, saving, loading and serving."""
    with TemporaryDirectory(prefix="snnlab-seed-") as place:
        model = Path(place) / "seed.snn"
        training = _apart("trained", str(config), str(model), events)
        serving = _apart("served", str(model), entities)
        rows = [*_training(training), *_serving(training, serving)]
        if service:
            gate = _apart("promoted", str(model), place)
            passed = float(gate["promoted"] and gate["same"])
            rows += [Row.of("seed.promoted", passed, "", bar=1.0), *_service(model, entities)]
        return rows


def _training(training: Json) -> list[Row]:
    rate, target = float(training["rate"]), float(training["target"])
    off = max(rate / target, target / rate) if rate > 0 else float("nan")
    size, plain = float(training["bytes"]) / 1e6, float(training["plain_bytes"]) / 1e6
    return [
        Row.of("seed.build", float(training["build_s"]), "s", bar=BUILD_BAR, better="lower"),
        Row.of("seed.train", float(training["train_s"]), "s"),
        Row.of("seed.artifact", size, "MB", peer="its arrays", peer_value=plain, bar=ARTIFACT_BAR, better="lower"),
        Row.of("seed.rate", 100 * rate, "%", peer="target", peer_value=100 * target),
        Row.of("seed.rate_off", off, "times", bar=RATE_BAR, better="lower"),
        Row.of("seed.input_gain", float(training["gain"]), "times"),
    ]


def _serving(training: Json, serving: Json) -> list[Row]:
    same, built = float(serving["after"] == training["after"]), float(training["build_s"])
    return [
        Row.of("seed.load", float(serving["load_s"]), "s", peer="build", peer_value=built, better="lower"),
        Row.of("seed.exact_after_load", same, "", bar=1.0),
        Row.of("seed.entities", float(serving["entities"]), "entities"),
        Row.of("seed.resident.shard", float(serving["peak_mb"]), "MB", bar=RESIDENT_BAR, better="lower"),
    ]


def _service(model: Path, entities: int) -> list[Row]:
    """The model in a built Bento, which has scored an event of each entity."""
    from snnlab.serving.bento import NamedModel, build
    from snnlab.serving.run import BentoServer

    home = model.parent / "bento"
    tag = build([NamedModel("seed", model.read_bytes())], home=home)
    with BentoServer(tag, home=home) as server:
        _ask(f"{server.url}/api/v1/models/seed/score", entities)
        resident = server.resident_bytes() / 1e6
        return [
            Row.of("seed.service.ready", server.ready_s, "s"),
            Row.of("seed.resident.service", resident, "MB", bar=RESIDENT_BAR, better="lower"),
        ]


def _ask(url: str, entities: int) -> None:
    from urllib.request import ProxyHandler, Request, build_opener

    batch = spread(entities, lap=1)
    events = [
        {
            "event_id": batch.event_ids[at],
            "timestamp": int(batch.timestamps[at]),
            "features": batch.values[at].tolist(),
            "metadata": {"entity": batch.entities.words()[at]}
            | {name: batch.category(name).words()[at] for name in batch.category_names},
        }
        for at in range(len(batch))
    ]
    direct = build_opener(ProxyHandler({}))  # this machine is never behind a proxy
    for first in range(0, len(events), 100):
        body = json.dumps({"names": list(batch.names), "events": events[first : first + 100]}).encode()
        with direct.open(Request(url, body, {"content-type": "application/json"}), timeout=120) as answer:  # noqa: S310
            answer.read()


def _apart(task: str, *given: str | int) -> Json:
    """One of the tasks in a new process."""
    code = f"import json\nfrom snnlab.bench.seed_tasks import {task}\nprint(json.dumps({task}(*{given!r})))"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)  # noqa: S603 - this very program
    if done.returncode:
        raise RuntimeError(f"the task {task!r} failed with exit code {done.returncode}:\n{done.stderr[-2_000:]}")
    found: Json = json.loads(done.stdout.splitlines()[-1])
    return found
