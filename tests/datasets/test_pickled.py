import copyreg
import os
import pickle
import sys
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.datasets.conversions import CONVERSIONS
from snnlab.datasets.pickled import read_array, read_frame
from snnlab.errors import FileFormatError


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([1, 2], dtype=">i4"),
        np.array([True, False]),
        np.array(["2018-06-01"], dtype="M8[ns]"),
        np.array(["a", 3], dtype=object),
        np.empty((0, 4)),
    ],
    ids=str,
)
@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_are_read_as_they_were_written(array, protocol):
    found = read_array(pickle.dumps(array, protocol), "made.pkl")
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


class Payload:
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize("call", [os.system, eval, exec, getattr, __import__, np.load, np.save])
def test_nothing_else_is_named_or_run(call, tmp_path):
    target = tmp_path / "touched"
    content = pickle.dumps(Payload(call, f"touch {target}"))
    with pytest.raises(FileFormatError, match="which no array or table needs"):
        read_array(content, "made.pkl")
    assert not target.exists()


def test_what_is_no_array_is_refused():
    for value in (b"", b"no pickle", pickle.dumps([1, 2]), pickle.dumps({"a": 1})):
        with pytest.raises(FileFormatError, match=r"made\.pkl"):
            read_array(value, "made.pkl")
        with pytest.raises(FileFormatError, match=r"made\.pkl"):
            read_frame(value, "made.pkl")


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.data())
def test_a_damaged_array_is_refused_or_read(data):
    content = bytearray(pickle.dumps(np.arange(6.0).reshape(2, 3), 3))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read_array(bytes(content), "made.pkl")
    except FileFormatError:
        return


@pytest.fixture
def old_pandas(monkeypatch):
    """Modules under the names that the pandas of 2021 pickled its tables with."""

    def module(name, **content):
        made = types.ModuleType(name)
        for word, value in content.items():
            value.__module__, value.__qualname__ = name, word
            setattr(made, word, value)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    class Index:
        def __init__(self, labels):
            self.labels = labels

        def __reduce__(self):
            return new_index, (Index, {"data": np.array(self.labels), "name": None})

    def new_index(kind, state):
        return kind(state["data"])

    class BlockManager:
        def __init__(self, *state):
            self.parts = state

        def __reduce__(self):
            return copyreg.__newobj__, (BlockManager,), self.parts

    class DataFrame:
        pass

    frames = module("pandas.core.frame", DataFrame=DataFrame)
    managers = module("pandas.core.internals.managers", BlockManager=BlockManager)
    indexes = module("pandas.core.indexes.base", Index=Index, _new_Index=new_index)

    def frame(columns, rows):
        labels = [np.array(list(names), dtype=object) for names in columns]
        whole = np.concatenate(labels)
        manager = managers.BlockManager(
            [indexes.Index(whole), indexes.Index(np.arange(rows))],
            [np.array(list(block.values())) for block in columns],
            [indexes.Index(names) for names in labels],
        )
        made = frames.DataFrame()
        made._data = manager
        return pickle.dumps(made, 4)

    return frame


def test_tables_are_read_by_column(old_pandas):
    content = old_pandas([{"x": [1.5, 2.5]}, {"a": [1, 2], "b": [3, 4]}], 2)
    found = read_frame(content, "made.pkl")
    assert {name: values.tolist() for name, values in found.items()} == {"x": [1.5, 2.5], "a": [1, 2], "b": [3, 4]}


def test_days_become_months(old_pandas, tmp_path):
    numbers = {
        "TRANSACTION_ID": [1, 2],
        "CUSTOMER_ID": [7, 8],
        "TERMINAL_ID": [5, 5],
        "TX_FRAUD": [0, 1],
        "TX_FRAUD_SCENARIO": [0, 2],
    }
    times = {"TX_DATETIME": np.array(["2018-06-01T00:00:01", "2018-06-01T00:00:02"], dtype="M8[ns]")}
    content = old_pandas([numbers, times, {"TX_AMOUNT": [1.5, 2.5]}], 2)
    folder = tmp_path / "original"
    folder.mkdir()
    (folder / "2018-06-01.pkl").write_bytes(content)
    (folder / "2018-06-02.pkl").write_bytes(content)
    CONVERSIONS["card_fraud"](folder, tmp_path)
    lines = (tmp_path / "2018-06.csv").read_text().splitlines()
    assert lines[1] == "1,2018-06-01 00:00:01,7,5,1.5,0,0"
    assert len(lines) == 5
    (folder / "2018-06-01.pkl").write_bytes(old_pandas([{"x": [1.5]}], 1))
    with pytest.raises(FileFormatError, match="lacks TRANSACTION_ID"):
        CONVERSIONS["card_fraud"](folder, tmp_path)
