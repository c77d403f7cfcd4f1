"""Strings on their way to Ignite, written as the bytes that they are.

pyignite makes a ctypes class for each string that it writes, which takes most of the time of writing an anomaly.
"""

from typing import Any

from pyignite.datatypes import String

__all__ = ["Text"]


class Text(String):  # type: ignore[misc]  # pyignite has no types
    """A type hint for a query's argument: ``(value, Text)``."""

    @classmethod
    def from_python_not_null(cls, stream: Any, value: str, **_: Any) -> None:  # noqa: ANN401 - pyignite's own stream
        """Write a string as Ignite's binary protocol has it: its type, its length in bytes, itself."""
        content = value.encode()
        stream.write(b"".join((cls.type_code, len(content).to_bytes(4, "little"), content)))
