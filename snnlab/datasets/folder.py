"""The folder of public sets, and the tables in it: each as ``.csv`` or ``.csv.gz``."""

from pathlib import Path

import pyarrow as pa

from snnlab.config import Settings
from snnlab.datasets.tables import read_table
from snnlab.errors import DatasetMissing, FileFormatError

__all__ = ["FETCHED", "data_root", "path_of", "stems", "table_in"]

FETCHED = Path("data")
"""Where ``fetch`` puts the sets unless told otherwise."""


def data_root(root: str | Path | None = None) -> Path:
    """The folder that holds ``nab``, ``skab`` and the others: the one given, else the one that SNNLAB_DATA names.

    Without both it is ``data`` in the working directory, where ``fetch`` puts the sets, once it holds any.
    Raises DatasetMissing where none is there.
    """
    found = Path(root) if root is not None else Settings.load().data
    if found is None and FETCHED.is_dir() and any(child.is_dir() for child in FETCHED.iterdir()):
        found = FETCHED
    if found is None:
        raise DatasetMissing(
            "no folder of public data: set SNNLAB_DATA to one, or make one with `snnlab data fetch SET`"
        )
    if not found.is_dir():
        raise DatasetMissing(f"{found} is no folder; SNNLAB_DATA names the folder that holds nab, skab and the others")
    return found


def path_of(folder: Path, stem: str) -> Path:
    """The file ``stem.csv`` or ``stem.csv.gz`` of a folder; raises DatasetMissing where neither is there."""
    for path in (folder / f"{stem}.csv", folder / f"{stem}.csv.gz"):
        if path.is_file():
            return path
    raise DatasetMissing(f"{folder} has neither {stem}.csv nor {stem}.csv.gz; `snnlab data fetch` brings the whole set")


def table_in(folder: Path, stem: str, columns: tuple[str, ...]) -> pa.Table:
    """The table ``stem`` of a folder, which must have ``columns``; raises DatasetMissing and FileFormatError."""
    path = path_of(folder, stem)
    table, _ = read_table(path)
    if lacking := [column for column in columns if column not in table.column_names]:
        raise FileFormatError(f"{path} lacks {lacking}; it has {table.column_names}: fetch the set again")
    return table


def stems(folder: Path, pattern: str) -> list[str]:
    """Names below ``folder`` of the tables that match ``pattern``, without their endings, in order.

    Numbers within a name count as numbers: 2 comes before 10.
    """
    paths = [path for ending in (".csv", ".csv.gz") for path in folder.glob(pattern + ending)]
    names = {path.relative_to(folder).as_posix().removesuffix(".gz").removesuffix(".csv") for path in paths}
    return sorted(names, key=_in_order)


def _in_order(name: str) -> list[tuple[bool, int, str]]:
    parts = name.replace("-", "/").split("/")
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
