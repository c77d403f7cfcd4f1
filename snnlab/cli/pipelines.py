"""snnlab train, evaluate, promote and retrain: the pipelines' notebooks, through papermill and tracked in MLflow."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snnlab.cli.options import (
    DOMAIN,
    Entity,
    Events,
    Features,
    JsonFile,
    Label,
    Name,
    Seed,
    Timestamp,
    World,
    split,
)
from snnlab.errors import ConfigError

if TYPE_CHECKING:
    from snnlab.types import Json

__all__ = ["evaluate", "promote", "retrain", "train"]

Domain = Annotated[str, typer.Option(help=DOMAIN, show_default=False)]
Data = Annotated[
    str | None,
    typer.Option(metavar="FILE|SET", help="A file, a public set, sqlite:///BUS#STREAM, or nothing: generated events."),
]
Metric = Annotated[str | None, typer.Option(help="What is compared: mean_ap, average_precision, roc_auc, vus_pr, …")]
MinGain = Annotated[float | None, typer.Option(help="By how much the challenger must be better.")]
Strict = Annotated[bool, typer.Option("--strict", help="Leave with exit code 1 where the challenger is refused.")]


def train(
    domain: Domain,
    data: Data = None,
    save: Annotated[Path | None, typer.Option(help="Write the trained detector to this .snn file as well.")] = None,
    name: Name = None,
    seed: Seed = None,
    world: World = None,
    events: Events = None,
    timestamp: Timestamp = None,
    entity: Entity = None,
    features: Features = None,
    label: Label = None,
    reservoir: Annotated[bool, typer.Option("--reservoir/--no-reservoir", help="The ablation without one.")] = True,
    plasticity: Annotated[bool, typer.Option("--plasticity/--no-plasticity", help="The ablation without STDP.")] = True,
    neurons: Annotated[int | None, typer.Option(min=1, help="Neurons of the reservoir.")] = None,
    track: Annotated[bool, typer.Option("--track/--no-track", help="Track in MLflow, or only train.")] = True,
    json: JsonFile = None,
) -> None:
    """Train a detector and register it as @challenger.

    Where the file tells which events are anomalous, only normal ones are learnt from.

    \b
    Examples:
      snnlab train --domain performance
      snnlab train --domain security --data train.csv --save model.snn
      snnlab train --domain sensor --data train.csv --save model.snn --no-track
    """
    network = {"reservoir.neurons": neurons} if neurons is not None else None
    given = _given(domain, data, name, seed, world, events, timestamp, entity, features, label)
    given |= {"reservoir": reservoir, "plasticity": plasticity, "network": network}
    kept = {"save": str(save) if save else None}
    result = _run("train", given | kept) if track else _untracked(given, save)
    _tell("train", result, json)
    if left_out := result.get("left_out"):
        typer.echo(f"{left_out} events labelled anomalous were left out; the detector learnt from the normal ones only")


def evaluate(
    domain: Domain,
    data: Data = None,
    model: Annotated[str | None, typer.Option(help="A .snn file or models:/…; the challenger unless said.")] = None,
    name: Name = None,
    seed: Seed = None,
    world: World = None,
    events: Events = None,
    timestamp: Timestamp = None,
    entity: Entity = None,
    features: Features = None,
    label: Label = None,
    learn: Annotated[bool, typer.Option("--learn/--no-learn", help="Let it learn on, or freeze it.")] = True,
    json: JsonFile = None,
) -> None:
    """Judge a model on events that it has not seen, beside baselines and by type.

    \b
    Examples:
      snnlab evaluate --domain performance
      snnlab evaluate --domain sensor --data skab/valve1/0 --model model.snn --json figures.json
    """
    given = _given(domain, data, name, seed, world, events, timestamp, entity, features, label)
    _tell("evaluate", _run("evaluate", given | {"model": model, "learn": learn}), json)


def promote(
    domain: Domain,
    data: Data = None,
    name: Name = None,
    seed: Seed = None,
    world: World = None,
    events: Events = None,
    timestamp: Timestamp = None,
    entity: Entity = None,
    features: Features = None,
    label: Label = None,
    metric: Metric = None,
    min_gain: MinGain = None,
    strict: Strict = False,
    json: JsonFile = None,
) -> None:
    """Put the challenger against the champion on the same held-out events; one that is not worse takes its place.

    \b
    Example:
      snnlab promote --domain performance --metric mean_ap
    """
    given = _given(domain, data, name, seed, world, events, timestamp, entity, features, label)
    result = _run("promote", given | {"metric": metric, "min_gain": min_gain})
    _tell("promote", result, json)
    _leave(result, strict=strict)


def retrain(
    domain: Domain,
    data: Data = None,
    name: Name = None,
    seed: Seed = None,
    world: World = None,
    events: Events = None,
    timestamp: Timestamp = None,
    entity: Entity = None,
    features: Features = None,
    label: Label = None,
    metric: Metric = None,
    min_gain: MinGain = None,
    strict: Strict = False,
    json: JsonFile = None,
) -> None:
    """Let the champion learn on from newer events; the result has to pass the gate.

    \b
    Example:
      snnlab retrain --domain performance --seed 2
    """
    given = _given(domain, data, name, seed, world, events, timestamp, entity, features, label)
    result = _run("retrain", given | {"metric": metric, "min_gain": min_gain})
    _tell("retrain", {**result.get("training", {}), **result.get("promotion", {})}, json)
    _leave(result.get("promotion", {}), strict=strict)


def _given(
    domain: str,
    data: str | None,
    name: str | None,
    seed: int | None,
    world: int | None,
    events: int | None,
    timestamp: str | None,
    entity: str | None,
    features: str | None,
    label: str | None,
) -> "Json":
    """Parameters that all four pipelines have; wrong ones are refused before a notebook is started."""
    from snnlab.domains import domain as named

    named(domain)
    data, _, part = _source(data)
    return {
        "domain": domain,
        "data": data,
        "part": part or None,
        "name": name,
        "seed": seed,
        "world": world,
        "events": events,
        "timestamp": timestamp,
        "entity": entity,
        "features": split(features),
        "label": label,
    }


def _source(data: str | None) -> tuple[str | None, str, str]:
    """The source, and which part of a public set; looked up here, so that a wrong name is told at once."""
    if data is None or data == "generated" or "://" in data or Path(data).is_file():
        return data, "", ""
    if data == "-":
        raise ConfigError("standard input can be scored, not trained on; write it to a file first")
    from snnlab.datasets import public

    set_name, mark, part = data.partition("/")
    found = public.streams(set_name, part or None)
    if len(found) > 1:
        some = ", ".join(f"{set_name}/{name}" for name in found[:3])
        raise ConfigError(f"{data!r} holds {len(found)} streams; name one, such as {some}")
    return set_name, mark, part


def _run(pipeline: str, parameters: "Json") -> "Json":
    from tqdm import tqdm

    from snnlab.tracking import tracking_uri
    from snnlab.tracking.connection import tracking_folder
    from snnlab.workflows.pipeline import run_pipeline

    uri = tracking_uri()
    title = f"{pipeline} {parameters['domain']}"
    with tqdm(total=1, desc=title, unit=" cells", disable=not sys.stderr.isatty()) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        ran = run_pipeline(pipeline, parameters, tracking_folder(uri) / "notebooks", progress, tracking_uri=uri)
    typer.echo(f"{title}: {ran.seconds:.1f} s, notebook {ran.notebook}", err=True)
    return ran.result


def _untracked(given: "Json", save: Path | None) -> "Json":
    """Train in this process, without a notebook, a run or a registered model."""
    from snnlab.workflows.source import load_stream
    from snnlab.workflows.train import fit

    if save is None:
        raise ConfigError("--no-track keeps nothing; say with --save where the detector goes")
    columns = {role: given[role] for role in ("timestamp", "entity", "features", "label")}
    made = {key: given[key] for key in ("part", "seed", "world", "events") if given[key] is not None}
    stream = load_stream(given["domain"], given["data"] or "generated", columns=columns, **made)
    fitted = fit(
        given["domain"],
        stream,
        reservoir=given["reservoir"],
        plasticity=given["plasticity"],
        network=given["network"],
    )
    try:
        fitted.detector.save(save)
    except OSError as wrong:
        raise ConfigError(
            f"the model cannot be written to {str(save)!r}: {wrong.strerror}; name another file"
        ) from wrong
    return {"model": str(save), **fitted.to_json()}


def _tell(command: str, result: "Json", path: Path | None) -> None:
    """Every line of the result; its numbers as figures."""
    from snnlab.cli.figures import write
    from snnlab.evaluation.figures import Figure

    numbers: dict[str, Any] = {}
    for name, value in result.items():
        if isinstance(value, dict | list):
            continue
        typer.echo(f"{name:46} {_plain(value)}")
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = value
    beside = {"detector.average_precision": _best_baseline(numbers)}
    figures = [Figure.of(f"{command}.{name}", value, "", **beside.get(name, {})) for name, value in numbers.items()]
    write(path, command, figures)


def _best_baseline(numbers: dict[str, Any]) -> dict[str, Any]:
    """The strongest baseline of an evaluation as a peer; nothing where there is none.

    >>> _best_baseline({"baseline.ewma_z.average_precision": 0.2, "baseline.frozen_z.average_precision": 0.1})
    {'peer': 'ewma_z', 'peer_value': 0.2}
    """
    found = {name.split(".")[1]: value for name, value in numbers.items() if name.startswith("baseline.")}
    best = max(found, key=lambda name: float(found[name]), default=None)
    return {} if best is None else {"peer": best, "peer_value": found[best]}


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _leave(decision: "Json", *, strict: bool) -> None:
    if strict and not decision.get("promoted"):
        raise typer.Exit(1)
