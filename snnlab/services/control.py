"""Start, find and end the servers of a home."""

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from snnlab.errors import ConfigError
from snnlab.services import docker, ignite, process, pulsar
from snnlab.services.record import Record, Running
from snnlab.workflows.locate import bento_folder

__all__ = ["NAMES", "down", "missing", "status", "up"]

NAMES = ("pulsar", "ignite")
_SERVERS = {"pulsar": pulsar, "ignite": ignite}
_PATIENCE_S = 120.0

Tell = Callable[[str], None]


def missing() -> str:
    """Why real servers cannot be started on this machine; empty where they can."""
    if docker.answers():
        return ""
    lacking = [word for word in ("java", "mvn") if shutil.which(word) is None]
    return f"no Docker engine answers, and there is no {' and no '.join(lacking)}" if lacking else ""


def up(home: Path, names: Iterable[str] = NAMES, *, tell: Tell = lambda _: None) -> dict[str, Running]:
    """Start servers, or find them running; returns them by name, healthy.

    Raises ConfigError where neither Docker nor Java and Maven are at hand, or a server does not become healthy.
    """
    wanted = _known(names)
    if why := missing():
        raise ConfigError(f"{why}; install Java 17 and Maven, or start Docker")
    record = Record(home)
    with record.locked():
        there = {name: one for name, one in record.read().items() if _alive(one)}
        for name in wanted:
            if name not in there:
                tell(f"{name}: starting by {'Docker' if docker.answers() else 'Java and Maven'}")
                there[name] = _start(name, record.folder / name)
                record.write(there)
        for name in wanted:
            _await(there[name])
        return {name: there[name] for name in wanted}


def status(home: Path) -> list[tuple[Running, bool]]:
    """The servers that run, each with whether it is healthy."""
    return [(one, _SERVERS[one.name].healthy(one)) for one in Record(home).read().values() if _alive(one)]


def down(home: Path, names: Iterable[str] = NAMES, *, wipe: bool = False) -> list[str]:
    """End servers; returns the names of those that ran. ``wipe`` removes their data, logs and software as well."""
    record, ended = Record(home), []
    with record.locked():
        there = record.read()
        for name in _known(names):
            if (server := there.pop(name, None)) is not None and _alive(server):
                _end(server)
                ended.append(name)
            if wipe:
                shutil.rmtree(record.folder / name, ignore_errors=True)
            record.write(there)
    return ended


def _known(names: Iterable[str]) -> Sequence[str]:
    wanted = list(names) or list(NAMES)
    for name in wanted:
        if name not in _SERVERS:
            raise ConfigError(f"no server {name!r}; there is {' and '.join(NAMES)}")
    return wanted


def _start(name: str, folder: Path) -> Running:
    recipes = bento_folder() / "services"
    if docker.answers():
        return docker.start(name, recipes, folder)
    started: Running = _SERVERS[name].start(recipes / name, folder)
    return started


def _alive(server: Running) -> bool:
    return docker.running(server) if server.by == "docker" else process.alive(server.pid, server.folder)


def _end(server: Running) -> None:
    if server.by == "docker":
        docker.down(server)
    else:
        process.end(server.pid, server.folder)


def _await(server: Running) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not _SERVERS[server.name].healthy(server):
        if not _alive(server):
            raise ConfigError(f"{server.name} ended as it started: {process.tail(Path(server.log))}; see {server.log}")
        if time.monotonic() > until:
            raise ConfigError(f"{server.name} is not healthy after {_PATIENCE_S:.0f} s; see {server.log}")
        time.sleep(0.2)
