"""Apache Ignite, one node on loopback, from the jars that its pom names."""

from pathlib import Path
from string import Template

from snnlab.errors import ConfigError
from snnlab.services import maven, ports, process
from snnlab.services.record import Running

__all__ = ["active", "healthy", "start"]


def start(recipe: Path, folder: Path) -> Running:
    """Start Ignite with its data below ``folder``; it is healthy some seconds later."""
    jars = maven.libraries(recipe / "pom.xml", folder / "software")
    port = ports.choose(wanted=10800, kept=folder / "port")
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    inner = {"COMMUNICATION": ports.choose(wanted=47100), "DISCOVERY": ports.choose(wanted=47500)}
    setup = folder / "ignite.xml"
    setup.write_text(Template((recipe / "ignite.xml").read_text()).substitute(FOLDER=data, PORT=port, **inner))
    options = [line for line in (recipe / "java.options").read_text().splitlines() if line and line[0] != "#"]
    main = "org.apache.ignite.startup.cmdline.CommandLineStartup"
    log = folder / "ignite.log"
    pid = process.start(["java", *options, "-cp", f"{jars}/*", main, str(setup)], folder=folder, log=log)
    return Running("ignite", f"ignite://127.0.0.1:{port}", "java", 0, pid, str(folder), str(log))


def healthy(server: Running) -> bool:
    """Whether Ignite answers and its cluster is active; one that starts for the first time is made so."""
    if ports.is_free(server.port):  # the client logs each refusal
        return False
    return active("127.0.0.1", server.port)


def active(host: str, port: int) -> bool:
    """Whether a cluster answers and is active; one that keeps its data starts inactive, and is made active here."""
    try:
        from pyignite import Client
        from pyignite.cluster import ClusterState
        from pyignite.exceptions import CacheError, ClusterError, ReconnectError
    except ImportError as missing:
        raise ConfigError("pyignite is not installed; install snnlab[serve]") from missing
    client = Client(timeout=10)
    try:
        with client.connect(host, port):
            cluster = client.get_cluster()
            if cluster.get_state() != ClusterState.ACTIVE:
                cluster.set_state(ClusterState.ACTIVE)
            return bool(cluster.get_state() == ClusterState.ACTIVE)
    except (OSError, CacheError, ClusterError, ReconnectError):
        return False
