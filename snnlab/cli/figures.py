"""Figures of a command: shown as a table, and written as JSON where --json asks for it."""

import json
from collections.abc import Iterable
from pathlib import Path

from snnlab.errors import ConfigError
from snnlab.evaluation.figures import Figure, document

__all__ = ["write"]


def write(path: Path | None, command: str, figures: Iterable[Figure]) -> None:
    """Write the figures' JSON document to ``path``, if there is one. Raises ConfigError where it cannot be written."""
    if path is None:
        return
    try:
        path.write_text(json.dumps(document(command, figures), indent=2) + "\n", encoding="utf-8")
    except OSError as wrong:
        raise ConfigError(f"figures cannot be written to {str(path)!r}: {wrong.strerror}; name another file") from wrong
