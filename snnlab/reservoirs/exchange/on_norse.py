"""A NIR graph run by norse, as a check that what was exported means the same elsewhere.

norse 1.1 imports Linear, Affine, LIF and CubaLIF from NIR. LI, Delay and Scale, which it does not, are given to it
here: a leaky integrator of its own, and two that are a line each. A loop must be read from the executor's cache: what
its call returns is the node that ran last, which in a graph with loops is seldom the output.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Integer

from snnlab.errors import ConfigError, EngineMissing

if TYPE_CHECKING:
    import nir

__all__ = ["on_norse", "run_on_norse"]


def run_on_norse(
    graph: "nir.NIRGraph", raster_in: Integer[np.ndarray, "t a"], *, tick: float = 1.0, node: str = "neurons"
) -> Bool[np.ndarray, "t i"]:
    """Who fired in each tick of ``tick`` ms, given how many spikes came from each input.

    Refractory periods, adapting thresholds and learning are not in the graph, so only a network without them fires as
    the native engine has it (in float32, whose sums norse rounds in another order). Raises as :func:`on_norse`.
    """
    import torch

    model, state = on_norse(graph, tick=tick, node=node), None
    fired = np.zeros((len(raster_in), len(graph.nodes[node].v_threshold)), bool)
    with torch.no_grad():
        for t, spikes in enumerate(np.asarray(raster_in, np.float32)):
            _, state = model(torch.from_numpy(spikes)[None], state)
            fired[t] = state.cache[node].numpy()[0] > 0
    return fired


def on_norse(graph: "nir.NIRGraph", *, tick: float = 1.0, node: str = "neurons") -> Any:  # noqa: ANN401 - a module
    """The graph as norse's modules, called with a tick's input [1, a] and the state that the last call gave.

    ``v_reset`` and ``v_leak`` must be 0: norse 1.1 leaves the one out and takes the other for the synapse's as well.

    Raises:
        EngineMissing: norse is not installed.
        ConfigError: the graph holds what norse cannot run.
    """
    try:
        import norse.torch  # noqa: F401
    except ImportError as missing:
        raise EngineMissing(f"this needs norse ({missing}); pip install 'snnlab[research]'") from missing
    for name in ("v_reset", "v_leak"):
        if np.any(getattr(graph.nodes[node], name)):
            raise ConfigError(f"{name} is not 0, and norse 1.1 does not take it from NIR; run it elsewhere")
    return _model(graph, tick * 1e-3)


def _model(graph: "nir.NIRGraph", step: float) -> Any:  # noqa: ANN401 - a torch module
    import warnings

    import nir
    import nirtorch
    from norse.torch.utils.import_nir import _import_norse_module

    def module(node: Any) -> Any:  # noqa: ANN401 - a node, and its module
        own = {nir.LI: _current, nir.Delay: _delay, nir.Scale: _scale}.get(type(node))
        return own(node, step) if own else _import_norse_module(node, ignore_warnings=True, dt=step)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return nirtorch.load(graph, module)


def _current(node: Any, step: float) -> Any:  # noqa: ANN401 - a node, and its module
    """A leaky integrator of norse, its input scaled by r."""
    import torch
    from norse.torch.module.leaky_integrator_box import LIBoxCell, LIBoxParameters

    class Current(torch.nn.Module):  # type: ignore[misc]  # torch's types are not read
        def __init__(self) -> None:
            super().__init__()
            self.r = torch.from_numpy(node.r).float()
            p = LIBoxParameters(tau_mem_inv=1 / torch.from_numpy(node.tau).float(), v_leak=torch.zeros(len(node.tau)))
            self.cell = LIBoxCell(p, dt=step)

        def forward(self, x: Any, state: Any = None) -> Any:  # noqa: ANN401 - tensors
            return self.cell(self.r * x, state)

    return Current()


def _delay(node: Any, step: float) -> Any:  # noqa: ANN401 - a node, and its module
    """What came a whole number of steps ago."""
    import torch

    steps = round(float(node.delay[0]) / step)
    if not np.allclose(node.delay, steps * step):
        raise ConfigError(
            f"a delay of {node.delay.max():g} s is no whole number of steps of {step:g} s, or not all one"
        )

    class Delay(torch.nn.Module):  # type: ignore[misc]  # torch's types are not read
        def forward(self, x: Any, state: Any = None) -> Any:  # noqa: ANN401 - tensors
            line = [*([torch.zeros_like(x)] * steps if state is None else state), x]
            return line[0], line[1:]

    return Delay()


def _scale(node: Any, step: float) -> Any:  # noqa: ANN401 - a node, and its module
    import torch

    del step

    class Scale(torch.nn.Module):  # type: ignore[misc]  # torch's types are not read
        def forward(self, x: Any) -> Any:  # noqa: ANN401 - tensors
            return x * torch.from_numpy(node.scale).float()

    return Scale()
