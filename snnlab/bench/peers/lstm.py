"""An LSTM autoencoder in PyTorch: what is mostly built where a stream is to be watched by a trained network.

It is taught once, on the normal events that a stream begins with, and is not changed afterwards. It is given what the
detector's domain knows: which column is to be held against which habit (an entity's own, or that of a category), and
the time of day.

Source: P. Malhotra et al., LSTM-based encoder-decoder for multi-sensor anomaly detection, ICML workshop, 2016.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, util
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numba import njit

from snnlab.bench.peers.habits import Habits
from snnlab.events import EventBatch
from snnlab.types import Array

__all__ = ["NAME", "LstmAutoencoder", "installed", "parameter_bytes", "threads"]

NAME = "torch LSTM autoencoder"
_QUANTILE = 0.999


def installed() -> bool:
    """Whether PyTorch can be imported."""
    return util.find_spec("torch") is not None


@contextmanager
def threads(count: int) -> Iterator[None]:
    """PyTorch on so many threads."""
    torch = _torch()
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def parameter_bytes(hidden: int, inputs: int) -> int:
    """Bytes of the weights of an autoencoder with ``hidden`` units a layer, counted in the network itself."""
    return sum(weight.nbytes for part in _layers(hidden, inputs) for weight in part.parameters())


@dataclass
class LstmAutoencoder:
    """Windows of an entity's last events are squeezed through ``hidden`` units and made again from them.

    The score of an event is the largest squared error of its columns, each in units of its mean error on the events
    that were taught. ``threshold`` is the 99.9 % quantile of the scores of these. ``scores`` never looks ahead.
    """

    hidden: int
    window: int
    habits: Habits
    layers: tuple[Any, ...]
    past: Float32[np.ndarray, "e w x"]
    spread: Float64[np.ndarray, " f"]
    threshold: float = float("inf")

    @classmethod
    def taught(
        cls,
        normal: EventBatch,
        hidden: int,
        *,
        by: Mapping[str, str] | None = None,
        window: int = 8,
        epochs: int = 8,
        seed: int = 0,
    ) -> "LstmAutoencoder":
        """An autoencoder taught on ``normal`` events, at the end of which it stands.

        ``by`` names the category that a column is held against, where that is not the entity.
        """
        habits = Habits.of(normal, by or {})
        torch, inputs = _torch(), len(normal.names) + 2
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = cls(
                hidden,
                window,
                habits,
                _layers(hidden, inputs),
                np.zeros((len(habits.entities) + 1, window, inputs), np.float32),
                np.ones(len(normal.names)),
            )
            made._teach(made._windows(normal), epochs)
        made.past[:] = 0.0
        errors = made._errors(made._windows(normal))
        made.spread = np.maximum(errors.mean(axis=0), 1e-12)
        made.threshold = float(np.quantile((errors / made.spread).max(axis=1), _QUANTILE))
        return made

    def scores(self, batch: EventBatch) -> Float64[np.ndarray, " n"]:
        """A score for each event, in order."""
        scores: Float64[np.ndarray, " n"] = (self._errors(self._windows(batch)) / self.spread).max(axis=1)
        return scores

    def process(self, batch: EventBatch) -> Bool[np.ndarray, " n"]:
        """Whether each event is an anomaly."""
        anomaly: Bool[np.ndarray, " n"] = self.scores(batch) > self.threshold
        return anomaly

    @property
    def multiplications(self) -> int:
        """Multiply-adds of one event: all steps of both layers, and what makes the columns again from the last one.

        Four gates each, with ``inputs + hidden`` weights a unit in the encoder and twice ``hidden`` in the decoder.
        """
        h, inputs = self.hidden, int(self.past.shape[2])
        return self.window * 4 * h * ((inputs + h) + 2 * h) + h * inputs

    def _windows(self, batch: EventBatch) -> Float32[np.ndarray, "n w x"]:
        values, rows = self.habits.standings(batch)
        return np.asarray(_rolled(self.past, rows, values))

    def _errors(self, windows: Float32[np.ndarray, "n w x"]) -> Float64[np.ndarray, "n f"]:
        torch, columns = _torch(), self.spread.size
        with torch.inference_mode():
            last = self._decoded(torch.from_numpy(windows))[:, -1]
            made = self.layers[2](last).numpy()
        errors: Float64[np.ndarray, "n f"] = np.square(made[:, :columns] - windows[:, -1, :columns], dtype=np.float64)
        return errors

    def _decoded(self, windows: Any) -> Any:  # noqa: ANN401 - torch's tensors
        encoder, decoder, _ = self.layers
        _, (code, _) = encoder(windows)
        return decoder(code[-1][:, None].expand(-1, windows.shape[1], -1))[0]

    def _teach(self, windows: Float32[np.ndarray, "n w x"], epochs: int) -> None:
        torch = _torch()
        weights = [weight for part in self.layers for weight in part.parameters()]
        optimiser, events = torch.optim.Adam(weights, lr=3e-3), torch.from_numpy(windows)
        for _ in range(epochs):
            for chosen in torch.randperm(len(events)).split(64):
                optimiser.zero_grad()
                part = events[chosen]
                ((self.layers[2](self._decoded(part)) - part) ** 2).mean().backward()
                optimiser.step()


@njit(cache=True, nogil=True)
def _rolled(past: Array, rows: Int64[np.ndarray, " n"], values: Float32[np.ndarray, "n x"]) -> Array:
    """The window of each event, which ends with it; ``past`` holds each entity's last one."""
    window = past.shape[1]
    out = np.empty((rows.size, window, values.shape[1]), past.dtype)
    for e in range(rows.size):
        own = past[rows[e]]
        for w in range(window - 1):
            own[w] = own[w + 1]
        own[window - 1] = values[e]
        out[e] = own
    return out


def _layers(hidden: int, inputs: int) -> tuple[Any, ...]:
    nn = _torch().nn
    encoder, decoder = nn.LSTM(inputs, hidden, batch_first=True), nn.LSTM(hidden, hidden, batch_first=True)
    return encoder, decoder, nn.Linear(hidden, inputs)


def _torch() -> Any:  # noqa: ANN401 - a module that is no dependency: the research extra brings it
    return import_module("torch")
