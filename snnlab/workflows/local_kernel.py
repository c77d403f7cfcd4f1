"""Kernels that are talked to over files. Ports are found free and taken later, so two kernels may find the same one."""

import os
from pathlib import Path
from uuid import uuid4

from jupyter_client.connect import ConnectionFileMixin
from jupyter_core.paths import jupyter_runtime_dir
from traitlets import default

__all__ = ["OverFiles"]

_LONGEST = 100
"""Bytes of a path that a socket may have: macOS takes 104 at most."""


class OverFiles(ConnectionFileMixin):
    """Before a kernel manager among a class's bases: its kernels listen on files that only their owner may open.

    Where Jupyter's folder lies too deep for that, they listen on ports of the loopback interface, as ever.
    """

    @default("transport")
    def _over_files(self) -> str:
        return "ipc" if len(os.fsencode(self.connection_file)) <= _LONGEST else "tcp"

    @default("connection_file")
    def _own_file(self) -> str:
        folder = Path(jupyter_runtime_dir())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(folder / f"kernel-{uuid4().hex[:16]}.json")
