"""What the tests of reports share: a live port over declared tags, a courier that keeps what it was given."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from sereno.access.actor import Actor, Right
from sereno.client import Calendar, Every, NoAlarms, NoAnalysis, NoLogbook
from sereno.model import OperationError, TagSpec
from sereno.reports.courier import Letter
from sereno.reports.gather import Sources
from sereno.reports.spec import ReportSpec, Shown


class Declared:
    """As much of a LivePort as reports use."""

    def __init__(self, *specs: TagSpec) -> None:
        self.specs = specs

    async def tags(self, globs: Sequence[str], actor: Actor) -> list[TagSpec]:
        named = [s for s in self.specs if any(fnmatchcase(s.path, glob) for glob in globs)]
        return [spec for spec in named if actor.may(Right.READ, spec.path)]


class Post:
    """A courier: it fails as often as told."""

    def __init__(self, *, failures: int = 0) -> None:
        self.failures = failures
        self.taken: list[tuple[str, Letter]] = []

    def recipients(self, by: tuple[str, ...], to: tuple[str, ...], t: int) -> list[tuple[str, str]]:
        del t
        return [(way, person) for way in by for person in to if person != "nobody"]

    async def send(self, way: str, person: str, letter: Letter) -> str:
        self.taken.append((f"{way} {person}", letter))
        if self.failures:
            self.failures -= 1
            raise OperationError("the server is away")
        return "taken"


def sources(live: Declared, **given: Any) -> Sources:
    usual = {"history": None, "analysis": NoAnalysis(), "alarms": NoAlarms(), "logbook": NoLogbook()}
    return Sources(live=live, **{**usual, **given})  # type: ignore[arg-type]


def report(*tables: Shown, every: str = "1d", zone: str = "UTC", **given: Any) -> ReportSpec:
    named = {"name": "daily", "title": "Daily", "plant": "Works", **given}
    return ReportSpec(every=Every.parse(every), calendar=Calendar(zone, ("06:00",)), tables=tables, **named)
