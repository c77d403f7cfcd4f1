"""The real Pulsar and Ignite of a benchmark: those of ``SNNLAB_HOME``; where they do not run, new ones for it only.

New ones begin with nothing and leave nothing. Where they cannot be started the rows that need them are left out, and
the notes say why.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import uuid4

from snnlab import services
from snnlab.config import Settings
from snnlab.errors import ConfigError

__all__ = ["Pair", "real_pair"]

_NAMES = ("pulsar", "ignite")


class Pair(NamedTuple):
    """URLs of a real bus and store; each benchmark takes a namespace and tables of its own."""

    bus: str
    store: str

    def fresh(self) -> "Pair":
        """Where nobody has been."""
        name = f"bench{uuid4().hex[:12]}"
        return Pair(f"{self.bus}/bench/{name}", f"{self.store}/{name}")


@contextmanager
def real_pair() -> Iterator[Pair | str]:
    """The pair; or, in words, why there is none."""
    home = Settings.load().home
    found = {server.name: server for server, healthy in services.status(home) if healthy}
    with TemporaryDirectory(prefix="snnlab-bench-") as place:
        own = Path(place)
        try:
            if lacking := [name for name in _NAMES if name not in found]:
                found |= services.up(own, lacking, software=home)
        except ConfigError as missing:
            yield str(missing)
        else:
            yield Pair(found["pulsar"].url, found["ignite"].url)
        finally:
            services.down(own, _NAMES)
