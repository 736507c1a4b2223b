"""What is wrong with a sequence as somebody wrote it, in that person's words rather than the reader's."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from sereno.model import ConfigurationError, Fault

from .model import Album, Frame, Plan, Sequence

DOCS = "See docs/observatory.md, Sequences"
_TYPES = {"float": "a number", "int": "a whole number", "str": "a text", "array": "a list", "object": "a table"}
_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_STEP = re.compile(r"(album|plan)s\[(\d+)\]\.?")
_HEADER = re.compile(r"^[ \t]*\[\[ *sequences? *\]\]", re.M)
_LINE = re.compile(
    r" \(at line (\d+), column (\d+)\)$|: line (\d+) column (\d+) \(char \d+\)$|: line (\d+), column (\d+)$"
)


def wrong(where: str, found: str, expected: str = "", fix: str = "") -> ConfigurationError:
    """An error with one fault."""
    return ConfigurationError([Fault(where, found, expected, fix)])


def unreadable(source: str, error: Exception, expected: str) -> ConfigurationError:
    """A text that is none of the forms, with the line where reading it ended."""
    text = str(error)
    line = _LINE.search(text)
    if line is None:
        return wrong(source, text, expected)
    row, column = [number for number in line.groups() if number is not None]
    return wrong(f"{source}:{row}", f"{text[: line.start()]} at column {column}", expected)


def places(text: str, source: str, count: int, *, lines: bool) -> list[str]:
    """Where each of `count` sequences stands: its number, and the line where its table begins."""
    found = [text.count("\n", 0, header.start()) + 1 for header in _HEADER.finditer(text)] if lines else []
    at = found if len(found) == count else [0] * count
    return [f"{source}:{line}: sequence {n}" if line else f"{source}: sequence {n}" for n, line in enumerate(at, 1)]


def check_keys(given: Mapping[str, Any], kind: type[msgspec.Struct], more: Iterable[str], whose: str) -> None:
    """Raises ValueError for a key that is none, with the likely spelling."""
    known = [*kind.__struct_fields__, *more]
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]!r}" if near else ""
            raise ValueError(f"unknown key {key!r}{whose}{hint}")


def check_file(found: Mapping[str, Any], source: str) -> None:
    """Raises ConfigurationError for what stands beside the sequences of a file."""
    tables = ("sequence", "sequences")
    for key in found if any(name in found for name in tables) else ():
        if key not in tables:
            raise wrong(source, f"unknown key {key!r}", "[[sequence]] tables alone")


def check_sequence(given: Mapping[str, Any]) -> None:
    """Raises ValueError for a key that a sequence does not have."""
    check_keys(given, Sequence, ("start", "end", "jd1", "jd2", "relative", "album", "sequence"), "")


def check_album(given: Mapping[str, Any], n: int) -> None:
    """The same, of the n-th album and its plans."""
    check_keys(given, Album, ("plan",), f" in album {n}")
    plans = given.get("plan", given.get("plans", ()))
    for m, plan in enumerate(plans if isinstance(plans, list) else (), 1):
        if isinstance(plan, Mapping):
            check_keys(plan, Plan, (), f" in album {n}, plan {m}")


def readable(error: Exception) -> str:
    """What msgspec or a check says, with places as people count them."""
    text = str(error)
    at = _AT.search(text)
    words = re.sub(
        r"Expected `(\w+)(?: \| null)?`",
        lambda found: f"expected {_TYPES.get(found[1], found[1])}",
        text[: at.start() if at else None],
    )
    words = re.sub(r", got `(\w+)`", lambda found: f", got {_TYPES.get(found[1], found[1])}", words)
    words = re.sub(r"^Object missing required field `(\w+)`", r"there is no '\1'", words)
    words = re.sub(r"^Invalid enum value ", f"expected one of {', '.join(frame.value for frame in Frame)}, got ", words)
    if at is None:
        return words
    path = at["path"]
    steps = [f"{name} {int(number) + 1}" for name, number in _STEP.findall(path)]
    key = _STEP.sub("", path)
    return ", ".join(filter(None, (*steps, key))) + f": {words}"
