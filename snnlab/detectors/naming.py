"""Naming: which type an anomaly is, from which evidence was strongest."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from snnlab.domains import Domain
from snnlab.types import Array

__all__ = ["Naming"]

UNNAMED = "anomaly"


@dataclass(frozen=True, eq=False)
class Naming:
    """Weights from evidence (groups, then readouts) to types.

    A type's claim is the weighted sum of the evidence that its signature names, each as a share of the strongest; a
    group that no signature names speaks for the types whose hints occur in its name. The strongest claim wins, the
    first of equals.

    Example:
        >>> from snnlab.domains import AnomalyType
        >>> heat = AnomalyType(name="heat", signature={"temperature": 1})
        >>> wear = AnomalyType(name="wear", hints=("rms",))
        >>> naming = Naming.of(Domain(name="d", types=(heat, wear)), ("temperature", "acc_rms"), ("level",))
        >>> naming.names(np.array([[9.0, 1.0], [0.0, 7.0]]), np.zeros((2, 1)), np.array([True, True]))
        ['heat', 'wear']
    """

    types: tuple[str, ...]
    weights: Float64[np.ndarray, "t e"]

    @classmethod
    def of(cls, domain: Domain, groups: tuple[str, ...], readouts: tuple[str, ...]) -> "Naming":
        """The naming of a domain whose evidence has these groups and readout kinds."""
        keys = (*groups, *(f"readout:{kind}" for kind in readouts))
        signed = {key for kind in domain.types for key in kind.signature}
        weights = np.zeros((len(domain.types), len(keys)))
        for t, kind in enumerate(domain.types):
            for k, key in enumerate(keys):
                weights[t, k] = kind.signature.get(key, 0.0)
                hinted = any(hint in key.lower() for hint in kind.hints)
                if key not in signed and not key.startswith("readout:") and hinted:
                    weights[t, k] = 1.0
        return cls(tuple(kind.name for kind in domain.types), weights)

    def names(
        self,
        groups: Float64[np.ndarray, "n g"],
        rarities: Float64[np.ndarray, "n r"],
        anomaly: Bool[np.ndarray, " n"],
    ) -> list[str]:
        """The type of each anomalous event, "" for the others."""
        named = [""] * len(anomaly)
        found = np.flatnonzero(anomaly)
        if not len(found):
            return named
        if not self.types:
            claims = np.zeros(len(found), np.int64)
        else:
            evidence = np.concatenate([_shares(groups[found]), _shares(rarities[found])], axis=1)
            claims = np.argmax(evidence @ self.weights.T, axis=1)
        for row, claim in zip(found.tolist(), claims.tolist(), strict=True):
            named[row] = self.types[claim] if self.types else UNNAMED
        return named


def _shares(evidence: Array) -> Array:
    positive = np.maximum(evidence, 0.0)
    shares: Array = positive / np.maximum(positive.max(axis=1, initial=0.0, keepdims=True), 1e-12)
    return shares
