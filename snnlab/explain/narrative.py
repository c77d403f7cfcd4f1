"""Narrative: one plain sentence that says what was unusual, how strongly, and compared with what."""

from snnlab.detectors.verdicts import Verdicts
from snnlab.events import EventBatch
from snnlab.explain.attribution import Share, attribution, checked_row
from snnlab.explain.departure import Departure, departures

__all__ = ["departed", "narrate", "surprised"]

ALONE = "all"
"""The entity of events that name none."""
SLIGHT, CLEAR, FAR = 2.0, 4.0, 10.0
"""Deviations from which a value lies clearly, far, and beyond all measure from the usual."""
MINOR = 0.05
"""Share of the evidence below which a group is not worth naming."""


def narrate(verdicts: Verdicts, row: int, batch: EventBatch | None = None) -> str:
    """Why the event in ``row`` got its score, as one sentence.

    With ``batch`` (the events of these verdicts, in the same order) values are compared with the entity's own past;
    without it, or where no value departs, the groups of evidence are named.

    Raises:
        ConfigError: there is no such row.
    """
    entity, kind = verdicts.entity[checked_row(verdicts, row)], verdicts.type[row].replace("_", " ")
    far = [] if batch is None else [part for part in departures(batch, row) if abs(part.strength) >= SLIGHT]
    shares = tuple(share for share in attribution(verdicts, row, 3) if share.share >= MINOR)
    body = departed(entity, far) if far else surprised(entity, shares)
    read = f"read as {kind}, " if kind else ""
    return f"{body}; {read}severity {float(verdicts.severity[row]):.2f}."


def departed(entity: str, far: list[Departure]) -> str:
    """The strongest departure in words, and up to two more.

    >>> departed("checkout", [Departure("latency_ms", 340.0, 130.0, 50.0, 200, "at this hour")])
    'latency_ms of checkout is far above what it shows at this hour (340 against 130, 4.2x its own deviation)'
    """
    first, *rest = far[:3]
    size = f"{_plain(first.value)} against {_plain(first.usual)}, {_times(first)} its own deviation"
    whose = "" if entity == ALONE else f" of {entity}"
    words = f"{first.feature}{whose} is {_adverb(first)} what {_whose(first)} ({size})"
    more = [f"{part.feature} is {_adverb(part)} its own ({_times(part)})" for part in rest]
    return ", and ".join([words, *more]) if more else words


def surprised(entity: str, shares: tuple[Share, ...]) -> str:
    """The groups of evidence in words.

    >>> surprised("case 17", (Share("flow", 0.62, 5.1), Share("resource", 0.2, 1.6)))
    'case 17 is unlike what was expected of it, mostly in flow (62 % of the evidence), then resource (20 %)'
    """
    subject = "the stream" if entity == ALONE else entity
    if not shares:
        return f"{subject} is unlike what was expected of it, in many features a little"
    first, *rest = shares
    parts = [f"mostly in {first.name} ({first.share:.0%} of the evidence)".replace("%", " %")]
    parts += [f"then {share.name} ({share.share:.0%})".replace("%", " %") for share in rest]
    return f"{subject} is unlike what was expected of it, {', '.join(parts)}"


def _adverb(part: Departure) -> str:
    size = abs(part.strength)
    how = "" if size < CLEAR else "far " if size < FAR else "very far "
    return how + ("above" if part.strength > 0 else "below")


def _whose(part: Departure) -> str:
    return "other events of this stream show" if part.reference == "in this stream" else f"it shows {part.reference}"


def _times(part: Departure) -> str:
    size = abs(part.strength)
    return "over 1000x" if size >= 1000 else f"{size:.1f}x"


def _plain(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
