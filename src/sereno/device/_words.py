"""Errors in words that an operator understands."""

from __future__ import annotations

import socket

_KNOWN: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "connection reset by the other side"),
    (ConnectionAbortedError, "connection aborted"),
    (BrokenPipeError, "connection closed by the other side"),
    (socket.gaierror, "host name not found"),
    (TimeoutError, "no answer in time"),
)


def in_words(error: BaseException) -> str:
    """One line that says what happened; never empty."""
    if isinstance(error, OSError):
        for kind, words in _KNOWN:
            if isinstance(error, kind):
                return words
        return error.strerror or str(error) or type(error).__name__
    return str(error) or type(error).__name__
