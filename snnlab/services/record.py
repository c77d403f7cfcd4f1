"""What is known of servers that were started: one JSON file below ``SNNLAB_HOME``, guarded by a lock."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Record", "Running"]


@dataclass(frozen=True)
class Running:
    """A server that was started.

    ``url`` is where clients find it, ``admin`` the port of its HTTP interface (0 where it has none beside ``url``),
    ``pid`` its process (0 in Docker), ``folder`` its data and ``log`` what it says.
    """

    name: str
    url: str
    by: Literal["docker", "java", "debian"]
    admin: int
    pid: int
    folder: str
    log: str

    @property
    def port(self) -> int:
        """The port of ``url``."""
        return int(self.url.rpartition(":")[2])


class Record:
    """The servers of one home.

    >>> import tempfile
    >>> record = Record(Path(tempfile.mkdtemp()))
    >>> with record.locked():
    ...     record.write({"ignite": Running("ignite", "ignite://127.0.0.1:10800", "java", 0, 42, "data", "log")})
    >>> record.read()["ignite"].port
    10800
    """

    def __init__(self, home: Path) -> None:
        self.folder = home.absolute() / "services"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else starts or ends servers of this home meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self) -> dict[str, Running]:
        """The servers by name."""
        try:
            told = json.loads((self.folder / "state.json").read_text())
        except FileNotFoundError:
            return {}
        return {name: Running(**fields) for name, fields in told.items()}

    def write(self, servers: dict[str, Running]) -> None:
        """Replace what is known."""
        told = json.dumps({name: asdict(one) for name, one in servers.items()}, indent=2)
        draft = self.folder / "state.json.new"
        draft.write_text(told + "\n")
        draft.replace(self.folder / "state.json")
