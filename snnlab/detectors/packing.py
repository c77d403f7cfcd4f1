"""Named arrays as bytes: an Arrow stream of one record, each array a value, compressed by zstd, with a checksum.

A quarter of a second for 100 MB: a checkpoint is written every second or so, a model file now and then.
"""

import json
import zlib

import numpy as np
import pyarrow as pa

from snnlab.errors import ModelFormatError
from snnlab.types import Array, Arrays, Json

__all__ = ["pack", "unpack_arrays"]

_TOLD = b"snnlab"
_SUM = 4  # bytes of the checksum at the end


def pack(arrays: Arrays, told: Json) -> bytes:
    """Arrays, and what is told beside them.

    >>> arrays, told = unpack_arrays(pack({"weights": np.eye(2, dtype="<f4")}, {"n": 3}))
    >>> arrays["weights"].tolist(), told
    ([[1.0, 0.0], [0.0, 1.0]], {'n': 3})
    """
    shapes = {name: [array.dtype.str, *array.shape] for name, array in arrays.items()}
    head = {_TOLD: json.dumps({"told": told, "arrays": shapes}).encode()}
    schema = pa.schema([(name, pa.large_binary()) for name in arrays], head)
    record = pa.record_batch([_value(array) for array in arrays.values()], schema)
    sink = pa.BufferOutputStream()
    codec = pa.Codec("zstd", compression_level=1)
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression=codec, use_threads=False)) as out:
        out.write_batch(record)
    content = sink.getvalue()
    return b"".join((content, zlib.crc32(content).to_bytes(_SUM, "little")))


def unpack_arrays(content: bytes) -> tuple[Arrays, Json]:
    """The arrays, writable, and what was told. Raises ModelFormatError for bytes that :func:`pack` did not make."""
    body = memoryview(content)[:-_SUM]
    if len(content) < _SUM or zlib.crc32(body).to_bytes(_SUM, "little") != content[-_SUM:]:
        raise ModelFormatError(f"{len(content)} bytes are damaged: their checksum does not fit; start from a model")
    record = pa.ipc.open_stream(pa.py_buffer(body)).read_next_batch()
    head = json.loads(record.schema.metadata[_TOLD])
    names = record.schema.names
    arrays = {name: _array(record.column(at), *head["arrays"][name]) for at, name in enumerate(names)}
    return arrays, head["told"]


def _value(array: Array) -> pa.Array:
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    ends = pa.py_buffer(np.array([0, flat.size], np.int64))
    return pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(flat)])


def _array(column: pa.Array, kind: str, *shape: int) -> Array:
    flat = np.frombuffer(column[0].as_buffer(), np.dtype(kind))
    return flat.reshape(shape).copy()
