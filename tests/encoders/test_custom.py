"""A user's encoder: source, digest, and the same spikes in another process."""

import json
import linecache
import subprocess
import sys
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.encoders import (
    KINDS,
    Encoder,
    Spikes,
    digest,
    encoder_from_json,
    is_custom,
    load_source,
    register,
    source_of,
)
from snnlab.encoders.custom import PRELUDE
from snnlab.errors import ConfigError

CELL = '''
import numpy as np
import numba
from typing import ClassVar
from pydantic import Field
from snnlab.encoders import Encoder, Spikes, register
from snnlab.encoders.base import finite
from snnlab.types import Arrays

@register
class Parity(Encoder):
    """Steps from the running maximum, folded to ``steps`` neurons."""

    kind: ClassVar[str] = "parity"
    SHIFT: ClassVar[float] = 0.5

    steps: int = Field(default=4, ge=1)

    @property
    def width(self) -> int:
        return self.steps

    def fresh(self) -> Arrays:
        return {"highest": np.zeros(1)}

    @staticmethod
    @numba.njit
    def _fold(values, highest, steps, shift):
        out = np.empty(len(values), np.int32)
        for i in range(len(values)):
            highest[0] = max(highest[0], values[i])
            out[i] = int(highest[0] - values[i] + shift) % steps
        return out

    def encode(self, values, learnt, *, learn=True, ticks=1):
        highest = learnt["highest"] if learn else learnt["highest"].copy()
        symbol = self._fold(finite(values), highest, self.steps, self.SHIFT)
        return Spikes(symbol[:, None], np.zeros((len(symbol), 1), np.int32), symbol)
'''

ELSEWHERE = """
import json, sys
import numpy as np
from snnlab.encoders import encoder_from_json, load_source
given = json.load(sys.stdin)
cls = load_source(given["source"])
code = encoder_from_json(given["code"])
learnt = {name: np.array(array) for name, array in given["learnt"].items()}
spikes = code.encode(np.array(given["values"]), learnt)
print(json.dumps([spikes.address.tolist(), spikes.tick.tolist(), spikes.symbol.tolist(), learnt["highest"].tolist()]))
"""


@pytest.fixture
def parity():
    """The class as a notebook cell defines it."""
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    shell.run_cell(CELL).raise_error()
    yield shell.user_ns["Parity"]
    KINDS.pop("parity", None)


def test_a_notebook_cell_gives_source_that_loads(parity):
    source = source_of(parity)
    assert source.startswith("class Parity(Encoder):")
    assert source in CELL
    loaded = load_source(source)
    assert is_custom(loaded)
    assert loaded is load_source(source)
    assert source_of(loaded) == source
    assert KINDS["parity"] is loaded
    assert loaded(steps=3).to_json() == {"kind": "parity", "steps": 3}


def test_spikes_are_the_same_in_another_process(parity):
    values, code = np.random.default_rng(5).normal(size=50) * 20, parity(steps=5)
    learnt = code.fresh()
    code.encode(values[:20], learnt)
    sent = {
        "source": source_of(parity),
        "code": code.to_json(),
        "values": values[20:].tolist(),
        "learnt": {name: array.tolist() for name, array in learnt.items()},
    }
    process = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], input=json.dumps(sent), capture_output=True, text=True, check=True
    )
    spikes = code.encode(values[20:], learnt)
    assert json.loads(process.stdout) == [
        spikes.address.tolist(),
        spikes.tick.tolist(),
        spikes.symbol.tolist(),
        learnt["highest"].tolist(),
    ]


def test_two_versions_of_one_kind_live_side_by_side(parity):
    old = source_of(parity)
    new = old.replace("SHIFT: ClassVar[float] = 0.5", "SHIFT: ClassVar[float] = 2.5")
    assert digest(old) != digest(new)
    values = np.array([10.0, 9.0, 8.0])
    symbols = []
    for source in (old, new, old):
        cls = load_source(source)
        code = encoder_from_json({"kind": "parity"}, kinds={cls.kind: cls})
        symbols.append(code.encode(values, code.fresh()).symbol.tolist())
    assert symbols == [[0, 1, 2], [2, 3, 0], [0, 1, 2]]


def defined(body, name="Made"):
    """A class as a module would define it, whose methods read the names of this module."""
    text = f'class {name}(Encoder):\n    kind: ClassVar[str] = "made"\n{body}'
    filename = f"<made {digest(text)[:8]}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    space = {**PRELUDE, "gain": 2.0, "json": json, "__name__": "a_notebook"}
    exec(compile(text, filename, "exec"), space)  # noqa: S102
    return space[name]


METHODS = """
    @property
    def width(self): return 2
    def fresh(self): return {}
    def encode(self, values, learnt, *, learn=True, ticks=1):
        %s
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("return gain * values", "uses gain from outside"),
        ("return [json.dumps(x) for x in values]", "uses json from outside"),
        ("import os; return os.environ", "imports os"),
        ("return (lambda x: x + gain)(values)", "uses gain from outside"),
    ],
)
def test_source_that_does_not_stand_alone_is_refused(line, said):
    with pytest.raises(ConfigError, match=said):
        source_of(defined(METHODS % line))


def test_names_that_are_bound_inside_are_no_fault():
    line = "import itertools; gain = 3; return [gain * x + len(__class__.__name__) for x in itertools.chain(values)]"
    assert "itertools" in source_of(defined(METHODS % line))


def test_a_class_without_source_says_what_to_do():
    made = defined(METHODS % "return values")
    linecache.cache.pop(made.encode.__code__.co_filename)
    with pytest.raises(ConfigError, match="define the class in a notebook cell"):
        source_of(made)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("class Broken(Encoder:", "not Python"),
        ("x = 1", "one Encoder subclass"),
        ("class NoKind(Encoder):\n    n: int = 1\n", "one Encoder subclass"),
        ("raise ValueError('no')", "does not run: ValueError: no"),
        (
            (
                'class Cached(Encoder):\n    kind: ClassVar[str] = "cached"\n'
                "    @staticmethod\n    @njit(cache=True)\n    def _f(x):\n        return x\n"
            ),
            "leave cache=True out",
        ),
    ],
)
def test_source_that_cannot_be_loaded_says_why(source, said):
    for _ in range(2):
        with pytest.raises(ConfigError, match=said):
            load_source(source)


def test_a_source_cannot_take_a_kind_of_the_package():
    source = 'class Mine(Encoder):\n    kind: ClassVar[str] = "rate"\n'
    with pytest.raises(ConfigError, match="'rate' of Mine is taken"):
        load_source(source)
    assert not is_custom(KINDS["rate"])


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.text())
def test_digest_is_a_function_of_the_text(text):
    text = text.encode("utf-8", "ignore").decode()
    assert digest(text) == digest(text)
    assert len(digest(text)) == 64


def test_register_keeps_kinds_apart():
    class Rate(Encoder):
        kind: ClassVar[str] = "rate"

        @property
        def width(self):
            return 1

        def fresh(self):
            return {}

        def encode(self, values, learnt, *, learn=True, ticks=1):
            return Spikes(*(np.zeros((len(values), 1), np.int32),) * 2, np.zeros(len(values), np.int32))

    with pytest.raises(ConfigError, match="'rate' of Rate is taken"):
        register(Rate)
    with pytest.raises(ConfigError, match="has no kind"):
        register(Encoder)
