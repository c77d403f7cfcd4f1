"""A built Bento as a process of its own on this machine: started, waited for, and stopped with its children."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError

from snnlab.errors import ConfigError
from snnlab.serving.bento import environment

__all__ = ["BentoServer"]

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine is never behind a proxy


class BentoServer:
    """Serves the Bento ``tag`` of the BentoML home ``home`` on a free port of 127.0.0.1 while its ``with`` block runs.

    ``url`` is where it answers over HTTP, ``grpc`` the address of its gRPC interface.

    ``settings`` are environment variables for the service, such as ``SNNLAB_BUS`` and ``SNNLAB_STORE``; without
    them it keeps its bus and store below ``home``. What it writes goes to ``log``, a file below ``home``.
    Raises ConfigError, with the end of that file, when the service does not get ready within ``timeout_s`` seconds.

    >>> with BentoServer("neuromorphic:latest", home=Path(".bentoml")) as server:  # doctest: +SKIP
    ...     print(server.url, round(server.ready_s, 1))
    http://127.0.0.1:41723 5.2
    """

    def __init__(
        self, tag: str, *, home: Path, settings: Mapping[str, str] | None = None, port: int = 0, timeout_s: float = 60.0
    ) -> None:
        self.tag = tag
        self.home = home.absolute()
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.grpc = f"127.0.0.1:{_free_port()}"
        self.log = self.home / f"serve-{self.port}.log"
        self.ready_s = 0.0
        own = {"SNNLAB_HOME": str(self.home / "data"), "SNNLAB_GRPC_PORT": self.grpc.rpartition(":")[2]}
        self._settings = {**own, **(settings or {})}
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the service and wait until it is ready."""
        self.home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "bentoml", "serve", self.tag, "--host", "127.0.0.1", "--port", str(self.port)]
        begun = time.monotonic()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - bentoml's own command, with arguments from here only
                command,
                env={**environment(self.home), **self._settings},
                cwd=self.home,  # Python takes modules from there: a folder that others write to will not do
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait(self._process, begun)
        except BaseException:
            self.stop()
            raise
        self.ready_s = time.monotonic() - begun
        return self

    def stop(self, patience_s: float = 15.0) -> None:
        """Stop the service and everything that it started; what does not end in ``patience_s`` seconds is killed."""
        import psutil  # type: ignore[import-untyped]  # it has no types; BentoML brings it

        process, self._process = self._process, None
        if process is None:
            return
        try:
            family = psutil.Process(process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            family = []
        process.terminate()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _, alive = psutil.wait_procs(family, timeout=2.0)
        for child in alive:
            child.kill()
        psutil.wait_procs(alive, timeout=2.0)
        _kill_group(process.pid)

    def resident_bytes(self) -> int:
        """Resident memory of the service and everything that it started, pages that they share counted in each."""
        import psutil

        if self._process is None:
            return 0
        leader = psutil.Process(self._process.pid)
        return sum(one.memory_info().rss for one in (leader, *leader.children(recursive=True)))

    def tail(self, lines: int = 20) -> str:
        """The last lines that the service wrote."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _wait(self, process: subprocess.Popen[bytes], begun: float) -> None:
        while time.monotonic() - begun < self._timeout_s:
            if process.poll() is not None:
                raise ConfigError(f"the service {self.tag} ended with exit code {process.returncode}:\n{self.tail()}")
            if _answers(f"{self.url}/readyz"):
                return
            time.sleep(0.05)
        raise ConfigError(f"the service {self.tag} was not ready within {self._timeout_s:g} s:\n{self.tail()}")

    def __enter__(self) -> Self:
        """Start; see ``start``."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; see ``stop``."""
        self.stop()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with _DIRECT.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
