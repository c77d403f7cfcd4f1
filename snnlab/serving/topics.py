"""Which streams a request may name: those that the operator allows, and never the topics beside a stream.

``SNNLAB_TOPICS`` holds patterns as of file names, such as ``pumps.*,web``. Without it every stream of the bus may be
named, which is one file, or one namespace of Pulsar. The service's own topics (anomalies, dead letters, feedback) are
never to be deployed to: who could feed them could forge what the service has said.
"""

import re
from fnmatch import fnmatchcase
from typing import Self

from snnlab.errors import ConfigError, TopicForbidden

__all__ = ["Topics"]

_PATTERN = re.compile(r"[A-Za-z0-9._*?\[\]!-]{1,200}")
_OWN = re.compile(r".*(-partition-\d+|\.(anomalies|dead-letters|replayed-letters|feedback))", re.DOTALL)


class Topics:
    """The streams that requests may name.

    >>> Topics.of("pumps.*, web").check("pumps.eu")
    >>> Topics.of("pumps.*").check("payments")
    Traceback (most recent call last):
    snnlab.errors.TopicForbidden: this service may not work on stream 'payments'; SNNLAB_TOPICS allows pumps.*
    """

    def __init__(self, *patterns: str) -> None:
        for pattern in patterns:
            if not _PATTERN.fullmatch(pattern):
                raise ConfigError(
                    f"SNNLAB_TOPICS: {pattern!r} is no pattern of stream names; write letters, digits, '.', '_', '-', "
                    "and '*', '?' or '[a-z]', with commas between patterns"
                )
        self._patterns = patterns

    @classmethod
    def of(cls, told: str) -> Self:
        """From patterns with commas between them; where there are none, no stream may be named.

        Raises ConfigError for what is no pattern.
        """
        return cls(*(pattern.strip() for pattern in told.split(",") if pattern.strip()))

    def check(self, stream: str) -> None:
        """Raises TopicForbidden for a stream that may not be named."""
        if _OWN.fullmatch(stream):
            raise TopicForbidden(
                f"stream {stream[:200]!r} is named as the topics that stand beside a stream are; "
                "name the stream itself, or another"
            )
        if not any(fnmatchcase(stream, pattern) for pattern in self._patterns):
            raise TopicForbidden(
                f"this service may not work on stream {stream[:200]!r}; SNNLAB_TOPICS allows "
                f"{', '.join(self._patterns) or 'none'}"
            )
