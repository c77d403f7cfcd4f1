"""Start, find and end the servers of a home."""

import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from snnlab.errors import ConfigError
from snnlab.services import debian, docker, ignite, process, prometheus, pulsar
from snnlab.services.record import Record, Running
from snnlab.workflows.locate import bento_folder

__all__ = ["ALL", "NAMES", "down", "missing", "status", "up"]

NAMES = ("pulsar", "ignite")
"""The servers that a service needs: what is meant where none is named."""

ALL = (*NAMES, "prometheus")
"""All servers that there are."""

_SERVERS: Mapping[str, ModuleType] = {"pulsar": pulsar, "ignite": ignite, "prometheus": prometheus}
_PATIENCE_S = 120.0

Tell = Callable[[str], None]


def missing(names: Iterable[str] = NAMES) -> str:
    """Why real servers cannot be started on this machine; empty where they can."""
    if docker.answers():
        return ""
    wanted = set(names)
    lacking = [word for word in ("java", "mvn") if wanted & set(NAMES) and shutil.which(word) is None]
    why = f"there is no {' and no '.join(lacking)}" if lacking else ""
    why = why or (debian.missing() if "prometheus" in wanted else "")
    return f"no Docker engine answers, and {why}" if why else ""


def up(
    home: Path,
    names: Iterable[str] = NAMES,
    *,
    scrape: str | None = None,
    software: Path | None = None,
    tell: Tell = lambda _: None,
) -> dict[str, Running]:
    """Start servers, or find them running; returns them by name, healthy.

    ``scrape`` is the HOST:PORT of the service that Prometheus is to look at: 127.0.0.1:3000, unless said once.
    ``software`` is another home, whose programs are run: only what the servers write is in this one.

    Raises ConfigError where neither Docker nor what takes its place is at hand, or a server does not become healthy.
    """
    wanted = _known(names)
    if why := missing(wanted):
        raise ConfigError(f"{why}; install {_instead(wanted)}, or start Docker")
    record = Record(home)
    with record.locked():
        there = {name: one for name, one in record.read().items() if _alive(one)}
        for name in wanted:
            if name not in there:
                tell(f"{name}: starting by {'Docker' if docker.answers() else _instead([name])}")
                if software is not None:
                    _share(Record(software).folder / name / "software", record.folder / name / "software")
                there[name] = _start(name, record.folder / name, scrape)
                record.write(there)
            elif name == "prometheus" and scrape is not None:
                prometheus.aim(record.folder / name, scrape)
        for name in wanted:
            _await(there[name])
        return {name: there[name] for name in wanted}


def status(home: Path) -> list[tuple[Running, bool]]:
    """The servers that run, each with whether it is healthy."""
    return [(one, _SERVERS[one.name].healthy(one)) for one in Record(home).read().values() if _alive(one)]


def down(home: Path, names: Iterable[str] = ALL, *, wipe: bool = False) -> list[str]:
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
            raise ConfigError(f"no server {name!r}; there is {', '.join(NAMES)} and prometheus")
    return wanted


def _instead(names: Iterable[str]) -> str:
    """Where the servers come from without Docker."""
    wanted = set(names)
    sources = {"Java 17 and Maven": wanted & set(NAMES), "apt (of Debian)": wanted - set(NAMES)}
    return ", and ".join(source for source, some in sources.items() if some)


def _start(name: str, folder: Path, scrape: str | None) -> Running:
    if name == "prometheus":
        prometheus.configure(bento_folder() / "prometheus", folder, scrape)
    recipes = bento_folder() / "services"
    if docker.answers():
        return docker.start(name, recipes, folder)
    started: Running = _SERVERS[name].start(recipes / name, folder)
    return started


def _share(software: Path, place: Path) -> None:
    """Have ``place`` lead to software that is there, or is put there by who finds that it is not."""
    for folder in (software, place):
        folder.parent.mkdir(parents=True, exist_ok=True)
    if not place.is_symlink() and not place.exists():
        place.symlink_to(software.absolute(), target_is_directory=True)


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
