"""Whose code may run: that of the models which came with this process, and no other's.

A model may carry its user's encoders as source. Whoever built the Bento, or started the worker, agreed to the code of
the models in it, which came out of the registry with the digest that was registered there. What a service reads back
later, from a store that others may write to, is data: a record that says that its code is agreed to does not make it
so.
"""

from threading import Lock

from snnlab.detectors.model_file import ModelFile
from snnlab.encoders.custom import digest

__all__ = ["VouchedCode"]


class VouchedCode:
    """Digests of the sources that were agreed to.

    >>> from snnlab.detectors import Detector
    >>> VouchedCode().covers(Detector.build("sensor", names=["p"]).save())  # it carries no code
    True
    """

    def __init__(self) -> None:
        self._digests: set[str] = set()
        self._lock = Lock()

    def agree(self, model: bytes) -> None:
        """Agree to all code that a model carries. Raises ModelFormatError for bytes that are no model."""
        found = {digest(source) for source in ModelFile.code(model).values()}
        with self._lock:
            self._digests |= found

    def covers(self, model: bytes) -> bool:
        """Whether all code that a model carries was agreed to. Raises ModelFormatError for bytes that are no model."""
        found = {digest(source) for source in ModelFile.code(model).values()}
        with self._lock:
            return found <= self._digests
