"""Logs: one line of words in a terminal, one JSON object a line elsewhere, always on standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog

Listener = Callable[[Mapping[str, Any]], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> Callable[[], None]:
    """Hand every line that is logged from now on to `listener`, in the thread that logs; what is returned ends that."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def configure_logs(level: int = logging.INFO) -> None:
    """Set up structlog for this process."""
    terminal = sys.stderr.isatty()
    plain = structlog.dev.plain_traceback  # the rich one prints local variables, cookies and tokens among them
    console = structlog.dev.ConsoleRenderer(exception_formatter=plain)
    renderer = console if terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([] if terminal else [structlog.processors.format_exc_info]),
            _told,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _told(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if _listeners:
        formatted = structlog.processors.format_exc_info(logger, method, dict(event))
        for listener in tuple(_listeners):
            listener(formatted)
    return event
