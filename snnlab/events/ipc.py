"""Whether an Arrow stream holds compressed buffers, found before any is unpacked.

Arrow unpacks them as it reads, to whatever size they tell: a few kilobytes could take all memory. So the messages'
heads are looked at first. They are FlatBuffers tables; the numbers of their fields are those of Arrow's Message.fbs,
format 1.5: RecordBatch.compression is field 3, DictionaryBatch.data field 1.
"""

import struct

import pyarrow as pa

__all__ = ["holds_compressed"]

_DICTIONARY, _RECORDS = 2, 3  # of the union MessageHeader
_HEADER_TYPE, _HEADER, _DATA, _COMPRESSION = 1, 2, 1, 3


def holds_compressed(content: "bytes | memoryview | pa.Buffer") -> bool:
    """Whether a message of a stream has compressed buffers.

    Raises pyarrow.ArrowInvalid, OSError or struct.error for bytes that are no Arrow stream.

    >>> batch = pa.record_batch({"a": [0] * 1000})
    >>> def stream(compression):
    ...     sink, options = pa.BufferOutputStream(), pa.ipc.IpcWriteOptions(compression=compression)
    ...     with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
    ...         writer.write_batch(batch)
    ...     return sink.getvalue()
    >>> holds_compressed(stream(None)), holds_compressed(stream("zstd"))
    (False, True)
    """
    messages = pa.ipc.MessageReader.open_stream(pa.BufferReader(pa.py_buffer(content)))
    try:
        while not _compressed(messages.read_next_message().metadata.to_pybytes()):
            pass
    except StopIteration:
        return False
    return True


def _compressed(head: bytes) -> bool:
    (table,) = struct.unpack_from("<I", head, 0)
    kind, header = _field(head, table, _HEADER_TYPE), _field(head, table, _HEADER)
    if kind is None or header is None or head[kind] not in {_DICTIONARY, _RECORDS}:
        return False
    batch = _followed(head, header)
    if head[kind] == _DICTIONARY:
        data = _field(head, batch, _DATA)
        if data is None:
            return False
        batch = _followed(head, data)
    return _field(head, batch, _COMPRESSION) is not None


def _field(head: bytes, table: int, number: int) -> int | None:
    """Where a field of a table stands; None where the table leaves it out."""
    (back,) = struct.unpack_from("<i", head, table)
    (size,) = struct.unpack_from("<H", head, table - back)
    at = 4 + 2 * number
    if at + 2 > size:
        return None
    (offset,) = struct.unpack_from("<H", head, table - back + at)
    return table + offset if offset else None


def _followed(head: bytes, at: int) -> int:
    (offset,) = struct.unpack_from("<I", head, at)
    return at + int(offset)
