"""The line protocol: a question is a line, and so is its answer. No I/O.

`area/device/tag` asks for a value, `area/device/state` (where no tag has that name) for the operational state of the
device, `area/device/tag = 1.5` sets a tag. What cannot be answered is told in the form that users of Tango know:
`DevFailed[ DevError[ desc = ... origin = ... reason = ... severity = ERR ] ]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from sereno.model import (
    DeliveryError,
    DeniedError,
    ExpiredError,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    RefusedError,
    SerenoError,
)
from sereno.wire.jsonvalue import json_bytes

MAX_LINE = 4096
"""Bytes of a question, its end included. Longer ones are answered once and end the connection."""

_REASONS: tuple[tuple[type[SerenoError], str], ...] = (
    (NotFoundError, "NotFound"),
    (DeniedError, "Denied"),
    (RefusedError, "Refused"),
    (NotConnectedError, "NotConnected"),
    (ExpiredError, "TimedOut"),
    (NoAnswerError, "Unknown"),
    (DeliveryError, "NotDelivered"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """What one line asks. `text` is the value to set as it was written, None = a question for the value."""

    path: str
    text: str | None = None


class Lines:
    """Cuts a stream into questions: lines end with LF or CR LF, blank ones are left out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now, without their ends. Raises ValueError for one that is too long."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) >= MAX_LINE or any(len(line) >= MAX_LINE for line in whole):
            raise ValueError(f"a line of {MAX_LINE} bytes or more")
        return [line for line in (one.strip() for one in whole) if line]

    def end(self) -> list[bytes]:
        """What is left when the other side sends no more: a last line needs no end."""
        rest, self._rest = self._rest.strip(), b""
        return [rest] if rest else []


def parse_line(line: bytes) -> Question:
    """The question of a line. Raises ValueError with what was found."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("a line that is not UTF-8") from None
    path, sign, value = text.partition("=")
    path = path.strip().strip("/")
    if not path or not path.isprintable():
        raise ValueError(f"{text!r:.80} names no tag, expected such as area/device/tag")
    return Question(path, value.strip() if sign else None)


def parse_value(text: str) -> Any:
    """A value as it is written in a line: JSON where it is JSON (numbers, true, "text", [1, 2]), else the text."""
    try:
        return msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return text


def value_line(value: Any) -> str:
    """A value on one line: numbers as short as they read back exactly, words bare, arrays as JSON."""
    if isinstance(value, str):
        return _one_line(value)
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return json_bytes(value).decode()


def error_line(desc: str, origin: str, reason: str) -> str:
    """An error with its four parts, on one line."""
    parts = f"desc = {_one_line(desc)} origin = {_one_line(origin)} reason = {reason} severity = ERR"
    return f"DevFailed[ DevError[ {parts} ] ]"


def failure_line(error: Exception, origin: str) -> str:
    """What the error of a question is answered with. Errors of a device carry reason and origin of their own."""
    reason = getattr(error, "reason", "") or next(
        (word for kind, word in _REASONS if isinstance(error, kind)), "Failed"
    )
    return error_line(str(error), getattr(error, "origin", "") or origin, reason)


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
