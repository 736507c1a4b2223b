"""What must hold in every night, whatever its seed, judged by what stood beside the dome and by what is on record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sereno.client import AlarmEvent
from sereno.store.audit import AuditRecord

from .script import CAMERA, Happening, Night

PROMISES = {
    "open_in_danger": "the dome is closed within its time whenever it is dangerous, and by day",
    "opened_too_early": "it is opened after a minute of safety at the soonest, and never in danger",
    "not_reopened": "it is opened again when the danger is over",
    "guard_silent": "what a guard stands for makes it act, whatever the agents do",
    "nobody_told": "people are told by an alarm",
    "without_end": "every command ends with a stated result",
    "helped_itself": "the dome has to help itself only where nobody is heard",
    "sequence_ends": "a sequence ends with a stated result, whatever a camera does",
    "end_of_night": "in the morning the dome is closed and the majordome idle",
}
SCAN, CLOSING, HOLD = 2.0, 6.0, 60.0
WITHIN = {"lost": 10.0 + SCAN + CLOSING + 1.0}
"""Seconds to be closed after a danger has begun, where that is not `USUAL`."""
USUAL = 2 * SCAN + 5.0 + CLOSING + 1.0
AGAIN = HOLD + 2 * SCAN + 5.0 + CLOSING
"""Seconds to be open after a danger has ended, or night has begun."""
PAUSE = 20.0
"""Seconds that a link which was lost may take to be up again."""
GUARDS = {"rain": "close_on_rain", "rain again": "close_on_rain", "wind": "close_on_wind"}
GUARDS |= {"intrusion": "close_on_intrusion", "clouds": "close_on_environment", "lost": "close_on_environment"}


@dataclass(slots=True)
class Facts:
    """What is known of a night when it is over. `moves`: the shutter's, with seconds since 1970.

    `end`: activity of the majordome and shutter in the morning; None if it was not played so far.
    """

    night: Night
    happenings: Sequence[Happening]
    moves: list[tuple[float, str]] = field(default_factory=list)
    commands: list[AuditRecord] = field(default_factory=list)
    sequence: str | None = None
    alarms: list[AlarmEvent] = field(default_factory=list)
    end: tuple[str, str] | None = None

    def shutter_at(self, moment: float) -> str:
        """Where it was."""
        return next((word for t, word in reversed(self.moves) if t <= moment), "closed")

    def times(self, one: Happening) -> tuple[float, float]:
        """Its beginning and end in seconds since 1970."""
        return self.night.dusk + one.begins, self.night.dusk + one.ends


def broken(facts: Facts) -> dict[str, list[str]]:
    """Every promise that was broken, with how."""
    checks = {
        "open_in_danger": _open_in_danger,
        "opened_too_early": _opened_too_early,
        "not_reopened": _not_reopened,
        "guard_silent": _guard_silent,
        "nobody_told": _nobody_told,
        "without_end": _without_end,
        "helped_itself": _helped_itself,
        "sequence_ends": _sequence_ends,
        "end_of_night": _end_of_night,
    }
    found = {name: list(check(facts)) for name, check in checks.items()}
    return {name: words for name, words in found.items() if words}


def _open_in_danger(facts: Facts) -> Iterator[str]:
    for one in facts.happenings:
        begins, ends = facts.times(one)
        closed_by = begins + WITHIN.get(one.kind, USUAL)
        if one.kind in ("jam", CAMERA):
            continue
        looks = [closed_by, *(t for t, _ in facts.moves if closed_by < t < ends), ends]
        if seen := [word for t in looks if t <= ends and (word := facts.shutter_at(t)) != "closed"]:
            yield f"{one.words}: the dome is {seen[0]}"
    if facts.end and (word := facts.shutter_at(facts.night.dawn + 5.0 + CLOSING + 10.0)) != "closed":
        yield f"it is day and the dome is {word}"


def _opened_too_early(facts: Facts) -> Iterator[str]:
    for t, word in facts.moves:
        if word != "opening":
            continue
        if not facts.night.dusk <= t < facts.night.dawn:
            yield "opened by day"
        for one in facts.happenings:
            begins, ends = facts.times(one)
            if one.kind != CAMERA and begins + USUAL < t < ends + HOLD - 0.1:
                yield f"{one.words}: opened {t - ends:.0f} s after its end"


def _not_reopened(facts: Facts) -> Iterator[str]:
    begun = [(facts.night.dusk + AGAIN, "dusk")]
    over = [(facts.times(one)[1] + AGAIN + PAUSE * (one.kind == "lost"), one.words) for one in facts.happenings]
    for moment, words in (*begun, *over):
        if facts.shutter_at(moment) != "open":
            yield f"{words}: the dome is {facts.shutter_at(moment)} although it is over"


def _guard_silent(facts: Facts) -> Iterator[str]:
    for one in facts.happenings:
        begins, _ = facts.times(one)
        name = GUARDS.get(one.kind)
        acted = [c for c in facts.commands if c.origin == f"guard {name}" and 0 <= c.t / 1e9 - begins <= USUAL]
        if name is not None and not acted:
            yield f"{one.words}: {name} did nothing"


def _nobody_told(facts: Facts) -> Iterator[str]:
    for one in facts.happenings:
        if not one.alarm:
            continue
        begins, ends = facts.times(one)
        if not any(e.alarm == one.alarm and e.event == "raised" and begins <= e.t / 1e9 <= ends for e in facts.alarms):
            yield f"{one.words}: no alarm {one.alarm}"


def _without_end(facts: Facts) -> Iterator[str]:
    last = {one.command: one for one in facts.commands}
    for one in last.values():
        if one.outcome == "intended":
            yield f"{one.target} = {one.new} by {one.actor}"


def _helped_itself(facts: Facts) -> Iterator[str]:
    closing = [t for t, word in facts.moves if word == "closing"]
    lost = [facts.times(one) for one in facts.happenings if one.kind == "lost"]
    ordered = [one.t / 1e9 for one in facts.commands if one.target == "site/plc/dome_close"]
    for t in closing:
        unheard = any(begins <= t <= ends for begins, ends in lost)
        if not unheard and not any(t - 1.0 <= when <= t for when in ordered):
            yield f"closing at {t - facts.night.dusk:.0f} s after dusk, and nobody had ordered it"


def _sequence_ends(facts: Facts) -> Iterator[str]:
    if facts.sequence not in (None, "EXECUTED", "FAILED"):
        yield f"it is {facts.sequence}"


def _end_of_night(facts: Facts) -> Iterator[str]:
    if facts.end not in (None, ("IDLE", "closed")):
        assert facts.end is not None
        yield f"the majordome is {facts.end[0]} and the dome {facts.end[1]}"
