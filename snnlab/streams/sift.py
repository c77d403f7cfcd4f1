"""Which events of a batch can be published, and why the others cannot."""

import numpy as np
from jaxtyping import Bool

from snnlab.events import EventBatch

__all__ = ["sift"]


def sift(batch: EventBatch) -> tuple[Bool[np.ndarray, " n"], list[str]]:
    """Which of ``n`` events can be published, and one reason for each that cannot, in order.

    >>> batch = EventBatch.from_columns(np.array([[1.0], [np.nan], [2.0]]), ["cpu"], event_ids=["a", "b", "a"])
    >>> good, reasons = sift(batch)
    >>> good.tolist(), reasons
    ([True, False, False], ['cpu = nan is not a finite number', "event id 'a' came before in the same publish call"])
    """
    if batch.checked:
        return np.ones(len(batch), bool), []
    finite = np.isfinite(batch.values)
    repeated = _repeated(batch.event_ids)
    good = finite.all(axis=1) & ~repeated
    reasons = []
    for row in np.flatnonzero(~good).tolist():
        if repeated[row]:
            reasons.append(f"event id {batch.event_ids[row]!r} came before in the same publish call")
        else:
            column = int(np.argmin(finite[row]))
            reasons.append(f"{batch.names[column]} = {batch.values[row, column]} is not a finite number")
    return good, reasons


def _repeated(ids: list[str]) -> Bool[np.ndarray, " n"]:
    repeated = np.zeros(len(ids), dtype=bool)
    if len(set(ids)) == len(ids):
        return repeated
    seen: set[str] = set()
    for row, event_id in enumerate(ids):
        repeated[row] = event_id in seen
        seen.add(event_id)
    return repeated
