"""The log of a night: what happened, what was decided and by whom, what became of it; a line each, in order of time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sereno.client import AlarmEvent

WATCHED = (
    "observatory/environment/weather_status",
    "observatory/environment/site_status",
    "observatory/environment/make_safe",
    "observatory/environment/supervision/state",
    "observatory/majordome/activity",
    "observatory/observer/activity",
    "observatory/observer/executing",
    "observatory/observer/instruments_status",
    "observatory/observer/result",
    "observatory/majordome/decision",
    "observatory/majordome/last_order",
    "observatory/majordome/night",
    "observatory/majordome/supervision/state",
)
_NUMBER = re.compile(r"\d+(\.\d+)?")


def _short(arguments: object) -> str:
    words = str(arguments)
    return words if len(words) < 60 else f"{words[:57]}..."


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line; `t` ns UTC, `rank` orders what is of the same moment by where it comes from."""

    t: int
    rank: int
    order: int
    who: str
    words: str

    def __str__(self) -> str:
        moment = datetime.fromtimestamp(self.t // 1_000_000 / 1e3, UTC)
        return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}  {self.who:34}  {self.words}"


class Act(Protocol):
    """What the audit has of an act, as far as it is told."""

    @property
    def t(self) -> int:
        """ns UTC."""

    @property
    def actor(self) -> str:
        """Who."""

    @property
    def action(self) -> str:
        """What was done: "write", or "call" and the name of a command."""

    @property
    def target(self) -> str:
        """With what."""

    @property
    def new(self) -> Any:
        """The value, or the arguments."""

    @property
    def outcome(self) -> str:
        """How far it has come."""

    @property
    def origin(self) -> str:
        """From where, or by what."""

    @property
    def command(self) -> str:
        """Its key, if it is a command."""


class Story:
    """Collects lines while the night runs. `tell` is handed each of them."""

    def __init__(self, tell: Callable[[Line], None] | None = None) -> None:
        self.lines: list[Line] = []
        self._tell = tell
        self._last: dict[str, str] = {}
        self._asked: dict[str, Act] = {}

    def say(self, t: int, rank: int, who: str, words: str) -> None:
        """Add a line."""
        line = Line(t, rank, len(self.lines), who, words)
        self.lines.append(line)
        if self._tell is not None:
            self._tell(line)

    def see(self, path: str, value: object, t: int) -> None:
        """A tag has this value; other figures in its words are no news."""
        told = _NUMBER.sub("#", str(value))
        if self._last.get(path) != told:
            self._last[path] = told
            self.say(t, 1, path.removeprefix("observatory/"), str(value))

    # ---- what is on record

    def add_commands(self, records: Iterable[Act]) -> None:
        """Commands, each with what became of it, when that was known; may be called again with what came since."""
        asked = self._asked
        for one in records:
            if not one.command:
                continue
            if one.command not in asked and one.outcome == "intended":
                asked[one.command] = one
                continue
            begun = asked.get(one.command, one)
            who = one.origin if one.origin.startswith("guard ") else one.actor
            took = (one.t - begun.t) / 1e9
            verb = one.action.removeprefix("call ")
            what = f" = {one.new}" if one.action == "write" else f" {verb} {_short(one.new)}"
            self.say(one.t, 2, who, f"{one.target}{what}: {one.outcome}, after {took:.3f} s")

    def add_alarms(self, events: Iterable[AlarmEvent]) -> None:
        """Alarms as they came and went."""
        for event in sorted(events, key=lambda one: one.seq):
            self.say(event.t, 3, f"alarm {event.alarm}", f"{event.event}: {event.state}")
