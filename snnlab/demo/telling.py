"""What the demo prints: what was found beside the truth, and where to look."""

from collections import Counter
from collections.abc import Sequence
from textwrap import fill

from snnlab.datasets.labelled import LabelledStream
from snnlab.demo.pipelines import Outcome
from snnlab.types import Json

__all__ = ["found", "gate", "truth_of"]


def truth_of(anomaly: Json, stream: LabelledStream) -> str:
    """The true type of the event that an anomaly tells of; "normal" for a false alarm."""
    known = dict(zip(stream.events.event_ids, stream.kind, strict=True))
    return known.get(anomaly["contributing_events"][0], "") or "normal"


def gate(outcomes: Sequence[Outcome]) -> str:
    """The gate's decisions as a table."""
    lines = [f"  {'domain':12} {'candidate':18} {'mean AP':>8}  decision"]
    for outcome in outcomes:
        for decision in outcome.decisions:
            value = decision.get("challenger_value")
            number = "-" if value is None else f"{value:.3f}"
            verb = "promoted" if decision.get("promoted") else "refused"
            lines.append(
                f"  {outcome.domain:12} {decision['candidate']:18} {number:>8}  {verb}: {decision.get('reason', '')}"
            )
    return "\n".join(lines)


def found(domain: str, stream: LabelledStream, anomalies: Sequence[Json]) -> str:
    """A domain's truth by type beside the alarms on it, then the most severe alarm of each type with its reasons."""
    truths = [truth_of(anomaly, stream) for anomaly in anomalies]
    right = Counter(truths)
    named = Counter(truth for truth, one in zip(truths, anomalies, strict=True) if one["anomaly_type"] == truth)
    kinds = sorted({kind for kind in stream.kind if kind})
    summary = (
        f"{domain}: {len(stream)} unseen events, {int(stream.label.sum())} of them anomalous; "
        f"{len(anomalies)} alarms, {right['normal']} of them false"
    )
    lines = [summary, f"  {'truth':30} {'events':>7} {'alarms':>7} {'named so':>9}"]
    events = Counter(stream.kind)
    lines += [f"  {kind:30} {events[kind]:7d} {right[kind]:7d} {named[kind]:9d}" for kind in kinds]
    lines.append("")
    for kind in kinds:
        best = [one for one, truth in zip(anomalies, truths, strict=True) if truth == kind]
        if best:
            lines.extend(_told(max(best, key=lambda one: float(one["severity"])), kind))
    return "\n".join(lines)


def _told(anomaly: Json, truth: str) -> list[str]:
    actions = "; ".join(anomaly["recommended_actions"][:2])
    return [
        f"  severity {anomaly['severity']:.2f}  {anomaly['anomaly_type']} (truth: {truth})",
        _filled(f"why: {anomaly['explanation']}"),
        *([_filled(f"do:  {actions}")] if actions else []),
    ]


def _filled(text: str) -> str:
    return fill(text, width=110, initial_indent=" " * 6, subsequent_indent=" " * 11)
