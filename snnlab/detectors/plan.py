"""The plan of a detector: everything about it that learning does not change."""

from dataclasses import dataclass

from snnlab.detectors.encoding import Codes
from snnlab.detectors.judgement import Judge
from snnlab.detectors.readouts import KINDS, Readout, Shape
from snnlab.detectors.recall import rows_of
from snnlab.detectors.view import View
from snnlab.domains import Domain, ReadoutSpec
from snnlab.errors import ConfigError
from snnlab.features import FeatureBank
from snnlab.reservoirs import Network
from snnlab.reservoirs.engines.native.engine import Native
from snnlab.reservoirs.shared import shared_network

__all__ = ["Plan"]


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything about a detector that learning does not change; its shards share it."""

    domain: Domain
    bank: FeatureBank
    codes: Codes
    network: Network | None
    views: tuple[View, ...]
    group_names: tuple[str, ...]
    judge: Judge
    shape: Shape
    max_entities: int

    @property
    def together(self) -> bool:
        """Whether the events of a tick are one input to the shard's one network."""
        return self.shape.together

    @property
    def readouts(self) -> tuple[Readout, ...]:
        """The readouts, in the order in which they are judged."""
        return tuple(view.readout for view in self.views)

    @property
    def remembers(self) -> int:
        """How many of its last events a shard remembers: the domain's ``recall``, fewer where events are very wide."""
        return rows_of(self.shape, self.domain.recall)

    @classmethod
    def of(cls, domain: Domain, *, reservoir: bool, plasticity: bool, max_entities: int) -> "Plan":
        """The plan of a bound domain. Raises ConfigError on a readout that is unknown or badly set."""
        bank = FeatureBank(domain.features)
        config = domain.network if plasticity else domain.network.replace({"learning.algorithm": "none"})
        joined = reservoir and domain.clock.event_ticks == 1 and Native.joins(config.reservoir)
        codes = Codes.of(domain, bank.names_numbers, bank.names_symbols, joined=joined)
        network = shared_network(config, codes.inputs) if reservoir else None
        specs = [spec for spec in domain.readouts if reservoir or spec.kind != "predictive"]
        if not specs:
            raise ConfigError(
                f"domain {domain.name!r} has no readouts left; name at least one that needs no reservoir: "
                f"{', '.join(kind for kind in KINDS if kind != 'predictive')}"
            )
        shape = Shape(
            len(bank.numeric), len(bank.symbolic), config.readout.neurons, config.reservoir.neurons, codes.words,
            together=reservoir and domain.clock.together,
        )  # fmt: skip
        features = (*bank.numeric, *bank.symbolic)
        names = tuple(dict.fromkeys(feature.group for feature in features))
        views = tuple(View.of(_readout(spec), spec, features, shape) for spec in specs)
        place = {name: at for at, name in enumerate(names)}
        groups = [[place[features[at].group] for at in view.columns] for view in views]
        readouts = tuple(view.readout for view in views)
        judge = Judge.of(readouts, groups, len(names), domain.refractory, domain.threshold, domain.gate)
        return cls(domain, bank, codes, network, views, names, judge, shape, max_entities)


def _readout(spec: ReadoutSpec) -> Readout:
    if spec.kind not in KINDS:
        raise ConfigError(f"no readout {spec.kind!r}; there are {', '.join(KINDS)}: name one of them")
    try:
        readout = KINDS[spec.kind].model_validate(spec.settings)
    except ValueError as wrong:
        raise ConfigError(f"readout {spec.kind!r}: {wrong}") from wrong
    return readout.model_copy(update={"weight": readout.weight * spec.among_entities})
