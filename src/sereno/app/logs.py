"""Logs: one line of words in a terminal, one JSON object a line elsewhere, always on standard error."""

from __future__ import annotations

import logging
import sys

import structlog


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
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
