"""Events to features: columns as they are, and windows over each key's past."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float64, Int32, Int64

from snnlab.errors import ConfigError, EventError
from snnlab.events.batch import EventBatch
from snnlab.features.aggregates import (
    AGGREGATES,
    ENTITY,
    HEAD,
    SLOTS,
    STREAM,
    TABLE,
    Keyed,
    first_flaw,
    walk,
)
from snnlab.features.feature import Feature
from snnlab.features.readonly import readonly
from snnlab.features.symbols import symbols_of_text
from snnlab.types import Array, Arrays

__all__ = ["FeatureBank", "FeatureBlock"]

_WAYS = {"entity": 64, "stream": 4096}
_TABLE_WAYS = 16
_KEYS = {"entity": ENTITY, "stream": STREAM}
_STATELESS = ("value", "hour", "week", "match")


@dataclass(frozen=True)
class FeatureBlock:
    """Features of ``n`` events: ``p`` numbers and ``c`` symbols, 31-bit hashes of words."""

    numbers: Float64[np.ndarray, "n p"]
    symbols: Int32[np.ndarray, "n c"]
    names_numbers: tuple[str, ...]
    names_symbols: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class _Plan:
    """What one key's features read and fill: :class:`Keyed` without its state."""

    key: int
    names: tuple[str, str, str, str]
    columns: Int64[np.ndarray, " k"]
    others: Int64[np.ndarray, " k"]
    kinds: Int64[np.ndarray, " k"]
    windows_us: Float64[np.ndarray, " k"]
    logs: Array
    ats: Int64[np.ndarray, " k"]
    sketches: Int64[np.ndarray, " k"]
    targets: Int64[np.ndarray, " k"]

    def bind(self, state: Arrays) -> Keyed:
        own = self.kinds, self.columns, self.others, self.windows_us, self.logs, self.ats, self.sketches, self.targets
        return Keyed(self.key, *own, *(state[name] for name in self.names))


@dataclass(frozen=True)
class _Layout:
    """A bank bound to the columns of a batch: plans, and the numeric columns that they read."""

    plans: tuple[_Plan, ...]
    read: Int64[np.ndarray, " k"]


@dataclass(frozen=True)
class FeatureBank:
    """The features of a stream and the state that their windows keep.

    Features are strictly causal (an event is described by itself and the past) and the same however the stream is cut
    into batches. State is named arrays; those named ``entity.…`` have one row an entity and a row of zeros has seen
    nothing; ``stream.…`` have one row; ``key.<category>.…`` are tables of 65,536 rows addressed by the hash of the
    word, where two words may meet; ``shared.…`` is what all keys of a kind know together.

    >>> bank = FeatureBank((Feature(name="step", aggregate="change", column="cpu"),))
    >>> batch = EventBatch.from_columns(np.array([[1.0], [4.0], [2.0]]), ["cpu"], entities=["a", "a", "b"])
    >>> bank.extract(batch, np.array([0, 0, 1], dtype=np.int32), bank.fresh(2)).numbers[:, 0].tolist()
    [0.0, 3.0, 0.0]
    """

    features: tuple[Feature, ...]
    _layouts: dict[tuple[tuple[str, ...], tuple[str, ...]], _Layout] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        named = Counter(feature.name for feature in self.features)
        twice = sorted(name for name, times in named.items() if times > 1)
        if twice:
            raise ConfigError(f"features {twice} are named twice; give each feature a name of its own")

    @cached_property
    def numeric(self) -> tuple[Feature, ...]:
        """The features that are numbers, in the order of ``FeatureBlock.numbers``."""
        return tuple(feature for feature in self.features if feature.aggregate != "category")

    @cached_property
    def symbolic(self) -> tuple[Feature, ...]:
        """The features that are symbols, in the order of ``FeatureBlock.symbols``."""
        return tuple(feature for feature in self.features if feature.aggregate == "category")

    @cached_property
    def names_numbers(self) -> tuple[str, ...]:
        """Names of the numeric features."""
        return tuple(feature.name for feature in self.numeric)

    @cached_property
    def names_symbols(self) -> tuple[str, ...]:
        """Names of the symbolic features."""
        return tuple(feature.name for feature in self.symbolic)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Category columns that the features and their keys read."""
        return tuple(dict.fromkeys(name for feature in self.features for name in feature.category_columns))

    @cached_property
    def _keyed(self) -> dict[str, tuple[tuple[int, Feature], ...]]:
        """Numeric features with their place in the block, by key; equal windows stand together and share a decay."""
        keyed: dict[str, list[tuple[int, Feature]]] = {}
        for target, feature in enumerate(self.numeric):
            key = "stream" if feature.aggregate in _STATELESS else feature.key
            keyed.setdefault(key, []).append((target, feature))
        return {key: tuple(sorted(some, key=lambda item: item[1].window)) for key, some in keyed.items()}

    def fresh(self, capacity: int) -> Arrays:
        """State that has seen nothing, with room for ``capacity`` entities."""
        state: Arrays = {}
        for key, some in self._keyed.items():
            rows = {"entity": capacity, "stream": 1}.get(key, TABLE)
            slots = sum(SLOTS.get(feature.aggregate, 0) for _, feature in some)
            sketches = sum(feature.aggregate in {"distinct", "novel"} for _, feature in some)
            ways = _WAYS.get(key, _TABLE_WAYS)
            prefix = _prefix(key)
            state[f"{prefix}.windows"] = np.zeros((rows, HEAD + slots))
            state[f"{prefix}.tags"] = np.zeros((rows, sketches, ways), dtype=np.uint16)
            state[f"{prefix}.seen"] = np.zeros((rows, sketches, ways), dtype=np.uint32)
            state[f"shared.{prefix}"] = np.zeros((len(some), 5))
        return state

    def grow(self, state: Arrays, capacity: int) -> Arrays:
        """The same state with room for ``capacity`` entities; rows that are new have seen nothing."""
        grown = dict(state)
        for name, array in state.items():
            if name.startswith("entity.") and len(array) < capacity:
                grown[name] = np.zeros((capacity, *array.shape[1:]), dtype=array.dtype)
                grown[name][: len(array)] = array
        return grown

    def clear(self, state: Arrays, rows: Int32[np.ndarray, " k"]) -> None:
        """Let the entities' ``rows`` forget everything, in place."""
        for name, array in state.items():
            if name.startswith("entity."):
                array[rows] = 0

    def extract(self, batch: EventBatch, rows: Int32[np.ndarray, " n"], state: Arrays) -> FeatureBlock:
        """Features of a batch of events in order; ``rows[i]`` is the state row of event i's entity. Updates ``state``.

        Raises EventError, before anything is changed, for a column that the batch lacks, a value that is not finite
        or a row out of range.
        """
        layout = self._layout_of(batch.names, batch.category_names)
        values = readonly(batch.values, np.float64)
        self._check(batch, values, rows, layout, state)
        symbols, times = self.symbols(batch), readonly(batch.timestamps, np.int64)
        out = np.empty((len(values), len(self.numeric)))
        for plan in layout.plans:
            walk(times, rows, values, symbols, plan.bind(state), out)
        return FeatureBlock(out, symbols[:, self.chosen], self.names_numbers, self.names_symbols)

    def symbols(self, batch: EventBatch) -> Int32[np.ndarray, "n c"]:
        """The symbols of the columns of words that the features and their keys read: those of ``words``."""
        symbols = np.empty((len(batch), len(self.words)), dtype=np.int32)
        for at, name in enumerate(self.words):
            symbols[:, at] = symbols_of_text(batch.text(name))
        return symbols

    def bind(self, names: Sequence[str], categories: Sequence[str], state: Arrays) -> tuple[Keyed, ...]:
        """What :func:`walk` takes for each key of a batch with these columns; at least one, which may fill nothing.

        Raises EventError for a column that is missing.
        """
        plans = self._layout_of(tuple(names), tuple(categories)).plans
        return tuple(plan.bind(state) for plan in plans) or (_NOTHING,)

    @cached_property
    def chosen(self) -> Int64[np.ndarray, " c"]:
        """Which of ``words`` are features themselves."""
        return _integers([self.words.index(str(feature.column)) for feature in self.symbolic])

    def _check(
        self,
        batch: EventBatch,
        values: Float64[np.ndarray, "n f"],
        rows: Int32[np.ndarray, " n"],
        layout: _Layout,
        state: Arrays,
    ) -> None:
        if len(rows) != len(values):
            raise EventError(f"{len(rows)} state rows for {len(batch)} events; give the row of each event's entity")
        capacity = len(state["entity.windows"]) if "entity.windows" in state else np.iinfo(np.int64).max
        row, column = first_flaw(values, layout.read, rows, capacity)
        if row >= 0 and column < 0:
            raise EventError(
                f"event {row}: state row {rows[row]} is not within 0..{capacity - 1}; grow the state first"
            )
        if row >= 0:
            raise EventError(
                f"event {row} ({batch.event_ids[row]!r}): {batch.names[column]} is {values[row, column]}; "
                "a feature must be finite: leave the event out or fill the value in"
            )

    def _layout_of(self, names: tuple[str, ...], categories: tuple[str, ...]) -> _Layout:
        columns = (names, categories)
        if columns not in self._layouts:
            known = (*categories, "event_type", "entity")
            for name in self.words:
                if name not in known:
                    raise EventError(
                        f"no category column {name!r}; the events have {', '.join(known)}: name one of them"
                    )
            read = {feature.numeric_column for feature in self.features} & set(names)
            self._layouts[columns] = _Layout(
                plans=tuple(self._plan(key, some, names) for key, some in self._keyed.items()),
                read=_integers([at for at, name in enumerate(names) if name in read]),
            )
        return self._layouts[columns]

    def _plan(self, key: str, some: Sequence[tuple[int, Feature]], columns: tuple[str, ...]) -> _Plan:
        features, prefix = [feature for _, feature in some], _prefix(key)
        places = {name: at for at, name in enumerate(columns)}
        slots = np.cumsum([HEAD] + [SLOTS.get(feature.aggregate, 0) for feature in features])
        sketched = np.cumsum([0] + [feature.aggregate in {"distinct", "novel"} for feature in features])
        return _Plan(
            key=_KEYS[key] if key in _KEYS else self.words.index(key),
            names=(f"{prefix}.windows", f"{prefix}.tags", f"{prefix}.seen", f"shared.{prefix}"),
            columns=_integers([self._column(feature, places) for feature in features]),
            others=_integers([self.words.index(str(f.other)) if f.aggregate == "match" else 0 for f in features]),
            kinds=_integers([AGGREGATES[feature.aggregate] for feature in features]),
            windows_us=np.array([feature.window * 1e6 for feature in features]),
            logs=np.array([feature.log for feature in features]),
            ats=_integers(slots[:-1]),
            sketches=_integers(sketched[:-1]),
            targets=_integers([target for target, _ in some]),
        )

    def _column(self, feature: Feature, columns: Mapping[str, int]) -> int:
        if feature.aggregate in {"distinct", "novel", "match"}:
            return self.words.index(str(feature.column))
        name = feature.numeric_column
        if name is not None and name not in columns:
            raise EventError(
                f"feature {feature.name!r} reads column {name!r}; the events have {', '.join(columns) or 'none'}: "
                "name one of them, or bind the domain to these columns"
            )
        return -1 if name is None else columns[name]


def _prefix(key: str) -> str:
    return key if key in {"entity", "stream"} else f"key.{key}"


def _integers(numbers: Sequence[int] | Array) -> Int64[np.ndarray, " k"]:
    return np.asarray(numbers, dtype=np.int64)


_NONE = _integers([])
_NOTHING = Keyed(
    STREAM, _NONE, _NONE, _NONE, np.zeros(0), np.zeros(0, bool), _NONE, _NONE, _NONE, np.zeros((1, HEAD)),
    np.zeros((1, 0, _TABLE_WAYS), np.uint16), np.zeros((1, 0, _TABLE_WAYS), np.uint32), np.zeros((0, 5)),
)  # fmt: skip
"""A key without features."""
