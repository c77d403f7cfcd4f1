"""NIR graphs in HDF5 files."""

from pathlib import Path
from typing import Any

from snnlab.errors import ConfigError, ModelFormatError, ModelNotFound
from snnlab.reservoirs.exchange.constants import Integration
from snnlab.reservoirs.exchange.reading import Imported, from_nir
from snnlab.reservoirs.exchange.writing import require_nir, to_nir
from snnlab.reservoirs.network import Network
from snnlab.types import Arrays

__all__ = ["load_graph", "read_nir", "write_nir"]


def write_nir(
    path: str | Path, network: Network, learned: Arrays | None = None, integration: Integration = "euler"
) -> None:
    """Write the graph of a network as ``nir.write`` does. Raises ConfigError where the file cannot be written."""
    nir = require_nir()
    graph = to_nir(network, learned, integration)
    try:
        nir.write(str(path), graph)
    except OSError as wrong:
        raise ConfigError(f"a graph cannot be written to {str(path)!r} ({wrong}); name another file") from wrong


def read_nir(path: str | Path, tick: float = 1.0) -> Imported:
    """The network of a file that any tool wrote; see :func:`.reading.from_nir`.

    Raises:
        ModelNotFound: there is no such file.
        ModelFormatError: it holds no NIR graph, or a damaged one.
    """
    return from_nir(load_graph(path), tick)


def load_graph(path: str | Path) -> Any:  # noqa: ANN401 - a nir.NIRGraph
    """The graph of a file. Raises as :func:`read_nir`."""
    nir = require_nir()
    if not Path(path).is_file():
        raise ModelNotFound(f"no file {str(path)!r}; name one that a tool wrote as NIR")
    try:
        return nir.read(str(path))
    except (OSError, KeyError, ValueError, AssertionError, TypeError) as wrong:
        raise ModelFormatError(f"{str(path)!r} holds no whole NIR graph ({wrong}); export it again") from wrong
