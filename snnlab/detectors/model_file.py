"""The model file: everything about a detector in one versioned archive, and nothing that runs when it is read.

A zip of ``manifest.json`` (format, version, domain, flags, entity rows) and one ``.npy`` an array, written without
compression of time stamps, so that equal detectors give equal bytes. Arrays are never unpickled. User code (encoders of
a notebook cell) travels as source and runs only when the caller trusts it.

Large arrays of reals lie in ``planes/``: a ``.npy`` whose content holds the first bytes of all numbers, then the second
ones, and so on (the shuffle filter of HDF5). Signs and exponents, which differ little, then lie together: weights take
an eighth less room and two thirds of the time, and come back bit for bit.
"""

import io
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np

from snnlab.detectors.unpacking import allowed, array_of, entry, opened, sources_of
from snnlab.errors import ModelFormatError, ModelNotFound, ModelVersionError
from snnlab.types import Arrays, Json

__all__ = ["FORMAT", "ModelFile"]

FORMAT = 2
_MAGIC = "snnlab-model"
_LARGE = 2**16
"""Bytes of reals from which they are laid in planes."""
_PIECE = 2**16
"""Numbers that are laid in planes at a time."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
# What zipfile, zlib, json and NumPy raise on bytes that were cut or changed; RuntimeError is a flag "encrypted".
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, KeyError, EOFError, ValueError, OSError, TypeError, RuntimeError,
)  # fmt: skip


@dataclass(frozen=True)
class ModelFile:
    """A manifest, named arrays, and the sources of user code by name."""

    manifest: Json
    arrays: Arrays
    sources: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Self:
        """The same, whatever becomes of the arrays."""
        return replace(self, arrays={name: array.copy() for name, array in self.arrays.items()})

    def to_bytes(self) -> bytes:
        """The archive; the same content gives the same bytes.

        Arrays that hold next to nothing yet are stored as they are where they would else unpack to more than a reader
        allows.
        """
        packed = self._archive(zipfile.ZIP_DEFLATED)
        return packed if allowed(packed) else self._archive(zipfile.ZIP_STORED)

    def _archive(self, compression: int) -> bytes:
        out = io.BytesIO()
        head = {"magic": _MAGIC, "format": FORMAT, **self.manifest}
        with zipfile.ZipFile(out, "w", compression, compresslevel=1) as archive:
            _put(archive, "manifest.json", json.dumps(head, sort_keys=True).encode())
            for name in sorted(self.sources):
                _put(archive, f"code/{name}.py", self.sources[name].encode())
            for name in sorted(self.arrays):
                array = self.arrays[name]
                large = array.dtype.kind == "f" and array.nbytes >= _LARGE
                _put(archive, f"{'planes' if large else 'arrays'}/{name}.npy", _npy(_planes(array) if large else array))
        return out.getvalue()

    @classmethod
    def read(cls, source: bytes | str | Path) -> "ModelFile":
        """An archive from bytes or a path.

        Raises:
            ModelNotFound: there is no file at the path.
            ModelFormatError: the bytes are truncated, damaged or not a model.
            ModelVersionError: a newer snnlab wrote them.
        """
        content = source if isinstance(source, bytes) else _read(Path(source))
        try:
            with opened(content) as archive:
                manifest = json.loads(entry(archive, "manifest.json"))
                _check(manifest)
                names, sources = archive.namelist(), sources_of(archive)
                arrays = {n[7:-4]: array_of(entry(archive, n)) for n in names if n.startswith("arrays/")}
                arrays |= {n[7:-4]: _numbers(array_of(entry(archive, n))) for n in names if n.startswith("planes/")}
        except (ModelFormatError, ModelVersionError):
            raise
        except _DAMAGE as wrong:
            raise ModelFormatError(
                f"{len(content)} bytes are not a whole model ({wrong}); fetch or save the model again"
            ) from wrong
        return cls(manifest, arrays, sources)

    @staticmethod
    def code(content: bytes) -> dict[str, str]:
        """The sources of user code alone. Raises ModelFormatError for bytes that are no model."""
        try:
            with opened(content) as archive:
                return sources_of(archive)
        except _DAMAGE as wrong:
            raise ModelFormatError(f"{len(content)} bytes are not a whole model ({wrong})") from wrong


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    packed = zipfile.ZipInfo(name, date_time=_EPOCH)
    packed.compress_type = archive.compression
    archive.writestr(packed, content)


def _npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()


def _planes(array: np.ndarray) -> np.ndarray:
    """An array of the same type and shape that holds the numbers' bytes, all first ones first.

    >>> _planes(np.array([1.0, 2.0], "<f4")).tobytes().hex(" ")
    '00 00 00 00 80 00 3f 40'
    """
    each = np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(-1, array.itemsize)
    if not each.any():
        return np.ascontiguousarray(array)  # as much of a fresh model is
    planes = np.empty((array.itemsize, len(each)), np.uint8)
    for start in range(0, len(each), _PIECE):  # at once it would keep the interpreter, and who else needs it, waiting
        planes[:, start : start + _PIECE] = each[start : start + _PIECE].T
    return planes.reshape(-1).view(array.dtype).reshape(array.shape)


def _numbers(planes: np.ndarray) -> np.ndarray:
    """The array that :func:`_planes` was given, writable.

    >>> _numbers(_planes(np.array([[1.5], [-2.0]]))).tolist()
    [[1.5], [-2.0]]
    """
    each = planes.reshape(-1).view(np.uint8).reshape(planes.itemsize, -1)
    if not each.any():
        return planes
    return np.ascontiguousarray(each.T).view(planes.dtype).reshape(planes.shape)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise ModelNotFound(
            f"no model at {str(path)!r} ({wrong.strerror}); name a .snn file or models:/name@alias"
        ) from wrong


def _check(manifest: object) -> None:
    if not isinstance(manifest, dict) or manifest.get("magic") != _MAGIC:
        raise ModelFormatError("the archive is not a snnlab model: its manifest does not say so; name a .snn file")
    if not isinstance(manifest.get("format"), int):
        raise ModelFormatError(f"the model has format {manifest.get('format')!r}, which is no number; save it again")
    if manifest["format"] > FORMAT:
        raise ModelVersionError(
            f"the model has format {manifest['format']}, this snnlab reads up to {FORMAT}; install a newer snnlab"
        )
