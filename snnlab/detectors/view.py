"""A view: the features that one readout sees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64

from snnlab.detectors.readouts import Inputs, Readout, Shape
from snnlab.domains import ReadoutSpec
from snnlab.errors import ConfigError
from snnlab.features import Feature

__all__ = ["View"]


@dataclass(frozen=True, eq=False)
class View:
    """A readout, the shape of what it sees, and the columns of that among all features."""

    readout: Readout
    shape: Shape
    numbers: Int64[np.ndarray, " p"]
    categories: Int64[np.ndarray, " c"]
    columns: tuple[int, ...]
    whole: bool

    @classmethod
    def of(cls, readout: Readout, spec: ReadoutSpec, features: Sequence[Feature], shape: Shape) -> "View":
        """The view of the features that a readout's spec lets it see.

        Raises:
            ConfigError: no feature is among them.
        """
        seen = [at for at, feature in enumerate(features) if spec.sees(feature)]
        if not seen:
            known = ", ".join(dict.fromkeys(f"{feature.group} ({feature.aggregate})" for feature in features))
            wanted = [*spec.groups, *spec.aggregates]
            raise ConfigError(f"readout {readout.kind!r} sees {wanted}, and no feature is like that: {known}")
        numbers = [at for at in seen if at < shape.numbers]
        categories = [at - shape.numbers for at in seen if at >= shape.numbers]
        own = replace(
            shape, numbers=len(numbers), categories=len(categories), symbols=tuple(shape.symbols[at] for at in seen)
        )
        columns = tuple(seen[at] for at in readout.columns(own))
        return cls(
            readout,
            own,
            np.array(numbers, np.int64),
            np.array(categories, np.int64),
            columns,
            len(seen) == len(features),
        )

    def codes(self, numbers: int) -> Int64[np.ndarray, " d"]:
        """The codes of what it sees, among those of ``numbers`` numeric features and the categories after them."""
        return np.concatenate([self.numbers, numbers + self.categories])

    def seen(self, inputs: Inputs) -> Inputs:
        """The part of the inputs that this readout sees."""
        if self.whole:
            return inputs
        codes = self.codes(inputs.numbers.shape[1])
        return inputs._replace(
            numbers=np.ascontiguousarray(inputs.numbers[:, self.numbers]),
            categories=np.ascontiguousarray(inputs.categories[:, self.categories]),
            codes=np.ascontiguousarray(inputs.codes[:, codes]) if inputs.codes.shape[1] else inputs.codes,
        )
