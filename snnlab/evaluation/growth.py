"""How a cost grows with a size: the power law that fits it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from snnlab.errors import ConfigError

__all__ = ["Growth"]


@dataclass(frozen=True)
class Growth:
    """``cost = factor size ** exponent``: 1 is linear, 2 quadratic. What does not grow pulls the exponent down.

    The fit is of least squares between the logarithms, so that every size counts alike.

    >>> Growth.of([10, 100, 1000], [50.0, 500.0, 5000.0])
    Growth(exponent=1.0, factor=5.0)
    >>> round(float(Growth.of([1, 2, 4], [3, 12, 48]).at(8)), 6)
    192.0
    """

    exponent: float
    factor: float

    @classmethod
    def of(cls, sizes: ArrayLike, costs: ArrayLike) -> Self:
        """The law of measured costs. Raises ConfigError unless there are two sizes or more, all above zero."""
        x, y = np.asarray(sizes, np.float64), np.asarray(costs, np.float64)
        if x.shape != y.shape or np.unique(x).size < 2 or not ((x > 0).all() and (y > 0).all()):
            raise ConfigError(f"sizes {x.tolist()} and costs {y.tolist()} show no growth; measure two sizes or more")
        exponent, log_factor = np.polyfit(np.log(x), np.log(y), 1)
        return cls(round(float(exponent), 9), round(float(np.exp(log_factor)), 9))

    def at(self, size: ArrayLike) -> np.ndarray:
        """The cost that the law says of a size."""
        return np.asarray(self.factor * np.asarray(size, np.float64) ** self.exponent)
