"""The log: one JSON object a line on standard error, that of libraries included.

An entry point calls ``configure`` once; until then, as in a notebook, Python's ``logging`` has the lines: warnings are
shown and the rest is not. ``SNNLAB_LOG`` is json or text (json unless standard error is a terminal),
``SNNLAB_LOG_LEVEL`` debug, info, warning or error, ``SNNLAB_REPLICA`` the name that every line bears (the host's unless
said). Within a traced span a line bears its ``trace_id`` and ``span_id``. The service's key, and the tokens and
passwords of the bus and the store, are taken out of every line, whoever wrote it.
"""

import json
import logging
import os
import re
import socket
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from snnlab import tracing
from snnlab.errors import ConfigError

__all__ = ["configure", "logger"]

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_OTHERS = ("bentoml", "circus", "uvicorn", "uvicorn.error", "uvicorn.access")
_SECRET = re.compile(r"SNNLAB_(?:\w+_)?(?:API_KEY|TOKEN|PASSWORD|SECRET)")
_SHORTEST = 4  # characters of a secret that are looked for; fewer stand in ordinary words
_FIRST = ("timestamp", "level", "event", "logger", "replica")
_BEFORE = {"timestamp", "level", "logger"}  # which logging tells itself, or nobody asked for
_TEXT = structlog.processors.KeyValueRenderer(key_order=["event"], drop_missing=True)


class _Here:
    """How this process writes its log; None until it is told."""

    replica: str | None = None


def logger(name: str, **bound: object) -> structlog.stdlib.BoundLogger:
    """A logger; ``bound`` stands in each of its lines."""
    found: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, *_SHARED, _last],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return found.bind(**bound)


def configure(stream: TextIO | None = None, environment: Mapping[str, str] | None = None) -> None:
    """Write every line of this process's log to a stream, standard error unless said, in one form.

    Raises ConfigError for words that it does not know.
    """
    out = sys.stderr if stream is None else stream
    told = os.environ if environment is None else environment
    level = _LEVELS[_word(told, "SNNLAB_LOG_LEVEL", tuple(_LEVELS), "info")]
    form = _word(told, "SNNLAB_LOG", ("json", "text"), "text" if out.isatty() else "json")
    _Here.replica = told.get("SNNLAB_REPLICA") or socket.gethostname()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, _last],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = _StandardError() if stream is None else logging.StreamHandler(stream)
    secrets = [value for name, value in told.items() if _SECRET.fullmatch(name) and len(value) >= _SHORTEST]
    handler.setFormatter(_Formatter(form, secrets, colours=form == "text" and out.isatty()))
    _route(handler, level)
    sys.excepthook = _unforeseen
    threading.excepthook = _in_thread


def _word(told: Mapping[str, str], name: str, known: tuple[str, ...], default: str) -> str:
    word = told.get(name, "").strip().lower() or default
    if word not in known:
        raise ConfigError(f"{name}={told[name]!r} is not known; say {', '.join(known)}")
    return word


def _placed(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    if _Here.replica is not None:
        line.setdefault("replica", _Here.replica)
    if (ids := tracing.ids()) is not None:
        line["trace_id"], line["span_id"] = ids
    return line


def _in_order(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    return {**{name: line[name] for name in _FIRST if name in line}, **line}


_SHARED: list[Processor] = [  # what is done to each line, whoever wrote it
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _placed,
]


def _last(log: WrappedLogger, name: str, line: EventDict) -> Any:  # noqa: ANN401 - a text, or what the formatter wants
    """What ``logging`` is given: the line for the formatter, or its text while nothing is configured."""
    if _Here.replica is not None:
        return ProcessorFormatter.wrap_for_formatter(log, name, line)
    shown = {key: value for key, value in line.items() if key not in _BEFORE}
    return _TEXT(log, name, structlog.processors.format_exc_info(log, name, shown))


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that moment: notebooks and tests put another one in its place."""

    @property
    def stream(self) -> TextIO:
        """Standard error."""
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None: ...


class _Formatter(ProcessorFormatter):
    """Lines of structlog and of logging in one form, without the secrets."""

    def __init__(self, form: str, secrets: list[str], *, colours: bool) -> None:
        written = {part for secret in secrets for part in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1])}
        self._secrets = sorted(written, key=len, reverse=True)
        last: list[Processor] = [structlog.dev.ConsoleRenderer(colors=colours)]
        if form == "json":
            last = [structlog.processors.format_exc_info, _in_order, structlog.processors.JSONRenderer(default=str)]
        super().__init__(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder([]), *_SHARED],
            processors=[ProcessorFormatter.remove_processors_meta, *last],
        )

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = super().format(record)
        for secret in self._secrets:
            line = line.replace(secret, "[secret]")
        return line


def _route(handler: logging.Handler, level: int) -> None:
    """Let everything end in one handler. Libraries are heard from warnings on, BentoML from its own beginning."""
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    for name in _OTHERS:
        other = logging.getLogger(name)
        other.handlers.clear()
        other.propagate = True
    logging.getLogger("snnlab").setLevel(level)
    logging.getLogger("bentoml").setLevel(max(level, logging.INFO))
    logging.captureWarnings(capture=True)


def _unforeseen(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logger("snnlab").critical("the process ends by an error", exc_info=(kind, error, trace))


def _in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is None or issubclass(told.exc_type, SystemExit):
        return
    name = told.thread.name if told.thread else ""
    error = (told.exc_type, told.exc_value, told.exc_traceback)
    logger("snnlab").error("a thread ended by an error", thread=name, exc_info=error)
