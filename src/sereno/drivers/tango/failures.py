"""What Tango's errors mean: not arrived, not known whether done, or the device said no."""

from __future__ import annotations

from typing import Any

from sereno.model import DeviceError, ErrorSeverity, NoAnswerError, NotConnectedError, SerenoError

TIMED_OUT = "API_DeviceTimedOut"
_ABSENT = frozenset((
    *("API_CantConnectToDevice", "API_CantConnectToDatabase", "API_DeviceNotExported", "API_ServerNotRunning"),
    *("API_DeviceNotDefined", "DB_DeviceNotDefined", "API_BadConfigurationProperty", "API_TangoHostNotSet"),
))  # fmt: skip
_SEVERITIES = {"WARN": ErrorSeverity.WARNING, "PANIC": ErrorSeverity.PANIC}


class BrokenError(NoAnswerError):
    """The connection ended while an answer was due."""


def translated(error: Exception) -> SerenoError:
    """The error of ours that says what a DevFailed says; also for what the binding raises without a connection."""
    stack = [one for one in error.args if hasattr(one, "reason")]
    if not stack:
        return NotConnectedError(f"no connection: {first_line(str(error)) or type(error).__name__}")
    reasons = {one.reason for one in stack}
    words = first_line(stack[0].desc) or stack[0].reason
    if TIMED_OUT in reasons:
        return NoAnswerError("no answer in time")
    if reasons & _ABSENT or _refused(stack):
        return NotConnectedError("connection refused" if _refused(stack) else _inside(words))
    if "API_CorbaException" in reasons:
        return BrokenError(f"the connection broke: {words}")
    return device_error(stack)


def device_error(stack: Any) -> DeviceError:
    """The first error of a stack, with its four parts."""
    first = stack[0]
    severity = _SEVERITIES.get(str(first.severity).rpartition(".")[2], ErrorSeverity.ERROR)
    return DeviceError(first.reason, first_line(first.desc), "", severity)


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _refused(stack: list[Any]) -> bool:
    return any(one.reason == "API_ServerNotRunning" or "TRANSIENT_ConnectFailed" in one.desc for one in stack)


def _inside(words: str) -> str:
    """To stand within a sentence."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]
