"""What must hold in every night, whatever its seed, judged by what stood beside the dome and by what is on record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sereno.client import AlarmEvent

from .harvest import Harvest
from .program import Wanted
from .script import CAMERA, DEAF, Happening, Night
from .story import Act

PROMISES = {
    "open_in_danger": "the dome is closed within its time whenever it is dangerous, and by day",
    "opened_too_early": "it is opened after a minute of safety at the soonest, and never in danger",
    "not_reopened": "it is opened again when the danger is over",
    "guard_silent": "what a guard stands for makes it act, whatever the agents do",
    "nobody_told": "people are told by an alarm",
    "without_end": "every command ends with a stated result",
    "helped_itself": "the dome has to help itself only where nobody is heard",
    "sequence_ends": "a sequence that is begun ends with a stated result, whatever a camera does",
    "fails_for_nothing": "a sequence fails only where a camera does not answer",
    "observing_stops": "whenever the dome is open and there is something to observe, it is exposed",
    "image_lost": "an image on record is a file, once, and a sequence that is executed has all of them",
    "exposed_in_the_dome": "no exposure of the sky is begun in a dome that is not open",
    "end_of_night": "in the morning the dome is closed and the majordome idle",
}
SCAN, CLOSING, HOLD = 2.0, 6.0, 60.0
UNHEEDED = 12.0
"""Seconds for which a deaf dome takes no orders; then whoever still wants it closed gives one within 5 s."""
WITHIN = {"lost": 10.0 + SCAN + CLOSING + 1.0, DEAF: UNHEEDED + 5.0 + SCAN + CLOSING + 1.0}
"""Seconds to be closed after a danger has begun, where that is not `USUAL`."""
USUAL = 2 * SCAN + 5.0 + CLOSING + 1.0
AGAIN = HOLD + 2 * SCAN + 5.0 + CLOSING + 1.0
"""Seconds to be open after a danger has ended, or night has begun."""
GOES_ON = 75.0
"""Seconds within which the next exposure begins once the dome is open, or a sequence has ended."""
UNSEEN = 5.0 + 2.0
"""Seconds for which the majordome may not have seen yet that the dome closes."""
_WAITING, _OVER = ("TOBEPLANNED", "PLANNED"), ("EXECUTED", "FAILED", "ABORTED", "EXPIRED")
PAUSE = 20.0
"""Seconds that a link which was lost may take to be up again."""
GUARDS = {"rain": "close_on_rain", "rain again": "close_on_rain", "wind": "close_on_wind"}
GUARDS |= {DEAF: "close_on_rain"}
GUARDS |= {"intrusion": "close_on_intrusion", "clouds": "close_on_environment", "lost": "close_on_environment"}


@dataclass(slots=True)
class Facts:
    """What is known of a night when it is over. `moves`: the shutter's, with seconds since 1970.

    `executing` is the number of the sequence that the observer is still at.
    `end`: activity of the majordome and shutter in the morning; None if it was not played so far.
    """

    night: Night
    happenings: Sequence[Happening]
    moves: list[tuple[float, str]] = field(default_factory=list)
    commands: list[Act] = field(default_factory=list)
    program: Sequence[Wanted] = ()
    harvest: Harvest = field(default_factory=Harvest)
    executing: int = 0
    alarms: list[AlarmEvent] = field(default_factory=list)
    end: tuple[str, str] | None = None

    def shutter_at(self, moment: float) -> str:
        """Where it was."""
        return next((word for t, word in reversed(self.moves) if t <= moment), "closed")

    def exposures(self) -> list[tuple[float, str]]:
        """When an exposure of the sky was begun, and by which camera."""
        return [
            (one.t / 1e9, one.target)
            for one in self.commands
            if one.action == "call expose" and one.outcome == "done" and "light" in str(one.new)
        ]

    def waiting(self, moment: float) -> list[Wanted]:
        """Sequences within their windows that wait at this moment."""
        found = []
        for one, told in zip(self.program, self.harvest.sequences, strict=False):
            status = [word for t, word in told.statuses if t / 1e9 <= moment][-1:]
            if (
                self.night.dusk + one.begins <= moment < self.night.dusk + one.ends
                and status[0:]
                and status[0] in _WAITING
            ):
                found.append(one)
        return found

    def silent_camera(self, since: float, until: float) -> bool:
        """True if at some time in between a camera did not answer, or had not long before."""
        spans = [self.times(one) for one in self.happenings if one.kind == CAMERA]
        return any(begins - GOES_ON <= until and since <= ends + GOES_ON for begins, ends in spans)

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
        "fails_for_nothing": _fails_for_nothing,
        "observing_stops": _observing_stops,
        "image_lost": _image_lost,
        "exposed_in_the_dome": _exposed_in_the_dome,
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
            if one.kind != CAMERA and begins + WITHIN.get(one.kind, USUAL) < t < ends + HOLD - 0.1:
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
    for one in facts.harvest.sequences:
        if one.status == "EXECUTING" and (facts.end is not None or one.number != facts.executing):
            yield f"{one.name} is {one.status} for ever"


def _fails_for_nothing(facts: Facts) -> Iterator[str]:
    for one in facts.harvest.sequences:
        for (since, _), (until, status) in pairwise((*one.statuses[:1], *one.statuses)):
            if status == "FAILED" and not facts.silent_camera(since / 1e9, until / 1e9):
                yield f"{one.name} {until / 1e9 - facts.night.dusk:.0f} s after dusk"


def _observing_stops(facts: Facts) -> Iterator[str]:
    exposures = [t for t, _ in facts.exposures()]
    if facts.end is not None and facts.program and not any(o.status == "EXECUTED" for o in facts.harvest.sequences):
        yield "no sequence is executed to its end"
    opened = [t for t, word in facts.moves if word == "open"]
    ended = [t / 1e9 for one in facts.harvest.sequences for t, status in one.statuses if status in _OVER]
    for moment in (*opened, *ended):
        goes_on = moment + GOES_ON
        if facts.shutter_at(moment) != "open" or facts.shutter_at(goes_on) != "open":
            continue
        if facts.silent_camera(moment, moment):
            continue
        wanted = [one.name for one in facts.waiting(moment) if facts.night.dusk + one.ends > goes_on + one.takes]
        if wanted and not any(moment < t <= goes_on for t in exposures):
            after = moment - facts.night.dusk
            last = (
                f"the last {exposures[-1] - facts.night.dusk:.0f} s after dusk" if exposures else "in the whole night"
            )
            yield f"{after:.0f} s after dusk {wanted[0]} waits and nothing is exposed ({last})"


def _image_lost(facts: Facts) -> Iterator[str]:
    found = facts.harvest
    for words, files in (
        ("on record and no file", found.missing),
        ("a file and on no record", found.unrecorded),
        ("on record twice", found.doubled),
    ):
        yield from (f"{file}: {words}" for file in files)
    for one in found.sequences:
        if len(one.files) > one.wanted or (one.status == "EXECUTED" and len(one.files) < one.wanted):
            yield f"{one.name} is {one.status} with {len(one.files)} images of {one.wanted}"


def _exposed_in_the_dome(facts: Facts) -> Iterator[str]:
    for t, camera in facts.exposures():
        if facts.shutter_at(t) != "open" and facts.shutter_at(t - UNSEEN) != "open":
            yield f"{camera} begins {t - facts.night.dusk:.0f} s after dusk, the dome is {facts.shutter_at(t)}"


def _end_of_night(facts: Facts) -> Iterator[str]:
    if facts.end not in (None, ("IDLE", "closed")):
        assert facts.end is not None
        yield f"the majordome is {facts.end[0]} and the dome {facts.end[1]}"
