"""This installation of snnlab as a wheel and a list of pins, for a Bento that runs where the source tree is not.

A wheel of pure Python is a zip of the package and of its metadata (PEP 427), so it is packed from the files that
are running: nothing is downloaded, and the Bento holds exactly what built it.
"""

import csv
import io
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import snnlab
from snnlab.errors import ConfigError

__all__ = ["pack_wheel", "pinned_requirements"]

_EPOCH = (1980, 1, 1, 0, 0, 0)  # equal sources give equal wheels
_BESIDE = {"bentos": "_bentos", "pipelines": "_pipelines"}


def pack_wheel(folder: Path) -> Path:
    """Write the wheel of the running snnlab into ``folder``; returns its path."""
    name, version, requires = _described()
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    told = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", *(f"Requires-Dist: {r}\n" for r in requires)]
    contents = dict(_package_files())
    contents[f"{info}/METADATA"] = "".join(told).encode()
    contents[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: snnlab\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    contents[f"{info}/RECORD"] = _record(contents, f"{info}/RECORD")
    with ZipFile(path, "w") as archive:
        for member, content in contents.items():
            entry = ZipInfo(member, date_time=_EPOCH)
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def pinned_requirements() -> list[str]:
    """What serving needs, each pinned to the version that is installed here, and what those need in turn.

    Raises ConfigError where a package that serving needs is not installed.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    wanted = [(Requirement(text), "serve") for text in _described()[2]]
    pins: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    while wanted:
        requirement, extra = wanted.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        for part in {"", *requirement.extras}:
            if (name, part) not in seen:
                seen.add((name, part))
                found = _distribution(name)
                pins[name] = found.version
                wanted += [(Requirement(text), part) for text in found.requires or ()]
    return [f"{name}=={version}" for name, version in sorted(pins.items())]


def _distribution(name: str) -> metadata.Distribution:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError as error:
        raise ConfigError(
            f"the package {name!r}, which the service needs, is not installed; install snnlab[serve]"
        ) from error


def _described() -> tuple[str, str, list[str]]:
    """Name, version and requirements: of the source tree that runs, or of the installed distribution."""
    source = Path(snnlab.__file__).parents[1] / "pyproject.toml"
    if not source.exists():
        found = _distribution("snnlab")
        return "snnlab", found.version, list(found.requires or ())
    project = tomllib.loads(source.read_text(encoding="utf-8"))["project"]
    requires = list(project["dependencies"])
    for extra, packages in project["optional-dependencies"].items():
        for package in packages:
            requirement, _, marker = (part.strip() for part in package.partition(";"))
            condition = f"({marker}) and extra == '{extra}'" if marker else f"extra == '{extra}'"
            requires.append(f"{requirement} ; {condition}")
    return project["name"], project["version"], requires


def _package_files() -> Iterator[tuple[str, bytes]]:
    package = Path(snnlab.__file__).parent
    yield from _files(package, "snnlab")
    for beside, inside in _BESIDE.items():
        if not (package / inside).is_dir():
            yield from _files(package.parent / beside, f"snnlab/{inside}")


def _files(folder: Path, name: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part == "__pycache__" or part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield f"{name}/{path.relative_to(folder).as_posix()}", path.read_bytes()


def _record(contents: dict[str, bytes], itself: str) -> bytes:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for member, content in contents.items():
        digest = urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
        writer.writerow([member, f"sha256={digest}", len(content)])
    writer.writerow([itself, "", ""])
    return lines.getvalue().encode()
