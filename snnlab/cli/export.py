"""snnlab export: a model's network for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snnlab.cli.options import JsonFile
from snnlab.errors import ConfigError

if TYPE_CHECKING:
    from snnlab.detectors import Detector
    from snnlab.reservoirs import Network
    from snnlab.reservoirs.exchange import Placement
    from snnlab.types import Arrays

__all__ = ["app"]

app = typer.Typer(help="Write a model's network for other tools.", no_args_is_help=True, add_completion=False)


@app.callback()
def _group() -> None:
    """Write a model's network for other tools."""


@app.command()
def nir(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A .snn file or models:/NAME@champion.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The HDF5 file to write.")],
    shard: Annotated[int, typer.Option(min=0, help="The shard whose weights are written.")] = 0,
    integration: Annotated[
        str, typer.Option(help="How its reader steps: euler, as norse and chips do, or exact.")
    ] = "euler",
    trust_code: Annotated[bool, typer.Option("--trust-code", help="Run the code that a .snn file carries.")] = False,
    json: JsonFile = None,
) -> None:
    """Write the network of a model as a NIR graph, and say what the graph cannot hold and what chips it would take.

    The file is read back and compared with the model before the command ends.

    \b
    Example:
      snnlab export nir model.snn model.nir
    """
    from snnlab.cli.figures import write
    from snnlab.evaluation.figures import Figure
    from snnlab.reservoirs.exchange import CHIPS, losses, place
    from snnlab.tracking.loading import load_detector

    network, learned = _network(load_detector(model, trust_code=trust_code), shard)
    _write(network, learned, file, integration)
    typer.echo(f"{file}: {network!r}, {file.stat().st_size / 1e6:.3g} MB, reads back bit for bit")
    typer.echo("not in the graph, but in its metadata, which other readers ignore:")
    for loss in losses(network):
        typer.echo(f"  {loss}")
    typer.echo("  features, encoders, readouts and thresholds of the detector (stay in the model): only spikes go out")
    typer.echo("chips, by their published limits alone:")
    placed = {name: place(network, chip, learned) for name, chip in CHIPS.items()}
    for one in placed.values():
        _tell(one)
    rows = [Figure.of(f"export.nir.{name}.cores", one.cores, "cores") for name, one in placed.items()]
    rows += [Figure.of(f"export.nir.{name}.fits", float(one.fits), "") for name, one in placed.items()]
    write(json, "export nir", [Figure.of("export.nir.bytes", file.stat().st_size, "bytes"), *rows])


def _network(detector: "Detector", shard: int) -> "tuple[Network, Arrays]":
    network = detector.plan.network
    if network is None:
        raise ConfigError("the model has no reservoir, so there is no network to export; train one with it")
    if shard >= len(detector.shards):
        raise ConfigError(f"the model has no shard {shard}; there are 0 to {len(detector.shards) - 1}")
    prefix, learnt = "reservoir/", detector.shards[shard].learnt
    return network, {name.removeprefix(prefix): array for name, array in learnt.items() if name.startswith(prefix)}


def _write(network: "Network", learned: "Arrays", file: Path, integration: str) -> None:
    import numpy as np

    from snnlab.errors import ModelFormatError
    from snnlab.reservoirs.exchange import read_nir, write_nir

    write_nir(file, network, learned, integration)  # type: ignore[arg-type]  # it says so where it is neither
    again = read_nir(file)
    pairs = ((network.to_arrays(), again.network.to_arrays()), (learned, again.learned))
    missing = np.empty(0)
    wrong = [name for one, back in pairs for name in one if not np.array_equal(one[name], back.get(name, missing))]
    if wrong:
        raise ModelFormatError(f"{file} does not read back as it was written: {', '.join(wrong)}; export it again")


def _tell(placed: "Placement") -> None:
    typer.echo(f"  {placed}")
    typer.echo(f"    assumed: {placed.chip.assumed}; {placed.chip.source}")
