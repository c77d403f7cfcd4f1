"""Attribution: how much of a verdict's evidence came from each group of features."""

from dataclasses import dataclass

import numpy as np

from snnlab.detectors.verdicts import Verdicts
from snnlab.errors import ConfigError

__all__ = ["Share", "attribution", "checked_row"]


@dataclass(frozen=True)
class Share:
    """One group's ``evidence``, in its own standard deviations, and its ``share`` of all the evidence there was."""

    name: str
    share: float
    evidence: float


def attribution(verdicts: Verdicts, row: int, top: int = 5) -> tuple[Share, ...]:
    """The ``top`` groups of the verdict in ``row``, strongest first; shares of all groups add up to 1.

    Evidence below 0 (a group that looked more usual than usual) counts as none. Where no group has any, the result is
    empty: the score then came from many groups a little. A share tells where the evidence lay, not what the score
    would have been without the group.

    Raises:
        ConfigError: there is no such row.
    """
    evidence = np.maximum(np.nan_to_num(verdicts.groups[checked_row(verdicts, row)]), 0.0)
    total = float(evidence.sum())
    order = np.argsort(-evidence, kind="stable")[:top]
    return tuple(
        Share(verdicts.group_names[g], float(evidence[g]) / total, float(evidence[g])) for g in order if evidence[g] > 0
    )


def checked_row(verdicts: Verdicts, row: int) -> int:
    """``row``, if there is a verdict there. Raises ConfigError."""
    if not 0 <= row < len(verdicts.event_id):
        raise ConfigError(f"there is no verdict in row {row}; rows are 0 to {len(verdicts.event_id) - 1}")
    return row
