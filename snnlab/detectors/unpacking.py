"""A model file taken apart without believing what it says of itself.

An archive of a few kilobytes can claim gigabytes (a zip bomb), and the header of a ``.npy`` any shape at all. So what
is told is added up before anything is unpacked, no entry is unpacked further than it told, and an array is as large
as its bytes.
"""

import io
import zipfile
from math import prod

import numpy as np
from numpy.lib import format as npy

from snnlab.errors import ModelFormatError

__all__ = ["allowed", "array_of", "entry", "opened", "sources_of"]

_ALWAYS = 2**28
_TIMES = 100
"""An archive may unpack to 256 MiB, or to a hundred times its size: fresh models reach 150 times and more, nearly all
of them at fewer than 256 MiB."""
_CODE = "code/"


def opened(content: bytes) -> zipfile.ZipFile:
    """The archive of some bytes. Raises ModelFormatError where it would unpack to far more than a model does."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    told, most = _told(archive), _most(content)
    if told > most:
        raise ModelFormatError(
            f"{len(content)} bytes would unpack to {told}, a model's to {most} at most; fetch or save the model again"
        )
    return archive


def allowed(content: bytes) -> bool:
    """Whether :func:`opened` would open an archive."""
    return _told(zipfile.ZipFile(io.BytesIO(content))) <= _most(content)


def _told(archive: zipfile.ZipFile) -> int:
    return sum(info.file_size for info in archive.infolist())


def _most(content: bytes) -> int:
    return max(_ALWAYS, _TIMES * len(content))


def entry(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of an entry, of which no more is unpacked than it told."""
    info = archive.getinfo(name)
    with archive.open(info) as packed:
        return packed.read(info.file_size)


def sources_of(archive: zipfile.ZipFile) -> dict[str, str]:
    """The user code that a model carries, by the kind of its encoder."""
    names = [name for name in archive.namelist() if name.startswith(_CODE)]
    return {name[len(_CODE) : -3]: entry(archive, name).decode() for name in names}


def array_of(content: bytes) -> np.ndarray:
    """The array of a ``.npy``, never unpickled.

    Raises ValueError where its header tells of another size than it has.

    >>> whole = io.BytesIO()
    >>> np.save(whole, np.arange(3))
    >>> array_of(whole.getvalue())
    array([0, 1, 2])
    """
    read = io.BytesIO(content)
    version = npy.read_magic(read)  # type: ignore[no-untyped-call]
    heads = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in heads:
        raise ValueError(f".npy of version {version}")
    shape, _, dtype = heads[version](read)  # type: ignore[no-untyped-call]
    told, there = prod(shape) * dtype.itemsize, len(content) - read.tell()
    if not dtype.hasobject and told != there:
        raise ValueError(f"an array of shape {shape} and type {dtype} has {told} bytes, not {there}")
    read.seek(0)
    array: np.ndarray = npy.read_array(read, allow_pickle=False)  # type: ignore[no-untyped-call]
    return array
