"""Kernels that are talked to over files. Ports are found free and taken later, so two kernels may find the same one."""

from pathlib import Path
from uuid import uuid4

from jupyter_client.connect import ConnectionFileMixin
from jupyter_core.paths import jupyter_runtime_dir
from traitlets import default

__all__ = ["OverFiles"]


class OverFiles(ConnectionFileMixin):
    """Before a kernel manager among a class's bases: its kernels listen on files that only their owner may open."""

    @default("transport")
    def _over_files(self) -> str:
        return "ipc"

    @default("connection_file")
    def _own_file(self) -> str:
        folder = Path(jupyter_runtime_dir())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(folder / f"kernel-{uuid4()}.json")
