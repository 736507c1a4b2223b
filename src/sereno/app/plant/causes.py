"""Faults told once, at their cause: not what follows from another one, nor one line once for each that it makes.

Nothing here looks at how a fault is worded: what it loses and what it misses are its own data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from sereno.model import Fault, Subject

ANY = "*"
_GLOB = re.compile(r"[*?[]")
_NAME = re.compile(r"[a-z0-9_./-]+")


@dataclass(frozen=True, slots=True)
class Unread:
    """What stands where a value could not be had, such as a key that [site] does not have; its fault is told there."""

    subject: Subject

    def __str__(self) -> str:
        return f"{{{self.subject.kind}.{self.subject.name}}}"


def named(data: Mapping[str, Any], key: str = "name") -> str:
    """The name in a table, or that it may be any."""
    name = data.get(key)
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ANY


def of(subject: Subject, faults: Iterable[Fault], *, loses: Sequence[Subject] = ()) -> list[Fault]:
    """The faults as told of `subject`, where they say nothing nearer; with all of them `loses` cannot be known."""
    return [replace(one, about=one.about or subject, loses=(*one.loses, *loses)) for one in faults]


def at_their_cause(faults: Sequence[Fault]) -> list[Fault]:
    """Without those that miss what another one loses, and each mistake once: whoever misses it may be right."""
    lost = _Lost(subject for fault in faults for subject in fault.loses)
    kept = [fault for fault in faults if fault.misses is None or fault.misses not in lost] or faults
    first: dict[tuple[str, str, str], Fault] = {}
    for fault in kept:
        first.setdefault((fault.where, _of_anyone(fault), fault.expected), fault)
    return list(first.values())


class _Lost:
    """What cannot be known, by kind: names, and globs of names."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self._names: dict[str, set[str]] = {}
        for one in subjects:
            self._names.setdefault(one.kind, set()).add(one.name)
        self._globs = {kind: [name for name in names if _GLOB.search(name)] for kind, names in self._names.items()}

    def __contains__(self, missed: Subject) -> bool:
        names = self._names.get(missed.kind, set())
        if missed.name in names or any(_meet(missed.name, glob) for glob in self._globs.get(missed.kind, ())):
            return True
        return _GLOB.search(missed.name) is not None and any(fnmatchcase(name, missed.name) for name in names)


def _meet(one: str, other: str) -> bool:
    """Whether a name and a glob, or two globs, may stand for the same thing."""
    if not _GLOB.search(one):
        return fnmatchcase(one, other)
    start, end = _GLOB.split(one)[0], _GLOB.split(other)[0]
    return start.startswith(end) or end.startswith(start)


def _of_anyone(fault: Fault) -> str:
    """What it says, but for the names of whom it is told of: a line of a template is wrong once, not for each use."""
    if fault.about is None:
        return fault.found
    path, parts = fault.about.name, fault.about.name.split("/")
    names = {path, parts[-1], *("/".join(parts[:count]) for count in range(1, len(parts)))}
    own = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True) if name)
    return re.sub(rf"(?<![\w/])(?:{own})(?!\w)", ANY, fault.found) if own else fault.found
