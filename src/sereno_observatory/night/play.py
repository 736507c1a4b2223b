"""A whole night of the site, for people to look at: happenings by seed, users with requests, and what came of it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sereno.client import Client, done
from sereno.model import Clock
from sereno_observatory.majordome.sun import sun_altitude
from sereno_observatory.simulators import DEVICES, PLC_DEVICE
from sereno_observatory.users import Submission

from .asking import BOOK, ROUND, ask_for, book_is_there, rounds
from .harvest import Observed, harvest
from .program import program
from .promises import PROMISES, Facts, broken
from .script import CAMERA, KINDS, LATITUDE, LONGITUDE, Happening, Night, night_of, script
from .story import Line, Story

BELOW = -12.0
BEFORE, AFTER = 600.0, 300.0
"""Seconds that are played before dusk and after dawn."""
IMPATIENCE = 20.0
"""Seconds into each danger at which somebody wants the dome open all the same."""
LOOK = 10.0
"""Seconds between two looks at what came on record."""
MAJORDOME, OBSERVER = "observatory/majordome", "observatory/observer"
TOLD = (
    "observatory/environment/weather_status",
    "observatory/environment/site_status",
    f"{MAJORDOME}/night",
    f"{MAJORDOME}/activity",
    f"{MAJORDOME}/decision",
    f"{OBSERVER}/executing",
    f"{OBSERVER}/result",
    f"{OBSERVER}/instruments_status",
)
ASTRONOMER, USERS = ("vera", "engineer"), ("simulator/users", "operator")
"""Who asks for the night's program, and for more: name and role."""
UNTOLD = ("agent/observatory/observer", "demo", ASTRONOMER[0], USERS[0])
"""Whose commands are not told one by one: what they come to is."""


class Simulated(Protocol):
    """The simulators, by the names that scenarios have for them."""

    def force(self, name: str, action: Mapping[str, Any]) -> None:
        """Let something happen to one of them."""

    def silence(self, name: str, *, silent: bool) -> None:
        """Have nothing of one of them arrive any more."""

    def watch_shutter(self, seen: Callable[[str, bool], None] | None) -> None:
        """Be told where the shutter is when that changes, and whether it went by itself, with nobody heard."""


class Here(Protocol):
    """What the night is played with: see `Stage` of sereno's demos."""

    clock: Clock
    client: Client
    simulators: Simulated
    folder: Path
    seed: int
    say: Callable[[int, str, str], None]
    commands: Callable[[int], Any]
    seen_by: Callable[[str, str], Client]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures of a night, and what was promised and did not hold."""

    figures: Mapping[str, str | int]
    broken: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class ScriptedNight:
    """The night with the sun below so many degrees, of the date on which it is played, or the one after `evening`."""

    below: float = BELOW
    evening: int = 0
    title: str = "a night of the site"
    devices: Mapping[str, str] = field(default_factory=lambda: {"plc": PLC_DEVICE, **DEVICES})
    periods: Mapping[str, float] = field(default_factory=lambda: {"look": 5.0, "held": 10.0})

    def times(self, now: int, after: int) -> tuple[int, int]:
        """Beginning and end (ns UTC) of tonight's, or of the first one that begins later than `after`."""
        noon = self.evening or now // 10**9 - 43_200
        while True:
            while sun_altitude(noon * 10**9, LATITUDE, LONGITUDE) < self.below + 1.0:
                noon += 1800
            night = night_of(self.below, noon)
            begin, end = round((night.dusk - BEFORE) * 1e9), round((night.dawn + AFTER) * 1e9)
            if begin >= after and (self.evening or night.dawn * 1e9 > now):
                return begin, end
            noon = int(night.dawn) + 7200

    async def run(self, here: Any) -> Outcome:
        """Play the night that begins now, to its end."""
        return await _Playing(here, night_of(self.below, here.clock.wall_ns() // 10**9)).whole()


NIGHT = ScriptedNight()


class _Playing:
    def __init__(self, here: Here, night: Night) -> None:
        self._here = here
        self._clock = here.clock
        self._facts = Facts(night, script(night, here.seed), program=program(night, here.seed, len(KINDS)))
        self._asked: list[int] = []
        self._story = Story(self._tell)
        self._seen: set[int] = set()
        self._alarms: set[int] = set()
        self._begun = self._since = here.clock.wall_ns()

    async def whole(self) -> Outcome:
        night = self._facts.night
        self._here.simulators.watch_shutter(self._moved)
        tasks = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("what happens", self._happen()),
                ("what is seen", self._watch()),
                ("what is on record", self._look()),
                ("who asks for what", self._ask()),
            )
        ]
        try:
            ending = asyncio.create_task(self._until(night.dawn + AFTER), name="the end of the night")
            finished, _ = await asyncio.wait((*tasks, ending), return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                task.result()
        finally:
            self._here.simulators.watch_shutter(None)
            for task in (*tasks, ending):
                task.cancel()
            await asyncio.gather(*tasks, ending, return_exceptions=True)
        await self._news()
        return await self._outcome()

    def _tell(self, line: Line) -> None:
        if line.who not in UNTOLD:
            self._here.say(line.t, line.who, line.words)

    # ---- what happens

    async def _happen(self) -> None:
        for one in self._facts.happenings:
            begins, ends = self._facts.times(one)
            await self._until(begins)
            self._story.say(self._clock.wall_ns(), 0, "it happens", one.words)
            self._force(one, begins=True)
            await self._clock.sleep(IMPATIENCE)
            if one.kind != CAMERA:
                await self._here.client.write(f"{PLC_DEVICE}/dome_open", "open", comment="why is it closed?", timeout=4)
            await self._until(ends)
            self._story.say(self._clock.wall_ns(), 0, "it ends", one.words)
            self._force(one, begins=False)
        await self._until(self._facts.night.dawn + 2 * AFTER)

    def _force(self, one: Happening, *, begins: bool) -> None:
        if one.kind == CAMERA and begins:
            self._here.simulators.force("cameraVIS", {"broken": one.ends - one.begins})
        if one.kind == "lost":
            self._here.simulators.silence("plc", silent=begins)
        for event in one.force if begins else one.undo:
            self._here.simulators.force("plc", event)

    async def _ask(self) -> None:
        night, here = self._facts.night, self._here
        await self._until(night.dusk - BEFORE / 2)
        await book_is_there(here.client, self._clock)
        wanted = list(self._facts.program)
        self._asked = await ask_for(here.seen_by(*ASTRONOMER), wanted, night.dusk, self._clock)
        self._story.say(self._clock.wall_ns(), 0, "an astronomer", f"asks for {len(wanted)} fields in this night")
        await rounds(here.seen_by(*USERS), self._submitted, night.dawn - ROUND / 2, self._clock)
        await self._until(night.dawn + 2 * AFTER)

    def _submitted(self, one: Submission) -> None:
        words = f"{one.file} {one.outcome}" + (f": {one.why}" if one.why else "")
        self._story.say(self._clock.wall_ns(), 0, "a user", words)

    async def _until(self, moment: float) -> None:
        await self._clock.sleep(max(0.0, moment - self._clock.wall_ns() / 1e9))

    # ---- what is told

    def _moved(self, word: str, by_itself: bool) -> None:
        now = self._clock.wall_ns()
        self._facts.moves.append((now / 1e9, word))
        why = ", by itself: nobody was heard" if by_itself and word == "closing" else ""
        self._story.say(now, 4, "the dome", f"{word}{why}")

    async def _watch(self) -> None:
        subscription = await self._here.client.subscribe(*TOLD)
        try:
            async for _ in subscription:
                for reading in await self._here.client.read(*TOLD):
                    if reading.value not in (None, ""):
                        self._story.see(reading.tag.path, reading.value, self._clock.wall_ns())
        finally:
            await subscription.close()

    async def _look(self) -> None:
        while True:
            await self._clock.sleep(LOOK)
            await self._news()

    async def _news(self) -> None:
        """Commands and alarms that came on record since the last look."""
        records: list[Any] = [one async for one in self._here.commands(self._since) if one.seq not in self._seen]
        events = await self._here.client.alarm_journal(start=self._since, limit=1000)
        news = sorted((one for one in events if one.seq not in self._alarms), key=lambda one: one.seq)
        self._seen.update(one.seq for one in records)
        self._alarms.update(one.seq for one in news)
        self._facts.commands += [one for one in records if one.command]
        self._facts.alarms += news
        self._story.add_commands(records)
        self._story.add_alarms(news)
        self._since = max([self._since, *(one.t for one in (*records, *news))])

    # ---- what came of it

    async def _outcome(self) -> Outcome:
        facts, client = self._facts, self._here.client
        facts.end = (str((await client.get(f"{MAJORDOME}/activity")).value), self._shutter())
        facts.executing = int((await client.get(f"{OBSERVER}/sequence")).value or 0)
        facts.harvest = await harvest(client, await self._touched(), self._here.folder / "nights", since=self._begun)
        found, seen = broken(facts), facts.harvest.sequences
        return Outcome(
            {
                "night": f"{_moment(facts.night.dusk)} to {_moment(facts.night.dawn)}",
                "happenings": len(facts.happenings),
                "dome_opened": sum(word == "open" for _, word in facts.moves),
                "images": facts.harvest.images_since(self._begun),
                "sequences": _counted(seen),
                "program": _counted(one for one in seen if one.number in self._asked),
                "alarms": sum(one.event == "raised" for one in facts.alarms),
                "commands": len({one.command for one in facts.commands}),
                "promises_kept": f"{len(PROMISES) - len(found)} of {len(PROMISES)}",
            },
            {PROMISES[name]: words for name, words in found.items()},
        )

    def _shutter(self) -> str:
        return self._facts.shutter_at(self._clock.wall_ns() / 1e9)

    async def _touched(self) -> list[int]:
        """Numbers of the sequences of this night, those of the program first."""
        book = json.loads(done(await self._here.client.call(BOOK, "find", "", 1000)).value)
        others = {one["id"] for one in book if one["t_changed"] >= self._begun} - set(self._asked)
        return [*self._asked, *sorted(others)]


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _counted(sequences: Iterable[Observed]) -> str:
    words = Counter(one.status for one in sequences)
    return ", ".join(f"{count} {word}" for word, count in sorted(words.items())) or "none"
