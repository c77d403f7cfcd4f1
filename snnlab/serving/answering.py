"""Events whose verdicts somebody waits for: a few are scored on the event loop, many on a thread.

To hand a few events to a thread and their verdicts back takes longer than to score them.
"""

import asyncio
import contextvars
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from snnlab.events import EventBatch
from snnlab.serving.application import Application
from snnlab.serving.model import Model
from snnlab.serving.scorer import Found

__all__ = ["FEW", "score"]

FEW = 8
"""Events that are scored sooner than a thread could take them over."""
_Result = TypeVar("_Result")


async def score(
    application: Application,
    model_id: str,
    batch_of: Callable[[Model], EventBatch],
    *,
    few: bool,
    learn: bool = True,
    stream: str = "",
) -> tuple[Model, Found]:
    """The model and its verdicts on what ``batch_of`` makes for it; their anomalies are told and stored.

    Raises as ``Application.model`` and ``Application.score`` do, and what ``batch_of`` raises.
    """
    model = application.at_hand(model_id)
    if few and model is not None and not model.scorer.busy and application.joined(model_id, stream):
        found = application.verdicts(model_id, batch_of(model), learn=learn, stream=stream)
        if found.anomalies:  # also where the caller is gone by now: the model has learnt, and says it only once
            await asyncio.shield(_stored(_on_a_thread(partial(application.publish, found.anomalies))))
        return model, found
    return await asyncio.to_thread(_whole, application, model_id, batch_of, learn, stream)


def _whole(
    application: Application, model_id: str, batch_of: Callable[[Model], EventBatch], learn: bool, stream: str
) -> tuple[Model, Found]:
    model = application.model(model_id)
    return model, application.score(model_id, batch_of(model), learn=learn, stream=stream)


def _on_a_thread(call: Callable[[], _Result]) -> "asyncio.Future[_Result]":
    """A call on a thread, under way when this returns; ``asyncio.to_thread`` begins a turn of the loop later."""
    context = contextvars.copy_context()
    return asyncio.get_running_loop().run_in_executor(None, context.run, call)


async def _stored(published: "asyncio.Future[Callable[[], None]]") -> None:
    """Anomalies that are being published, stored: after the loop has had a turn to send them to sockets."""
    await _on_a_thread(await published)
