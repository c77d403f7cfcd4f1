"""Processes of servers: started apart from this one, found again by what they were started with, and ended."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["alive", "end", "start", "tail"]


def start(command: Sequence[str], *, folder: Path, log: Path, environment: Mapping[str, str] | None = None) -> int:
    """Start a server in a session of its own, its words kept in ``log``; returns its process id."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as said:
        process = subprocess.Popen(  # noqa: S603 - the command is this project's
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    return process.pid


def alive(pid: int, mark: str) -> bool:
    """Whether a process is there whose command line holds ``mark``: an id alone may be another process's by now."""
    if pid <= 0:
        return False
    with suppress(ChildProcessError):  # one that was started here and has ended must be waited for, or it stays listed
        os.waitpid(pid, os.WNOHANG)
    found = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return mark in found.stdout


def end(pid: int, mark: str, *, patience_s: float = 20.0) -> None:
    """Ask a process to end, and end it if it does not."""
    for how, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 5.0)):
        if not alive(pid, mark):
            return
        with suppress(ProcessLookupError):
            os.kill(pid, how)
        until = time.monotonic() + wait_s
        while alive(pid, mark) and time.monotonic() < until:
            time.sleep(0.1)


def tail(log: Path, lines: int = 5) -> str:
    """The last lines of a log."""
    try:
        return " | ".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "no log"
