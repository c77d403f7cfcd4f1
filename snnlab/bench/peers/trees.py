"""River's half-space trees, scored and taught one event at a time: an ordinary online detector."""

from collections.abc import Callable, Mapping

__all__ = ["NAME", "half_space_trees"]

NAME = "river half-space trees"


def half_space_trees(trees: int = 25, window: int = 250) -> Callable[[Mapping[str, float]], float]:
    """Scores an event and then learns from it; raises ModuleNotFoundError where river is not installed.

    Source: S. C. Tan, K. M. Ting, T. F. Liu, Fast anomaly detection for streaming data, IJCAI 2011.
    """
    from river import anomaly, preprocessing

    scaler = preprocessing.MinMaxScaler()
    forest = anomaly.HalfSpaceTrees(n_trees=trees, window_size=window, seed=0)

    def process(event: Mapping[str, float]) -> float:
        scaler.learn_one(event)
        scaled = scaler.transform_one(event)
        score = float(forest.score_one(scaled))
        forest.learn_one(scaled)
        return score

    return process
