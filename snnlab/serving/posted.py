"""Streams on which the anomalies of posted events are told, beside the answer.

The events stay the caller's: only what is found among them goes to the stream's anomalies, where sockets and other
readers of the bus find it. A model's events of one stream are either posted or read from the bus, never both, so that
one detector has seen them all.
"""

from snnlab.errors import ConfigError
from snnlab.serving.deployment import name_of
from snnlab.serving.deployments import Deployments
from snnlab.stores import Store

__all__ = ["PostedStreams"]

_KIND = "posted"


class PostedStreams:
    """Which streams have anomalies of which models' posted events, as the store has it."""

    def __init__(self, store: Store, deployments: Deployments) -> None:
        self._store = store
        self._deployments = deployments
        self._known: set[tuple[str, str]] = set()

    def known(self, model_id: str, stream: str) -> bool:
        """Whether it was joined in this process: known without a look at the store."""
        return (model_id, stream) in self._known

    def has(self, model_id: str, stream: str) -> bool:
        """Whether anomalies of a model's posted events are told on a stream."""
        return self.known(model_id, stream) or self._store.record(_KIND, name_of(model_id, stream)) is not None

    def join(self, model_id: str, stream: str) -> None:
        """Let anomalies of a model's posted events be told on a stream, which is made if it is not there.

        Raises ConfigError where the model was deployed to the stream, or for a name that no stream can have.
        """
        if self.known(model_id, stream):
            return
        if self._deployments.works_on(model_id, stream):
            raise ConfigError(
                f"model {model_id!r} is deployed to stream {stream!r} and reads its events there; publish them to the "
                "stream, or post them without a stream, or with another"
            )
        self._deployments.make(stream)
        self._store.put_record(_KIND, name_of(model_id, stream), b"")
        self._known.add((model_id, stream))
