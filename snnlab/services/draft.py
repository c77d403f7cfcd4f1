"""Folders that are whole or not there."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["drafted", "whole"]


@contextmanager
def drafted(folder: Path) -> Iterator[Path]:
    """A folder to fill, that gets the name ``folder`` when it is whole; a link to another place is followed."""
    folder = folder.resolve()
    draft = folder.with_name(folder.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    yield draft
    draft.replace(folder)


def whole(folder: Path) -> bool:
    """Whether a folder was filled."""
    return folder.is_dir() and any(folder.iterdir())
