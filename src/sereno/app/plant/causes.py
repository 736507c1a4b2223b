"""Faults told once, at their cause: not what follows from a device that could not be made, nor one place twice."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from sereno.model import Fault

_WHOSE = re.compile(r" in (?:device|tag|\[site\])|, and device ")
"""Before it stands what is wrong, after it for whom."""


def without_consequences(faults: Iterable[Fault], lost: Collection[str]) -> list[Fault]:
    """Those that do not name a lost device or a tag of one: whoever names it may be right."""
    names = [start for path in lost for start in (f"'{path}'", f"'{path}/")]
    return [fault for fault in faults if not any(name in fault.found for name in names)]


def each_once(faults: Iterable[Fault]) -> list[Fault]:
    """The first of those that say the same of one place, for several devices that take it from there."""
    first: dict[tuple[str, str, str], Fault] = {}
    for fault in faults:
        first.setdefault((fault.where, _WHOSE.split(fault.found)[0], fault.expected), fault)
    return list(first.values())
