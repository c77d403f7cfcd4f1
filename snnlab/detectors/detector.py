"""The detector: events in, one verdict an event out."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, Self

import numpy as np

from snnlab.config import NeuromorphicConfig
from snnlab.detectors.absence import verdicts_of
from snnlab.detectors.columns import Columns
from snnlab.detectors.lanes import Begun, Lanes
from snnlab.detectors.model_file import ModelFile
from snnlab.detectors.naming import Naming
from snnlab.detectors.outcome import Outcome
from snnlab.detectors.plan import Plan
from snnlab.detectors.saving import admit, expect, packed, unpack
from snnlab.detectors.shard import Shard
from snnlab.detectors.verdicts import Terms, Verdicts
from snnlab.domains import Domain
from snnlab.domains import domain as named_domain
from snnlab.errors import ConfigError, EventError, ModelFormatError
from snnlab.events import EventBatch
from snnlab.events.columns import Single
from snnlab.types import Json

__all__ = ["DeadLetter", "Detector"]


@dataclass(frozen=True)
class DeadLetter:
    """An event that was not scored, and why."""

    event_id: str
    reason: str


@dataclass
class Detector:
    """A spiking anomaly detector that learns as it goes.

    ``process`` scores every event with what was known before it and then learns from it. Scores never depend on the
    future, on how the stream is cut into batches, on threads, or on a save and load in between.

    Build one with ``build`` (columns named) or ``for_events`` (columns read off a batch). ``rejected`` collects the
    dead letters of the last call of ``process``.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> detector = Detector.build("sensor", names=["pressure"])
        >>> calm = EventBatch.from_columns(rng.normal(5.0, 0.1, (500, 1)), ["pressure"])
        >>> int(detector.process(calm).anomaly.sum())
        0
        >>> burst = EventBatch.from_columns(np.full((3, 1), 9.0), ["pressure"], timestamps=[600_000_000] * 3)
        >>> bool(detector.process(burst).anomaly.any())
        True
    """

    plan: Plan
    shards: list[Shard]
    flags: Json
    naming: Naming
    n_events: int = 0
    rejected: list[DeadLetter] = field(default_factory=list)
    _layouts: set[tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=set, repr=False)

    @classmethod
    def build(
        cls,
        domain: Domain | str,
        *,
        names: Sequence[str] = (),
        categories: Sequence[str] = (),
        entities: bool = False,
        timed: bool = True,
        seed: int | None = None,
        shards: int = 1,
        reservoir: bool = True,
        plasticity: bool = True,
        config: NeuromorphicConfig | None = None,
        max_entities: int = 100_000,
    ) -> Self:
        """A detector that has seen nothing, for events with these columns.

        Without columns, the domain's own. ``reservoir=False`` and ``plasticity=False`` are the ablations;
        ``config`` replaces the domain's network, ``seed`` the network's seed.

        Raises:
            ConfigError: an unknown domain, encoder or readout, no columns at all, or fewer than one shard.
        """
        chosen = named_domain(domain) if isinstance(domain, str) else domain
        if shards < 1:
            raise ConfigError(f"{shards} shards; a stream has at least one")
        network = config or chosen.network
        if seed is not None:
            network = network.replace({"seed": seed})
        chosen = chosen.model_copy(update={"network": network})
        if names or categories:
            chosen = chosen.bind(names, categories, entities=entities, timed=timed)
        elif not chosen.features:
            raise ConfigError(f"domain {chosen.name!r} has no features of its own; name the events' columns")
        flags = {"reservoir": reservoir, "plasticity": plasticity, "max_entities": max_entities}
        return cls._of(chosen, flags, shards)

    @classmethod
    def for_events(cls, domain: Domain | str, batch: EventBatch, *, timed: bool = True, **options: Any) -> Self:  # noqa: ANN401
        """A detector for events like these: their columns, and whether they belong to more than one entity."""
        several = len(np.unique(batch.entities.codes)) > 1
        return cls.build(
            domain, names=batch.names, categories=batch.category_names, entities=several, timed=timed, **options
        )

    @classmethod
    def _of(cls, domain: Domain, flags: Json, shards: int) -> Self:
        plan = Plan.of(domain, **flags)
        naming = Naming.of(domain, plan.group_names, tuple(readout.kind for readout in plan.readouts))
        return cls(plan, [Shard.fresh(plan) for _ in range(shards)], flags, naming)

    def anew(self) -> Self:
        """A detector of the same plan that has seen nothing; what learning does not change is shared.

        >>> detector = Detector.build("sensor", names=["pressure"])
        >>> _ = detector.process(EventBatch.from_columns(np.ones((50, 1)), ["pressure"]))
        >>> detector.n_events, detector.anew().n_events, detector.anew().plan is detector.plan
        (50, 0, True)
        """
        return type(self)(self.plan, [Shard.fresh(self.plan) for _ in self.shards], self.flags, self.naming)

    @property
    def domain(self) -> Domain:
        """The domain, bound to the columns that the detector reads."""
        return self.plan.domain

    @property
    def threshold(self) -> float:
        """The score from which an event is an anomaly."""
        return self.plan.domain.threshold

    @property
    def group_names(self) -> tuple[str, ...]:
        """The groups of features that evidence is told by."""
        return self.plan.group_names

    def __repr__(self) -> str:
        network = self.plan.network
        neurons = f"{network.n_neurons} neurons" if network is not None else "no reservoir"
        kinds = ", ".join(readout.kind for readout in self.plan.readouts)
        return f"Detector({self.domain.name}, {neurons}, {kinds}; {len(self.shards)} shard(s), {self.n_events} events)"

    def restart(self, *, lateness_us: int | None = None, clocks: bool = True) -> None:
        """A new stream begins: its first events follow nothing, and the entities' clocks start again (``clocks``).

        All that was learnt stays, and windows go on. ``lateness_us`` changes how late an event may come from now on.
        """
        if lateness_us is not None:
            clock = self.domain.clock.model_copy(update={"lateness_us": lateness_us})
            self.plan = replace(self.plan, domain=self.domain.model_copy(update={"clock": clock}))
        for shard in self.shards:
            shard.plan = self.plan
            shard.restart(clocks=clocks)

    def process(self, batch: EventBatch, learn: bool = True) -> Verdicts:
        """One verdict for each event, in order; then learns from them (``learn``).

        Raises:
            EventError: a NaN or infinite value, a duplicate id, or a column that is missing; nothing is changed then.
        """
        self._check(batch)
        if isinstance(batch.source, Single):
            outcome = self._lanes.alone(batch.source, (batch.names, batch.category_names), learn=learn)
            if outcome is not None:
                return self._told(batch, outcome)
        return self._told(batch, self._lanes.judge(Columns.of(batch, self.plan.bank), learn=learn))

    def flow(self, batches: Iterable[EventBatch], learn: bool = True, ahead: int = 2) -> Iterator[Verdicts]:
        """The verdicts of ``process`` for one batch after the other, the next ones fetched and read meanwhile.

        Each core then has something to do all the time: read here what is to be scored next, say a decoder's
        batches. Until the last verdicts, or until the flow is closed, the detector is up to ``ahead`` batches ahead of
        those whose verdicts were given: save it after them, or call ``process`` instead. A batch's verdicts wait for
        those to be fetched: where a source is waited for, take 0.

        Raises:
            EventError: as ``process``, once the verdicts of all batches before are given.
            ConfigError: fewer than no batches ahead.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> detector = Detector.build("sensor", names=["pressure"])
            >>> stream = EventBatch.from_columns(rng.normal(5.0, 0.1, (500, 1)), ["pressure"])
            >>> [len(verdicts) for verdicts in detector.flow(stream.slice(at, at + 250) for at in (0, 250))]
            [250, 250]
        """
        if ahead < 0:
            raise ConfigError(f"a flow cannot be {ahead} batches ahead; give 0, so that none is read early, or more")
        source, begun = iter(batches), deque[tuple[EventBatch, Begun]]()
        wrong: Exception | None = None
        more = True
        try:
            while more or begun:
                while more and len(begun) <= ahead:
                    try:
                        batch = next(source, None)
                        if batch is not None:
                            self._check(batch)
                            begun.append((batch, self._lanes.begin(Columns.of(batch, self.plan.bank), learn=learn)))
                    except Exception as raised:  # noqa: BLE001 - whatever it is, those before have their verdicts first
                        batch, wrong = None, raised
                    more = batch is not None
                if begun:
                    batch, done = begun.popleft()
                    yield self._told(batch, done.outcome())
        finally:  # left early: nobody may look at the detector while shards still work on it
            for batch, done in begun:
                self._told(batch, done.outcome())
        if wrong is not None:
            raise wrong

    def advance(self, until_us: int) -> Verdicts:
        """Verdicts on entities whose silence until ``until_us`` (µs) is rare for them; the longest silent come first.

        Nothing is learnt and no clock is moved: events may still come as they would have. The id of such a verdict
        names the entity and its last event, so that one silence keeps one id however often it is asked for.

        Example:
            >>> detector = Detector.build("sensor", names=["pressure"])
            >>> beats = np.arange(50) * 1_000_000
            >>> _ = detector.process(EventBatch.from_columns(np.ones((50, 1)), ["pressure"], timestamps=beats))
            >>> len(detector.advance(50_000_000)), detector.advance(60_000_000).event_id
            (0, ['silence:all:49000000'])
        """
        found = [silence for shard in self.shards for silence in shard.silences(until_us)]
        return verdicts_of(found, until_us, self.domain)

    def _check(self, batch: EventBatch) -> None:
        if len(batch) != 1 or not isfinite(sum(batch.values[0].tolist())):
            batch.check()
        layout = (batch.names, batch.category_names)
        if layout not in self._layouts:
            self._check_columns(batch)
            self._layouts.add(layout)

    def _check_columns(self, batch: EventBatch) -> None:
        features, words = self.domain.features, {*batch.category_names, "event_type", "entity"}
        missing = [("numeric", f.numeric_column) for f in features if f.numeric_column not in {None, *batch.names}]
        missing += [("text", column) for f in features for column in f.category_columns if column not in words]
        if missing:
            needed = self.domain.columns
            kind, column = missing[0]
            raise EventError(
                f"the events have no {kind} column {column!r}; this detector reads {', '.join(needed)}: send all "
                f"{len(needed)} of them, or train a detector for these columns"
            )

    def _told(self, batch: EventBatch, outcome: Outcome) -> Verdicts:
        self.n_events += len(batch)
        return self._verdicts(batch, outcome)

    @cached_property
    def _lanes(self) -> Lanes:
        return Lanes(self.shards)

    def _verdicts(self, batch: EventBatch, outcome: Outcome) -> Verdicts:
        late = outcome.rejected.tolist()
        self.rejected = [DeadLetter(batch.event_ids[row], self._too_late(batch, row)) for row in late]
        return Verdicts.of(batch, outcome, self._terms)

    @cached_property
    def _terms(self) -> Terms:
        actions = {kind.name: kind.actions for kind in self.domain.types}
        return {
            "threshold": self.threshold, "group_names": self.group_names, "naming": self.naming, "actions": actions,
        }  # fmt: skip

    def _too_late(self, batch: EventBatch, row: int) -> str:
        limit = self.domain.clock.lateness_us / 1e6
        return (
            f"timestamp {int(batch.timestamps[row])} µs is more than {limit:g} s behind the last event of "
            f"{batch.entities.words()[row]!r}; raise the clock's lateness_us, or sort the events by time"
        )

    def feedback(self, event_id: str, label: bool | str, at: int | None = None) -> bool:
        """Learn from a label that comes late: False for normal, True or a type for an anomaly.

        An event that turns out normal is learnt as such, past every gate. ``at`` (µs) is when the label was given.
        Returns whether the event was still remembered; as a shard's last ones are, ``plan.remembers`` of them.
        """
        del at
        return any(shard.teach(event_id, normal=label is False) for shard in self.shards)

    def snapshot(self) -> ModelFile:
        """What ``save`` would write now, copied: its ``to_bytes`` may take its time while the detector goes on.

        Example:
            >>> detector = Detector.build("sensor", names=["pressure"])
            >>> kept, content = detector.snapshot(), detector.save()
            >>> _ = detector.process(EventBatch.from_columns(np.ones((50, 1)), ["pressure"]))
            >>> kept.to_bytes() == content, detector.save() == content
            (True, False)
        """
        return packed(self.plan, self.flags, self.n_events, self.shards).copy()

    def save(self, path: str | Path | None = None) -> bytes:
        """Everything that was learnt and remembered, as bytes; also written to ``path`` when given."""
        content = packed(self.plan, self.flags, self.n_events, self.shards).to_bytes()
        if path is not None:
            Path(path).write_bytes(content)
        return content

    @classmethod
    def load(cls, source: bytes | str | Path, *, trust_code: bool = False) -> Self:
        """The detector that ``save`` wrote, exactly as it was.

        Raises:
            ModelNotFound, ModelFormatError, ModelVersionError: there is no such model, or it cannot be read.
            UntrustedCode: it carries user code and ``trust_code`` is not set.
        """
        model = ModelFile.read(source)
        admit(model, trust_code=trust_code)
        try:
            domain = Domain.from_json(model.manifest["domain"])
            expect(model, domain)
            detector = cls._of(domain, model.manifest["flags"], len(model.manifest["entities"]))
            unpack(model, detector.shards)
            detector.n_events = int(model.manifest["n_events"])
        except (KeyError, TypeError) as wrong:
            raise ModelFormatError(f"the model lacks {wrong}; fetch or save the model again") from wrong
        except MemoryError as wrong:
            raise ModelFormatError(f"the model needs more memory than there is ({wrong}); load it elsewhere") from wrong
        return detector
