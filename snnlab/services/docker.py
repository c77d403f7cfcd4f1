"""Servers by Docker Compose, where a Docker engine answers."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from snnlab.errors import ConfigError
from snnlab.services import ports
from snnlab.services.prometheus import PORT
from snnlab.services.pulsar import ADMIN_OFFSET
from snnlab.services.record import Running

__all__ = ["answers", "down", "running", "start"]

# Of each server: ports at an offset from the one that its URL tells, that port by its own defaults, the URL's scheme.
_PORTS: Mapping[str, tuple[tuple[int, ...], int, str]] = {
    "pulsar": ((ADMIN_OFFSET,), 6650, "pulsar"),
    "ignite": ((), 10800, "ignite"),
    "prometheus": ((), PORT, "http"),
}


@cache
def answers() -> bool:
    """Whether a Docker engine with Compose is at hand."""
    if shutil.which("docker") is None:
        return False
    asked = (["docker", "info"], ["docker", "compose", "version"])
    return all(subprocess.run(one, capture_output=True, check=False).returncode == 0 for one in asked)  # noqa: S603


def start(name: str, recipes: Path, folder: Path) -> Running:
    """Start a server of compose.yaml; it is healthy some seconds later."""
    offsets, wanted, scheme = _PORTS[name]
    port = ports.choose(*offsets, wanted=wanted, kept=folder / "port")
    admin = port + offsets[0] if offsets else 0
    known = {f"{name.upper()}_PORT": str(port), "PULSAR_ADMIN": str(admin), "PROMETHEUS_CONFIG": str(folder / "config")}
    _compose(folder, "-f", str(recipes / "compose.yaml"), "up", "--detach", name, known=known)
    log = f"docker compose -p {_project(folder)} logs {name}"
    return Running(name, f"{scheme}://127.0.0.1:{port}", "docker", admin, 0, str(folder), log)


def running(server: Running) -> bool:
    """Whether a server's container runs."""
    return bool(_compose(Path(server.folder), "ps", "--quiet", "--status", "running"))


def down(server: Running) -> None:
    """End a server and remove its container."""
    _compose(Path(server.folder), "down", "--volumes", "--remove-orphans")


def _project(folder: Path) -> str:
    return f"snnlab-{sha256(str(folder).encode()).hexdigest()[:8]}"


def _compose(folder: Path, *words: str, known: dict[str, str] | None = None) -> str:
    command: Sequence[str] = ["docker", "compose", "-p", _project(folder), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **(known or {})})  # noqa: S603
    if done.returncode:
        raise ConfigError(f"{' '.join(command)} failed: {' '.join(done.stderr.split())[:500]}")
    return done.stdout.strip()
