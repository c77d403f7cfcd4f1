"""Encoders that a user writes in a notebook cell, and that travel with the model as source.

The class is carried as its own text, not as a pickle: it can be read, compared and signed (``digest``), and it runs
only when the caller of ``load_source`` decides to trust it. ``source_of`` makes sure that the text stands alone: beside
builtins it may use the names of ``PRELUDE`` and import the modules of ``MODULES``, nothing else of the notebook.
"""

import ast
import builtins
import dis
import functools
import hashlib
import linecache
import math
import sys
import textwrap
import typing
from collections.abc import Iterator
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import Any

import jaxtyping
import numba
import numpy as np
import pydantic

from snnlab.encoders.base import Encoder, Spikes, finite
from snnlab.encoders.fields import field_spikes
from snnlab.encoders.standing import fresh_range, standings
from snnlab.errors import ConfigError
from snnlab.types import Array, Arrays

__all__ = ["MODULES", "PRELUDE", "digest", "is_custom", "load_source", "source_of"]

PRELUDE: dict[str, Any] = {
    "Array": Array,
    "Arrays": Arrays,
    "BaseModel": pydantic.BaseModel,
    "Encoder": Encoder,
    "Field": pydantic.Field,
    "Float64": jaxtyping.Float64,
    "Int32": jaxtyping.Int32,
    "Int64": jaxtyping.Int64,
    "Spikes": Spikes,
    "field_spikes": field_spikes,
    "finite": finite,
    "fresh_range": fresh_range,
    "math": math,
    "njit": numba.njit,
    "np": np,
    "numba": numba,
    "numpy": np,
    "pydantic": pydantic,
    "snnlab": import_module("snnlab"),  # by name: the package itself stands above this floor
    "standings": standings,
    "typing": typing,
    **{name: getattr(typing, name) for name in ("Annotated", "Any", "ClassVar", "Final", "Literal", "Self")},
}
"""Names that the source of an encoder finds when it is loaded."""

MODULES = (
    "collections",
    "functools",
    "itertools",
    "jaxtyping",
    "math",
    "numba",
    "numpy",
    "pydantic",
    "snnlab",
    "typing",
)
"""Modules that it may import inside its methods."""


def source_of(cls: type[Encoder]) -> str:
    """The source text of an encoder class, from a module or a notebook cell, checked to stand alone.

    A ``register`` decorator is left out: registering is the business of whoever loads it. Raises ConfigError when the
    text cannot be found, or refers to names that would not be there where it is loaded.
    """
    source = _without_register(_text_of(cls))
    _refuse_foreign(source, cls.__name__)
    return source


def digest(source: str) -> str:
    """SHA-256 of a source, 64 hexadecimal digits.

    >>> digest("class Quiet(Encoder): ...")[:8]
    'b907e6d6'
    """
    return hashlib.sha256(source.encode()).hexdigest()


def is_custom(cls: type[Encoder]) -> bool:
    """Whether a class is a user's own, whose source must travel with a model."""
    return not cls.__module__.startswith("snnlab.encoders.")


def load_source(source: str) -> type[Encoder]:
    """The encoder class of a source that ``source_of`` gave. This runs the code: load only what you trust.

    The same source gives the same class again. The class is registered, in place of an older version of it; where two
    versions live in one process, give each to ``encoder_from_json`` as its ``kinds``. Raises ConfigError for a source
    that does not stand alone, does not run, does not define exactly one encoder, or takes the kind of another.

    >>> Sign = load_source('''
    ... class Sign(Encoder):
    ...     kind: ClassVar[str] = "sign"
    ...
    ...     @property
    ...     def width(self):
    ...         return 2
    ...
    ...     def fresh(self):
    ...         return {}
    ...
    ...     def encode(self, values, learnt, *, learn=True, ticks=1):
    ...         side = (finite(values) > 0).astype(np.int32)
    ...         return Spikes(side[:, None], np.zeros((len(side), 1), np.int32), side)
    ... ''')
    >>> Sign().encode(np.array([-2.0, 3.0]), {}).symbol.tolist()
    [0, 1]
    """
    from snnlab.encoders.registry import register

    name = f"snnlab_custom_{digest(source)[:16]}"
    module = sys.modules.get(name)
    return register(_the_encoder(_executed(source, name) if module is None else module))


def _executed(source: str, name: str) -> ModuleType:
    """A new module in which a source has run; it is kept only when it holds an encoder."""
    _refuse_foreign(source, "the encoder")
    filename = f"<{name}>"
    module = ModuleType(name)
    module.__dict__.update(PRELUDE)
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    sys.modules[name] = module  # pydantic looks names up there
    try:
        exec(compile(source, filename, "exec"), module.__dict__)  # noqa: S102 - the caller has decided to trust it
        _the_encoder(module)
    except Exception as error:
        del sys.modules[name]
        if isinstance(error, ConfigError):
            raise
        hint = "; leave cache=True out of njit, there is no file to keep a cache by" if "cache" in str(error) else ""
        raise ConfigError(f"the encoder's source does not run: {type(error).__name__}: {error}{hint}") from error
    return module


def _the_encoder(module: ModuleType) -> type[Encoder]:
    found = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Encoder) and item.__module__ == module.__name__
    ]
    if len(found) != 1 or not isinstance(getattr(found[0], "kind", None), str):
        names = ", ".join(item.__name__ for item in found) or "none"
        raise ConfigError(f"a source must define one Encoder subclass with a kind; this one has {names}")
    return found[0]


def _functions(cls: type[Encoder]) -> Iterator[FunctionType]:
    for item in vars(cls).values():
        inner = item.fget if isinstance(item, property) else getattr(item, "__func__", item)
        if isinstance(item, functools.cached_property):
            inner = item.func
        if isinstance(inner, FunctionType) and inner.__qualname__.startswith(cls.__qualname__):
            yield inner


def _text_of(cls: type[Encoder]) -> str:
    # inspect.getsource cannot find a class of a notebook cell, but its methods know their cell
    for function in _functions(cls):
        code = function.__code__
        lines = linecache.getlines(code.co_filename, function.__globals__)
        try:
            tree = ast.parse("".join(lines))
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name == cls.__name__ and _holds(node, code.co_firstlineno):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                return textwrap.dedent("".join(lines[first - 1 : node.end_lineno])).rstrip() + "\n"
    raise ConfigError(
        f"the source of {cls.__name__} is not available; define the class in a notebook cell or a .py file "
        "(not in exec or at the python prompt), or pass its text to load_source"
    )


def _holds(node: ast.ClassDef, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _without_register(source: str) -> str:
    node = ast.parse(source).body[0]
    lines = source.splitlines(keepends=True)
    for decorator in reversed(getattr(node, "decorator_list", [])):
        if ast.unparse(decorator).split(".")[-1] == "register":
            del lines[decorator.lineno - 1 : decorator.end_lineno]
    return "".join(lines)


def _refuse_foreign(source: str, name: str) -> None:
    try:
        code = compile(source, f"<{name}>", "exec")
    except SyntaxError as error:
        raise ConfigError(f"the source of {name} is not Python: {error}") from error
    foreign = sorted(set(_free_names(code)) - set(PRELUDE) - set(dir(builtins)) - {"__name__", "__annotations__"})
    if foreign:
        raise ConfigError(
            f"{name} uses {', '.join(foreign)} from outside its class, which would be missing where a model is loaded; "
            f"move it into the class (a function as a @staticmethod, a constant as a ClassVar); there are "
            f"{', '.join(sorted(PRELUDE))}"
        )
    strange = sorted({module for module in _imports(code) if module.split(".")[0] not in MODULES})
    if strange:
        raise ConfigError(f"{name} imports {', '.join(strange)}; an encoder may import {', '.join(MODULES)}")


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _free_names(code: CodeType) -> Iterator[str]:
    """Names that a source reads and does not bind: globals of functions, and names of bodies before they are bound."""
    top = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_NAME"}
    for part in _nested(code):
        bound = set(top)
        for step in dis.get_instructions(part):
            if step.opname in {"STORE_NAME", "STORE_GLOBAL"}:
                bound.add(step.argval)
            elif step.opname in {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_CLASSDEREF"} and step.argval not in bound:
                yield step.argval


def _imports(code: CodeType) -> Iterator[str]:
    for part in _nested(code):
        for step in dis.get_instructions(part):
            if step.opname == "IMPORT_NAME":
                yield step.argval
