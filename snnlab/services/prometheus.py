"""Prometheus on loopback, from Debian's package, with the project's own configuration and alert rules.

It scrapes one running service once a second. The service's key, where SNNLAB_API_KEY holds one, lies in a file that
only its owner can read.
"""

import http.client
import json
import os
import shutil
from pathlib import Path

import yaml

from snnlab.errors import ConfigError
from snnlab.services import debian, ports, process
from snnlab.services.record import Running

__all__ = ["PORT", "aim", "configure", "healthy", "start"]

PORT = 9090
"""The port that it listens on, where that is free."""

_SERVICE = "127.0.0.1:3000"
_TARGETS = "targets.json"


def start(recipe: Path, folder: Path) -> Running:  # noqa: ARG001 - what it needs is in the folder by then
    """Start Prometheus as ``configure`` set it up, with its data below ``folder``; it is ready some seconds later."""
    program = debian.unpacked("prometheus") / "usr" / "bin" / "prometheus"
    port = ports.choose(wanted=PORT, kept=folder / "port")
    command = [
        str(program),
        f"--config.file={folder / 'config' / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    log = folder / "prometheus.log"
    pid = process.start(command, folder=folder, log=log)
    return Running("prometheus", f"http://127.0.0.1:{port}", "debian", 0, pid, str(folder), str(log))


def healthy(server: Running) -> bool:
    """Whether Prometheus says that it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def configure(recipe: Path, folder: Path, scrape: str | None) -> None:
    """Put a copy of the recipe below ``folder``, whose target is a file that ``aim`` writes."""
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    if scrape is not None or not (config / _TARGETS).is_file():
        aim(folder, scrape or _SERVICE)
    shutil.copy(recipe / "alerts.yml", config)
    told = yaml.safe_load((recipe / "prometheus.yml").read_text(encoding="utf-8"))
    told["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    kept = {"job_name", "metrics_path"}
    (job,) = ({name: one[name] for name in kept & set(one)} for one in told["scrape_configs"])
    job["file_sd_configs"] = [{"files": [_TARGETS]}]
    if key := os.environ.get("SNNLAB_API_KEY"):
        job["authorization"] = {"credentials_file": "key"}
        _keep(config / "key", key)
    told["scrape_configs"] = [job]
    (config / "prometheus.yml").write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")


def aim(folder: Path, scrape: str) -> None:
    """Let Prometheus look at another service, HOST:PORT; one that runs sees the change by itself."""
    host, _, port = scrape.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"{scrape!r} is no address to scrape; write HOST:PORT, such as {_SERVICE}")
    draft = folder / "config" / f"{_TARGETS}.new"
    draft.write_text(json.dumps([{"targets": [scrape]}]), encoding="utf-8")
    draft.replace(folder / "config" / _TARGETS)


def _keep(place: Path, secret: str) -> None:
    place.unlink(missing_ok=True)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
