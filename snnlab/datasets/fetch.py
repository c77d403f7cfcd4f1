"""Fetching a public set: its originals at a pinned commit, each checked, then laid out as the loaders read them."""

import hashlib
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import IO, NoReturn
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from snnlab.config import Settings
from snnlab.datasets.conversions import CONVERSIONS
from snnlab.datasets.folder import FETCHED
from snnlab.datasets.manifest import Manifest, Original
from snnlab.datasets.public import SETS, streams
from snnlab.errors import ConfigError, DatasetMissing

__all__ = ["BASE_URL", "fetch"]

BASE_URL = "https://raw.githubusercontent.com"
CHUNK = 1 << 16
ATTEMPTS = 3
TIMEOUT_S = 30.0


class _UnfinishedError(OSError):
    """A connection that ended before the file did: worth another attempt."""


def fetch(
    name: str,
    root: str | Path | None = None,
    *,
    base_url: str = BASE_URL,
    progress: bool = True,
    manifest: Manifest | None = None,
    pause_s: float = 1.0,
) -> Path:
    """Download the public set ``name`` into ``root / name`` and return that folder.

    ``root`` is by default what SNNLAB_DATA names, else ``data`` in the working directory. Files that are there and
    whole are not downloaded again, so a fetch that was broken off goes on where it stopped; a file takes its place only
    when its size and SHA-256 are the manifest's. A broken connection is tried three times, ``pause_s`` and more apart.
    Raises DatasetMissing for an unknown name, a file that is not at its URL, no network, and another size or checksum.
    """
    if name not in SETS:
        raise DatasetMissing(f"no public set {name!r}; the sets are {', '.join(SETS)}")
    if not base_url.startswith(("https://", "http://")):
        raise ConfigError(f"base URL {base_url!r} is not http:// or https://")
    manifest = manifest or Manifest.of(name)
    folder = Path(root if root is not None else Settings.load().data or FETCHED) / name
    lacking = [file for file in manifest.files if not _is_whole(folder / file.to, file)]
    with _bar(name, sum(file.bytes for file in lacking), shown=progress) as bar:
        for file in lacking:
            _download(manifest.url(file, base_url), folder / file.to, file, pause_s)
            bar.update(file.bytes)
    if name in CONVERSIONS and (lacking or not SETS[name].parts(folder)):
        CONVERSIONS[name](folder / "original", folder)
    if not streams(name, root=folder.parent):
        raise DatasetMissing(
            f"{folder} holds no stream of {name} after the download; remove the folder and fetch again"
        )
    return folder


def _bar(name: str, total: int, *, shown: bool) -> "tqdm[NoReturn]":
    return tqdm(total=total, desc=name, unit="B", unit_scale=True, disable=not shown or not total)


def _is_whole(path: Path, file: Original) -> bool:
    if not path.is_file() or path.stat().st_size != file.bytes:
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256


def _download(url: str, path: Path, file: Original, pause_s: float) -> None:
    _make_folder(path.parent)
    part = path.with_name(f".{path.name}.part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            found = _save(url, part, file)
            break
        except (URLError, HTTPException, OSError) as wrong:
            part.unlink(missing_ok=True)
            if getattr(wrong, "filename", None) == str(part):
                raise ConfigError(f"{part} cannot be written: {wrong}; fetch into another folder") from wrong
            if attempt == ATTEMPTS or (isinstance(wrong, HTTPError) and wrong.code < 500):
                raise DatasetMissing(_told(url, wrong)) from wrong
            time.sleep(pause_s * 2 ** (attempt - 1))
    if found != file.sha256:
        part.unlink()
        raise DatasetMissing(
            f"{url} has SHA-256 {found}, the manifest says {file.sha256}: the file there is another one. "
            "Nothing of it was kept; try again later, or report it if it stays so"
        )
    part.replace(path)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise ConfigError(f"{folder} cannot be made: {wrong.strerror}; fetch into another folder") from wrong


def _save(url: str, part: Path, file: Original) -> str:
    """Write what is at ``url`` into ``part`` and return its SHA-256; never more bytes than the manifest says."""
    digest, size = hashlib.sha256(), 0
    request = Request(url, headers={"User-Agent": "snnlab"})  # noqa: S310 - fetch takes http and https only
    with urlopen(request, timeout=TIMEOUT_S) as answer, part.open("wb") as out:  # noqa: S310
        for chunk in _chunks(answer):
            size += len(chunk)
            if size > file.bytes:
                raise _UnfinishedError(f"it is longer than the {file.bytes} bytes of the manifest")
            digest.update(chunk)
            out.write(chunk)
    if size < file.bytes:
        raise _UnfinishedError(f"it ended after {size} of {file.bytes} bytes")
    return digest.hexdigest()


def _chunks(answer: IO[bytes]) -> Iterator[bytes]:
    while chunk := answer.read(CHUNK):
        yield chunk


def _told(url: str, wrong: Exception) -> str:
    if isinstance(wrong, HTTPError):
        return f"{url} answers {wrong.code} {wrong.reason}; check the base URL, or try again later"
    if isinstance(wrong, _UnfinishedError):
        return f"{url} cannot be had whole: {wrong}. Run the fetch again: it goes on with the files that are lacking"
    reason = getattr(wrong, "reason", None) or wrong
    return f"{url} cannot be reached ({reason}); check the network, then run the fetch again"
