"""One table of keys and values: text keys of parts, such as ``row/MODEL/STREAM/SHARD/ENTITY``, to bytes.

Keys sort, so that those with the same beginning are found together; transactions lock what they read.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from pyignite import Client

__all__ = ["Kept", "key_of", "parts_of"]

# Tables share partitions: each takes a file, and memory of the server's heap. No table has a dot in its name, which
# may not be a group's.
_GROUP = "snnlab.kept"

_AT_ONCE = 500
_WAIT_MS = 60_000


def key_of(*parts: str | int) -> str:
    """A key of its parts; numbers sort as numbers.

    >>> key_of("row", "web@1", "shop/eu", 3)
    'row/web%401/shop%2Feu/000000000003'
    """
    return "/".join(f"{part:012d}" if isinstance(part, int) else quote(part, safe="") for part in parts)


def parts_of(key: str) -> list[str]:
    """The parts of a key, as text.

    >>> parts_of("row/web%401/shop%2Feu/000000000003")
    ['row', 'web@1', 'shop/eu', '000000000003']
    """
    return [unquote(part) for part in key.split("/")]


@dataclass(frozen=True)
class Kept:
    """The table ``name`` as one connection sees it."""

    client: "Client"
    name: str

    def make(self) -> None:
        """Make the table, if it is not there; its rows survive a restart where the server's memory does."""
        self.client.sql(
            f"CREATE TABLE IF NOT EXISTS {self.name} (k VARCHAR PRIMARY KEY, v VARBINARY) WITH "
            f'"cache_name={self.name},cache_group={_GROUP},template=partitioned,backups=1,atomicity=transactional,'
            'write_synchronization_mode=full_sync,wrap_value=false"'
        )

    @contextmanager
    def transaction(self) -> Iterator["Kept"]:
        """All or nothing; what is read in it, nobody else writes meanwhile."""
        with self.client.tx_start(timeout=_WAIT_MS) as begun:  # pessimistic and repeatable, unless told
            yield self
            begun.commit()

    def get(self, key: str) -> bytes | None:
        """The value of a key; None where there is none."""
        found: bytes | None = self._cache().get(key)
        return found

    def get_all(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The values of those keys that there are."""
        found: dict[str, bytes] = {}
        for start in range(0, len(keys), _AT_ONCE):
            found |= self._cache().get_all(list(keys[start : start + _AT_ONCE]))
        return found

    def put(self, key: str, value: bytes) -> None:
        """Write one value."""
        self._cache().put(key, value)

    def put_all(self, values: Mapping[str, bytes]) -> None:
        """Write values, in the order of their keys, so that two writers do not wait for each other."""
        keys = sorted(values)
        for start in range(0, len(keys), _AT_ONCE):
            self._cache().put_all({key: values[key] for key in keys[start : start + _AT_ONCE]})

    def remove(self, key: str) -> bool:
        """Remove a key; False where it is not there."""
        removed: bool = self._cache().remove_key(key) if self._cache().contains_key(key) else False
        return removed is not False

    def remove_all(self, keys: Sequence[str]) -> None:
        """Remove those keys that there are."""
        for start in range(0, len(keys), _AT_ONCE):
            self._cache().remove_keys(list(keys[start : start + _AT_ONCE]))

    def below(self, *parts: str | int) -> dict[str, bytes]:
        """Everything whose key begins with these parts, in the order of the keys."""
        begin = key_of(*parts)
        query = f"SELECT k, v FROM {self.name} WHERE k >= ? AND k < ? ORDER BY k"  # noqa: S608 - own name
        # "0" is what follows "/"
        with self.client.sql(query, query_args=[f"{begin}/", f"{begin}0"], page_size=256) as rows:
            return {key: bytes(value) for key, value in rows}

    def _cache(self) -> Any:  # noqa: ANN401 - of a library without types
        return self.client.get_cache(self.name)
