"""Server software from Maven, by its ordinary client: kept in the local Maven repository, unpacked where it runs."""

import subprocess
import tarfile
from pathlib import Path

from snnlab.errors import ConfigError
from snnlab.services.draft import drafted, whole

__all__ = ["libraries", "unpacked"]


def unpacked(artifact: str, folder: Path) -> Path:
    """The folder that an archive, such as ``group:name:version:tar.gz:bin``, unpacks to below ``folder``."""
    if not whole(folder):
        with drafted(folder) as draft:
            _mvn(draft, "dependency:copy", f"-Dartifact={artifact}")
            (archive,) = draft.glob("*.tar.gz")
            with tarfile.open(archive) as packed:  # not by Maven: old versions of its plugin cut long names
                packed.extractall(draft / "home", filter="tar")
            archive.unlink()
    (home,) = (folder / "home").iterdir()
    return home


def libraries(pom: Path, folder: Path) -> Path:
    """A folder with the jars that a pom names and all that they need."""
    if not whole(folder):
        with drafted(folder) as draft:
            _mvn(draft, "-f", str(pom), "dependency:copy-dependencies")
    return folder


def _mvn(folder: Path, *words: str) -> None:
    command = ["mvn", "-q", "-B", *words, f"-DoutputDirectory={folder}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - own command
    if done.returncode:
        told = " ".join((done.stdout + done.stderr).split())[:500]
        raise ConfigError(f"{' '.join(command)} failed: {told}; see that Maven reaches its repository")
