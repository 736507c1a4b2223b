"""One night, from before dusk until after dawn: played, told, and judged."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sereno.client import AlarmQuery, done
from sereno.store.audit import AuditLog
from sereno.testing import JumpingClock, MemoryTransports, run_jumping
from sereno_observatory.night.harvest import harvest
from sereno_observatory.night.program import program
from sereno_observatory.night.promises import UNHEEDED, Facts, broken
from sereno_observatory.night.script import CAMERA, DEAF, KINDS, QUIET, Happening, Night, night_of, script

from .defects import DEFECTS, Defect
from .observing import UNHEARD, WITHOUT, instruments, nothing_standing, urls_of
from .site import ASTRONOMER, PERSON, Changes, Site, change, site, site_in
from .story import Record

WHOLE, SHORT = -12.0, -35.52
"""Degrees of the sun: the night of the site, and one of half an hour and a bit of the same date."""
BEFORE, TOLD, AFTER = 90.0, 60.0, 60.0
"""Seconds that are played before dusk, and told of these, and after dawn."""
IMPATIENCE = 20.0
"""Seconds into each danger at which somebody wants the dome open all the same."""


@dataclass(slots=True)
class Played:
    """A night as it was."""

    seed: int
    night: Night
    happenings: list[Happening]
    whole: bool = True
    lines: list[str] = field(default_factory=list)
    digest: str = ""
    broken: dict[str, list[str]] = field(default_factory=dict)
    commands: int = 0
    seconds: float = 0.0


def play(
    seed: int, *, below: float = SHORT, defect: str = "", kinds: Sequence[str] = KINDS, observing: bool = True
) -> Played:
    """Play the night of this seed; with some kinds of happenings alone, until these are over.

    `observing`: with instruments and sequences, else weather and safety alone. Raises ValueError for a night that is
    too short.
    """
    night = night_of(below)
    planted = DEFECTS.get(defect, Defect(""))
    played = Played(seed, night, script(night, seed, kinds), whole=set(kinds) == set(KINDS))
    clock = JumpingClock(epoch_ns=round((night.dusk - BEFORE) * 1e9))
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="sereno-night-") as folder:
        plant_file = site_in(Path(folder), _changes(below, planted.changes))
        if not observing:
            change(plant_file.parent, WITHOUT)
        else:
            nothing_standing(plant_file.parent)
        if planted.unheard:
            change(plant_file.parent, UNHEARD)
        run_jumping(_night(clock, played, plant_file, Path(folder), observing=observing), clock=clock, in_turn=True)
    played.seconds = time.perf_counter() - begun
    return played


def _changes(below: float, more: Changes) -> Changes:
    dusk = (("night_below = -12.0", f"night_below = {below}"),)
    return {**more, "site.toml": (*dusk, *more.get("site.toml", ()))}


async def _night(clock: JumpingClock, played: Played, plant_file: Path, folder: Path, *, observing: bool) -> None:
    async with AsyncExitStack() as stack:
        network = MemoryTransports()
        server = None
        if observing:
            server = await stack.enter_async_context(instruments(clock, network, played.seed))
        urls = {} if server is None else urls_of(server)
        here = await stack.enter_async_context(site(clock, plant_file, folder, played.seed, network, urls))
        here.instruments = server
        asked = program(played.night, played.seed, len(KINDS)) if observing else ()
        story, facts = Record(here.node.parts.hub), Facts(played.night, played.happenings, program=asked)
        here.machine.seen = lambda word: _moved(here, story, facts, word)
        unsubscribe = here.node.parts.hub.add_sink(story)
        acting = asyncio.create_task(_act(here, played, facts, story), name="what happens")
        over = played.night.dawn - played.night.dusk if played.whole else played.happenings[-1].ends + QUIET
        await clock.sleep(BEFORE + over + AFTER)
        unsubscribe()
        acting.cancel()
        with suppress(asyncio.CancelledError):
            await acting
        await _conclude(here, story, facts, played, folder / "data" / "nights")


def _moved(here: Site, story: Record, facts: Facts, word: str) -> None:
    now = here.clock.wall_ns()
    facts.moves.append((now / 1e9, word))
    by_itself = ", by itself: nobody was heard" if here.machine.refuge and word == "closing" else ""
    story.say(now, 4, "the dome", f"{word}{by_itself}")


async def _act(here: Site, played: Played, facts: Facts, story: Record) -> None:
    """Let things happen when they are due, and somebody try what is not allowed."""
    await _until(here, played.night.dusk)
    now = here.clock.wall_ns() / 1e9
    for wanted in facts.program:
        text = wanted.text(played.night.dusk, now)
        done(await here.seen_by(ASTRONOMER).call("observatory/sequences", "add", text))
    for one in played.happenings:
        await _until(here, played.night.dusk + one.begins)
        story.say(here.clock.wall_ns(), 0, "it happens", one.words)
        if one.kind == DEAF:
            done(await here.client.write("observatory/majordome/mode", "MANUAL"))
        _force(here, one, begins=True)
        await _deaf_for_a_while(here, one)
        await _until(here, played.night.dusk + one.begins + IMPATIENCE)
        if one.kind != CAMERA:
            await here.client.write("site/plc/dome_open", "open", comment="why is it closed?", timeout=4.0)
        await _until(here, played.night.dusk + one.ends)
        story.say(here.clock.wall_ns(), 0, "it ends", one.words)
        _force(here, one, begins=False)
        if one.kind == DEAF:
            done(await here.client.write("observatory/majordome/mode", "AUTO"))


async def _deaf_for_a_while(here: Site, one: Happening) -> None:
    if one.kind == DEAF:
        here.machine.deaf = True
        await here.clock.sleep(UNHEEDED)
        here.machine.deaf = False


def _force(here: Site, one: Happening, *, begins: bool) -> None:
    if one.kind == CAMERA and begins and here.instruments is not None:
        here.instruments.force("cameraVIS", {"broken": one.ends - one.begins})
    if one.kind == "lost":
        here.transports.at(here.plc.port).silent = begins
    for event in one.force if begins else one.undo:
        reason = here.machine.force(event)
        assert not reason, reason


async def _until(here: Site, moment: float) -> None:
    await here.clock.sleep(max(0.0, moment - here.clock.wall_ns() / 1e9))


async def _conclude(here: Site, story: Record, facts: Facts, played: Played, nights: Path) -> None:
    parts = here.node.parts
    records = [one async for one in AuditLog(parts.store, here.clock).all()]
    facts.commands = [one for one in records if one.command]
    facts.alarms = await parts.alarms.journal(AlarmQuery(), PERSON)
    activity = await here.client.get("observatory/majordome/activity")
    facts.end = (str(activity.value), here.machine.shutter) if played.whole else None
    if here.instruments is not None:
        facts.harvest = await harvest(here.client, range(1, len(facts.program) + 1), nights)
        facts.executing = int((await here.client.get("observatory/observer/sequence")).value or 0)
        for one in facts.harvest.sequences:
            images = f"{len(one.files)} of {one.wanted} images"
            story.say(here.clock.wall_ns(), 4, "the book", f"{one.name} is {one.status}, {images}")
    story.add_commands(records)
    story.add_alarms(facts.alarms)
    played.lines, played.digest = (
        story.told(round((played.night.dusk - TOLD) * 1e9)),
        story.digest + facts.harvest.digest,
    )
    played.broken, played.commands = broken(facts), len({one.command for one in facts.commands})
