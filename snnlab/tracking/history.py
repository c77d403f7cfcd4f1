"""Who beat whom, by how much, on what data and when: a table that only grows."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from snnlab.database import Database, Layout
from snnlab.errors import StoreError
from snnlab.tracking.gate import Decision

__all__ = ["History"]

_LAYOUT = Layout(
    purpose="promotion history",
    application=0x736E6E68,
    version=1,
    failed=StoreError,
    damaged=StoreError,
    way_out="restore it from a copy, or move it aside and a new history begins",
    schema="""
CREATE TABLE IF NOT EXISTS decisions (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, link TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS decisions_by_name ON decisions (name, id);
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON decisions
  BEGIN SELECT RAISE(ABORT, 'the promotion history only grows'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON decisions
  BEGIN SELECT RAISE(ABORT, 'the promotion history only grows'); END;
CREATE TRIGGER IF NOT EXISTS no_replace BEFORE INSERT ON decisions
  WHEN EXISTS (SELECT 1 FROM decisions WHERE id = NEW.id)
  BEGIN SELECT RAISE(ABORT, 'the promotion history only grows'); END""",
)


class History:
    """The decisions of the promotion gate in one SQLite file.

    Triggers refuse every update and delete. Each row holds the SHA-256 of itself and of the row before
    (``link``), so that ``verify`` finds what was changed behind the triggers' back.

    >>> import tempfile
    >>> history = History(Path(tempfile.mkdtemp()) / "history.db")
    >>> history.append(Decision("web", "average_precision", "2", "1", 0.9, 0.8, True, "better", "nab", "ab", 10, 7))
    1
    >>> [round(entry.gain, 6) for entry in history.entries("web")], history.verify()
    ([0.1], 1)
    """

    def __init__(self, path: Path | str) -> None:
        self._database = Database(path, _LAYOUT)

    def append(self, decision: Decision) -> int:
        """Write a decision; returns its number, counted from 1."""
        body = json.dumps(asdict(decision), sort_keys=True)
        with self._database.write() as connection:
            last = connection.execute("SELECT id, link FROM decisions ORDER BY id DESC LIMIT 1").fetchone() or (0, "")
            row = (last[0] + 1, decision.name, decision.at, body, _linked(last[1], body))
            connection.execute("INSERT INTO decisions VALUES (?, ?, ?, ?, ?)", row)
        return int(row[0])

    def entries(self, name: str | None = None) -> list[Decision]:
        """The decisions, oldest first; those about one model, or all."""
        query = "SELECT body FROM decisions WHERE ?1 IS NULL OR name = ?1 ORDER BY id"
        with self._database.read() as connection:
            found = connection.execute(query, (name,)).fetchall()
        return [Decision(**json.loads(body)) for (body,) in found]

    def verify(self) -> int:
        """Check every link; returns how many decisions there are. Raises StoreError for the first that was changed."""
        before, count = "", 0
        for number, body, link in self._rows():
            count += 1
            if number != count or link != _linked(before, body):
                raise self._database.corrupt(f"decision {count} is not what was written")
            before = link
        return count

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _rows(self) -> Iterator[tuple[int, str, str]]:
        with self._database.read() as connection:
            yield from connection.execute("SELECT id, body, link FROM decisions ORDER BY id").fetchall()


def _linked(before: str, body: str) -> str:
    return sha256(f"{before}\n{body}".encode()).hexdigest()
