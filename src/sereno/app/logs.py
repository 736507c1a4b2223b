"""Logs: one line of words in a terminal, one JSON object a line elsewhere, always on standard error, and in files."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from .logfiles.writer import LogFiles

Listener = Callable[[Mapping[str, Any]], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> Callable[[], None]:
    """Hand every line that is logged from now on to `listener`, in the thread that logs; what is returned ends that."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def configure_logs(level: int = logging.INFO, files: LogFiles | None = None, *, shown: int = logging.DEBUG) -> None:
    """Set up structlog for this process. With `files`, lines go there too, and so do warnings of other packages.

    Standard error is spared lines below the level `shown`.
    """
    terminal = sys.stderr.isatty()
    plain = structlog.dev.plain_traceback  # the rich one prints local variables, cookies and tokens among them
    console = structlog.dev.ConsoleRenderer(exception_formatter=plain)
    renderer: Processor = console if terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([_Copies(files)] if files is not None else []),
            *([] if terminal else [structlog.processors.format_exc_info]),
            _told,
            _Spared(shown),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_NamedLoggers(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, _Passed)]:
        root.removeHandler(handler)
    if files is not None:
        root.addHandler(_Passed(logging.WARNING))


def _told(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if _listeners:
        formatted = structlog.processors.format_exc_info(logger, method, dict(event))
        for listener in tuple(_listeners):
            listener(formatted)
    return event


class _Spared:
    """Keeps lines below a level from being printed."""

    def __init__(self, shown: int) -> None:
        self._shown = shown

    def __call__(self, _: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if logging.getLevelNamesMapping().get(str(event.get("level", method)).upper(), self._shown) < self._shown:
            raise structlog.DropEvent
        return event


class _NamedLogger(structlog.PrintLogger):
    """Knows the module that it was made for."""

    def __init__(self, file: TextIO, name: str) -> None:
        super().__init__(file)
        self.name = name


class _NamedLoggers:
    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __call__(self, *args: Any) -> _NamedLogger:
        return _NamedLogger(self._file, str(args[0]) if args else "")


class _Copies:
    """Writes each line into the files, with the module that it comes from."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files
        self._render = structlog.processors.JSONRenderer()

    def __call__(self, logger: Any, name: str, event: EventDict) -> EventDict:
        copy = structlog.processors.format_exc_info(logger, name, dict(event))
        copy["logger"] = getattr(logger, "name", "")
        self._files.write(str(self._render(logger, name, copy)))
        return event


class _Passed(logging.Handler):
    """Says what other packages log, the event loop among them, as if it were ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        say = structlog.get_logger(record.name)
        exc_info = record.exc_info if record.exc_info and record.exc_info[0] else None
        say.log(
            min(record.levelno, logging.CRITICAL), record.getMessage(), **({"exc_info": exc_info} if exc_info else {})
        )
