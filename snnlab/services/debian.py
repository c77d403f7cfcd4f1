"""Server software from Debian's packages, by apt's ordinary client: downloaded and unpacked, not installed.

No root is needed, and nothing of the system is changed: apt keeps its own lists in a folder here where those of the
system name no such package. Unpacked packages stay in the user's cache.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from snnlab.errors import ConfigError
from snnlab.services.draft import drafted

__all__ = ["missing", "unpacked"]


def missing() -> str:
    """Why packages cannot be had on this machine; empty where they can."""
    lacking = [word for word in ("apt-get", "dpkg-deb") if shutil.which(word) is None]
    return f"there is no {' and no '.join(lacking)}" if lacking else ""


def unpacked(package: str) -> Path:
    """The folder that a package's files are unpacked to, as ``usr/bin`` and so on, without what it depends on."""
    folder = _cache() / package
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with drafted(folder) as draft:
                archive = _downloaded(package, draft)
                _run(["dpkg-deb", "--extract", str(archive), str(draft)], draft)
                archive.unlink()
    return folder


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "snnlab" / "debian"


def _downloaded(package: str, folder: Path) -> Path:
    try:
        _run(["apt-get", "download", package], folder)
    except ConfigError:  # the system's lists are not there yet, or are old
        own = _own_lists(folder / "apt")
        _run(["apt-get", *own, "update"], folder)
        _run(["apt-get", *own, "download", package], folder)
        shutil.rmtree(folder / "apt")
    (archive,) = folder.glob("*.deb")
    return archive


def _own_lists(folder: Path) -> list[str]:
    """Options that let apt keep its lists in a folder."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    return ["-o", f"Dir::State={folder / 'state'}", "-o", f"Dir::Cache={folder / 'cache'}", "-o", "Debug::NoLocking=1"]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - own command
    if done.returncode:
        told = " ".join((done.stderr or done.stdout).split())[:500]
        raise ConfigError(f"{' '.join(command)} failed: {told}; see that apt reaches Debian's packages")
