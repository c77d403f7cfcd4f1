"""Apache Pulsar, standalone on loopback, from its official distribution."""

import http.client
import socket
from pathlib import Path
from string import Template

from snnlab.services import maven, ports, process
from snnlab.services.record import Running

__all__ = ["ADMIN_OFFSET", "healthy", "start"]

ADMIN_OFFSET = 8080 - 6650
"""The port of Pulsar's HTTP interface is this far above that of its broker, as it is by Pulsar's own defaults."""

_ARTIFACT = "org.apache.pulsar:pulsar-server-distribution:4.0.8:tar.gz:bin"
_MEMORY = {
    "PULSAR_MEM": "-Xms256m -Xmx768m -XX:MaxDirectMemorySize=768m",
    "PULSAR_GC": "-XX:+UseSerialGC",
}


def start(recipe: Path, folder: Path) -> Running:
    """Start Pulsar with its data below ``folder``; it is healthy some seconds later."""
    port = ports.choose(ADMIN_OFFSET, wanted=6650, kept=folder / "port")
    home = maven.unpacked(_ARTIFACT, folder / "software")
    log = folder / "pulsar.log"
    conf = _configured(home, recipe / "standalone.properties", folder, port)
    environment = {
        **_MEMORY,
        "PULSAR_STANDALONE_CONF": str(conf),
        "PULSAR_LOG_DIR": str(folder / "logs"),
        "PULSAR_PID_DIR": str(folder),
        "PULSAR_LOG_APPENDER": "Console",
    }
    data = folder / "data"
    where = ["--metadata-dir", str(data / "metadata"), "--bookkeeper-dir", str(data / "bookkeeper")]
    command = ["bash", str(home / "bin" / "pulsar"), "standalone", "-nss", "-nfw", "-a", "127.0.0.1", *where]
    pid = process.start(command, folder=home, log=log, environment=environment)
    return Running("pulsar", f"pulsar://127.0.0.1:{port}", "java", port + ADMIN_OFFSET, pid, str(folder), str(log))


def healthy(server: Running) -> bool:
    """Whether Pulsar's own health check passes: a message written and read back."""
    connection = http.client.HTTPConnection("127.0.0.1", server.admin, timeout=10)
    try:
        connection.request("GET", "/admin/v2/brokers/health")
        answer = connection.getresponse()
        return answer.status == 200 and answer.read().strip() == b"ok"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _configured(home: Path, changes: Path, folder: Path, port: int) -> Path:
    """A copy of Pulsar's own configuration with the lines of the recipe in place of those of the same key."""
    told = {"PORT": port, "ADMIN": port + ADMIN_OFFSET, "LOOPBACK": socket.if_nameindex()[0][1]}
    text = Template(changes.read_text()).substitute(told)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    keys = {line.partition("=")[0] for line in lines}
    own = (home / "conf" / "standalone.conf").read_text().splitlines()
    kept = [line for line in own if line.partition("=")[0] not in keys]
    conf = folder / "standalone.conf"
    conf.write_text("\n".join([*kept, *lines]) + "\n")
    return conf
