"""The latest protocol, both ends. No I/O.

The byte `n` asks for the latest value, which is answered as the text of a number and nothing else. Everything that does
not begin with `n` is a line of our own: `get`, `every`, `rate` (each with a name, or without for the value that `n`
is answered with) and `list`; it is answered by lines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sereno.model import severity

ASK = b"n"
MAX_LINE = 256
"""Bytes of a line, its end included."""
VERBS = ("get", "every", "rate", "list")
NOTHING_YET = "nan"
"""What is answered before the first value: a number for whoever reads one, and no value."""
_BLANK = b" \r\n\t"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: `n`, or a verb of a line with the name that it is about ("" = the one of `n`)."""

    verb: str
    name: str = ""


class Questions:
    """Cuts what a reader sends into questions."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Asked]:
        """The questions that are whole now. Raises ValueError for what is none."""
        if data == ASK and not self._rest:
            return [_LATEST]
        found: list[Asked] = []
        rest, at = self._rest + data, 0
        while at < len(rest):
            if rest[at] in _BLANK:
                at += 1
            elif rest[at] == ASK[0]:
                found.append(_LATEST)
                at += 1
            else:
                end = rest.find(b"\n", at)
                if (len(rest) if end < 0 else end) - at >= MAX_LINE:
                    raise ValueError(f"a line of {MAX_LINE} bytes or more")
                if end < 0:
                    break
                found.append(parse_line(rest[at:end]))
                at = end + 1
        self._rest = rest[at:]
        return found


_LATEST = Asked("n")


def parse_line(line: bytes) -> Asked:
    """The question of a line. Raises ValueError with what was found."""
    try:
        words = line.decode("ascii").split()
    except UnicodeDecodeError:
        raise ValueError("a line that is not ASCII") from None
    if not words or words[0] not in VERBS or len(words) > 2 - (words[0] == "list"):
        raise ValueError(f"{' '.join(words)[:60]!r} is no question, expected n, {', '.join(VERBS)}")
    return Asked(words[0], words[1] if len(words) > 1 else "")


def number_text(value: float, *, whole: bool = False) -> str:
    """A value as sensors write it: as short as it reads back exactly. `whole` = of an integer type."""
    return str(int(value)) if whole and math.isfinite(value) else repr(value)


def sample_line(text: str, t_ns: int, quality: int) -> bytes:
    """A value with its time and whether it may be trusted."""
    return f"{text} {t_ns} {severity(quality)}\n".encode()


def parse_sample(line: bytes) -> tuple[float, int, bool]:
    """Value, ns UTC, and True where the value is good. Raises ValueError for what is none."""
    if line.startswith(b"!"):
        raise ValueError(line[1:].decode("utf-8", "replace").strip())
    value, t_ns, word = line.split()
    return float(value), int(t_ns), word == b"good"


def error_line(text: str) -> bytes:
    """What cannot be answered, in words."""
    return f"! {''.join(c if c.isprintable() else ' ' for c in text)}\n".encode()
