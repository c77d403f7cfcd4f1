"""snnlab score: verdicts on a file, a public set or standard input."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from snnlab.cli.options import DOMAIN, Entity, Features, JsonFile, Label, Timestamp, split
from snnlab.errors import ConfigError, FileFormatError

if TYPE_CHECKING:
    from snnlab.datasets.labelled import LabelledStream
    from snnlab.detectors import Detector
    from snnlab.evaluation.figures import Figure
    from snnlab.workflows.score import Scoring

__all__ = ["score"]


class Columns(TypedDict):
    """What the columns of a file are, where their names do not tell."""

    timestamp: str | None
    entity: str | None
    features: list[str] | None
    label: str | None


STRONGEST = 5


def score(
    source: Annotated[str, typer.Argument(metavar="FILE|SET|-", help="What to score; - is CSV on standard input.")],
    model: Annotated[str | None, typer.Option(help="A .snn file or models:/NAME@champion to start from.")] = None,
    domain: Annotated[str | None, typer.Option(help=f"Start untrained: {DOMAIN}.")] = None,
    scores: Annotated[
        Path | None, typer.Option(help="Write one row an event to this CSV file; - is standard output.")
    ] = None,
    learn: Annotated[bool, typer.Option("--learn/--no-learn", help="Learn from each event after scoring it.")] = True,
    timestamp: Timestamp = None,
    entity: Entity = None,
    features: Features = None,
    label: Label = None,
    lateness: Annotated[
        float | None, typer.Option(help="Reject events that come this many seconds behind their entity's last.", min=0)
    ] = None,
    trust_code: Annotated[bool, typer.Option("--trust-code", help="Run the code that a .snn file carries.")] = False,
    json: JsonFile = None,
) -> None:
    """Score events: one verdict each, in the order of the input.

    With --domain the detector starts untrained and learns as it goes; with --model it starts from what was trained.
    FILE is CSV, Parquet, Arrow, Avro or NDJSON, also gzipped; SET is a public set such as nab or skab/valve1/0.

    \b
    Examples:
      snnlab score my.csv --domain sensor --scores out.csv
      snnlab score test.csv --model model.snn
      cat events.csv | snnlab score - --domain performance --scores -
    """
    from snnlab.cli.figures import write
    from snnlab.domains.domain import FOREVER_US
    from snnlab.workflows.score import write_scores

    if (model is None) == (domain is None):
        raise ConfigError("say either --domain, to start untrained, or --model, to start from a trained one")
    trained = _load(model, trust_code=trust_code) if model is not None else None
    columns: Columns = {"timestamp": timestamp, "entity": entity, "features": split(features), "label": label}
    streams = _streams(source, columns, trained)
    late = FOREVER_US if lateness is None else int(lateness * 1e6)
    done = [_scored(one, _detector(one, domain, trained, learn=learn), learn=learn, late=late) for one in streams]
    to_stdout = scores is not None and str(scores) == "-"
    if scores is not None:
        write_scores(done, sys.stdout if to_stdout else scores)
    figures = _tell(done, err=to_stdout)
    write(json, "score", figures)


def _load(model: str, *, trust_code: bool) -> "Detector":
    from snnlab.tracking.loading import load_detector

    return load_detector(model, trust_code=trust_code)


def _detector(stream: "LabelledStream", domain: str | None, trained: "Detector | None", *, learn: bool) -> "Detector":
    """A detector for one stream: as trained, a copy each, or a new one."""
    from snnlab.detectors import Detector
    from snnlab.workflows.score import DISORDERED, disorder

    if trained is not None:
        return Detector.load(trained.save(), trust_code=True)
    if not learn and not stream.train:
        raise ConfigError("--no-learn with --domain scores by nothing; give a trained detector with --model")
    timed = bool(stream.meta.get("columns", {}).get("timestamp", True)) and disorder(stream) <= DISORDERED
    return Detector.for_events(domain or "", stream.events, timed=timed)


def _streams(source: str, columns: Columns, trained: "Detector | None") -> "list[LabelledStream]":
    """A file is one stream; a set or a part of one is as many as it holds."""
    if source == "-" or Path(source).exists():
        from snnlab.datasets.files import read_events

        if Path(source).is_dir():
            raise ConfigError(f"{source!r} is a folder; name a file in it, or a public set")
        return [_as_trained(source, columns, trained) if trained else read_events(source, **columns)]
    from snnlab.datasets import public

    return public.load(source)


def _as_trained(source: str, columns: Columns, trained: "Detector") -> "LabelledStream":
    """The events of a file with the columns that a detector reads, each of the type that it reads."""
    import pyarrow as pa

    from snnlab.datasets.files import stream_of_table
    from snnlab.datasets.nested import flattened
    from snnlab.datasets.tables import read_table
    from snnlab.serving.models import columns_read

    table = flattened(read_table(source)[0], source)
    numbers, words = columns_read(trained.domain)
    if lacking := [name for name in (*numbers, *words) if name not in table.column_names]:
        raise FileFormatError(
            f"{source} has no column {lacking[0]!r}; the model reads {', '.join((*numbers, *words))}, and the file has "
            f"{', '.join(table.column_names)}: add what is missing, or train a model on columns like these"
        )
    for at, field in enumerate(table.schema):
        if field.name in words and not pa.types.is_string(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.string()))
        if field.name in numbers and pa.types.is_string(field.type):
            raise FileFormatError(
                f"column {field.name!r} of {source} holds text, and the model reads numbers in it; mend the column"
            )
    asked = columns["features"] or [*numbers, *words]
    chosen: Columns = {**columns, "features": asked}
    return stream_of_table(table, _stem(source), source=source, **chosen)


def _stem(source: str) -> str:
    return "stdin" if source == "-" else Path(source.removesuffix(".gz")).stem


def _scored(stream: "LabelledStream", detector: "Detector", *, learn: bool, late: int) -> "Scoring":
    from tqdm import tqdm

    from snnlab.workflows.score import DISORDERED, disorder, score

    if (share := disorder(stream)) > DISORDERED:
        typer.echo(
            f"snnlab: {share:.0%} of the rows of {stream.name} are earlier than the row before of their entity; they "
            "are taken in the order of the file, without their times: sort the file by time to have these used",
            err=True,
        )
    with tqdm(total=len(stream), desc=stream.name, unit=" events", disable=not sys.stderr.isatty()) as bar:
        found = score(detector, stream, learn=learn, lateness_us=late, progress=bar.update)
    if found.rejected:
        first = found.rejected[0]
        typer.echo(
            f"snnlab: {len(found.rejected)} events of {stream.name} were rejected and have no score; "
            f"the first is {first.event_id!r}: {first.reason}",
            err=True,
        )
    return found


def _tell(done: "list[Scoring]", *, err: bool) -> "list[Figure]":
    """A line for each stream, the strongest alarms where there is one stream, and the figures of all."""
    figures = [figure for scoring in done for figure in _figures(scoring, several=len(done) > 1)]
    for scoring in done:
        typer.echo(_line(scoring), err=err)
    if len(done) == 1:
        _tell_strongest(done[0], err=err)
        if done[0].cost is not None:
            typer.echo(f"cost: {done[0].cost}", err=err)
    return figures


def _line(scoring: "Scoring") -> str:
    found, stream = scoring.verdicts, scoring.stream
    told = f"{stream.name}: {len(found)} events, {int(found.anomaly.sum())} anomalies, {len(scoring.rejected)} rejected"
    if (quality := _quality(scoring)) is not None:
        told += f", AP {quality[0]:.3f}, ROC-AUC {quality[1]:.3f}"
    return told


def _tell_strongest(scoring: "Scoring", *, err: bool) -> None:
    import numpy as np

    from snnlab.explain.narrative import narrate

    found = scoring.verdicts
    alarms = np.flatnonzero(found.spoken)
    for row in alarms[np.argsort(-found.score[alarms], kind="stable")][:STRONGEST].tolist():
        kind = found.type[row] or "anomaly"
        typer.echo(
            f"  {found.score[row]:6.2f}  severity {found.severity[row]:.2f}  {kind}, event {found.event_id[row]}",
            err=err,
        )
        typer.echo(f"          {narrate(found, row, scoring.stream.events)}", err=err)


def _unit(name: str) -> str:
    """The unit of a figure of cost; joules but for those of RAPL are estimates.

    >>> _unit("cost.joules_per_event.loihi"), _unit("cost.footprint_bytes"), _unit("cost.spikes_per_event")
    ('J (estimate)', 'bytes', '')
    """
    if "joules" in name:
        return "J" if name.endswith("rapl") else "J (estimate)"
    return "bytes" if name.endswith("bytes") else ""


def _quality(scoring: "Scoring") -> tuple[float, float] | None:
    """AP and ROC-AUC on the rows after training that have a score; None without labels of both kinds."""
    import numpy as np

    from snnlab.evaluation import metrics

    known = ~np.isnan(scoring.verdicts.score)
    known[: scoring.stream.train] = False
    label = scoring.stream.label[known]
    if not scoring.stream.labelled or not 0 < label.sum() < len(label):
        return None
    value = scoring.verdicts.score[known]
    return float(metrics.average_precision(value, label)), float(metrics.roc_auc(value, label))


def _figures(scoring: "Scoring", *, several: bool) -> "list[Figure]":
    from snnlab.evaluation.figures import Figure

    stem = f"score.{scoring.stream.name}" if several else "score"
    rows = [
        Figure.of(f"{stem}.events", len(scoring.verdicts), "events"),
        Figure.of(f"{stem}.anomalies", int(scoring.verdicts.anomaly.sum()), "events"),
        Figure.of(f"{stem}.rejected", len(scoring.rejected), "events"),
    ]
    if (quality := _quality(scoring)) is not None:
        rows.append(Figure.of(f"{stem}.average_precision", quality[0], "AP"))
        rows.append(Figure.of(f"{stem}.roc_auc", quality[1], "AUC"))
    if scoring.cost is not None:
        rows += [Figure.of(f"{stem}.{name}", value, _unit(name)) for name, value in scoring.cost.figures().items()]
    return rows
