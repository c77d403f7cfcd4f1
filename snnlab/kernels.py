"""How kernels are compiled: cached, without the interpreter's lock, and without counting references.

Counting references to arrays costs as much as half of what a kernel does for one event. A kernel borrows the arrays
that it is given, so it may not make any: what it needs stands ready in its arguments.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import binding
from numba import config, njit
from numba.extending import register_jitable

__all__ = ["OPTIONS", "inlined", "instructions", "kernel", "part"]

OPTIONS = {"nogil": True, "_nrt": False, "error_model": "numpy"}
"""What a kernel is compiled with, for ``overload(…, jit_options=OPTIONS)``.

To divide by zero gives what it gives in NumPy: a loop that might raise would not run on vectors.
"""


def kernel(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - numba has no types
    """Compile a function of a file that makes no arrays; one that does fails to compile ("NRT required")."""
    return njit(cache=True, **OPTIONS)(function)


def inlined(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - numba has no types
    """Compile a kernel as a part of each that calls it."""
    return njit(cache=True, inline="always", **OPTIONS)(function)


def part(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - numba has no types
    """Let kernels call a function that stays an ordinary one to Python: what an overload chooses."""
    return register_jitable(**OPTIONS)(function)


def instructions() -> set[str]:
    """The instruction sets that kernels are compiled for: this processor's, or those that NUMBA_CPU_FEATURES names."""
    if config.CPU_FEATURES is not None:
        return {name.strip().removeprefix("+") for name in config.CPU_FEATURES.split(",") if name.strip()[:1] == "+"}
    return {name for name, there in binding.get_host_cpu_features().items() if there}
