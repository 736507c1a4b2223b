"""Runs a demo's play: simulators, node with its pages and what happens, in this process on a paced clock."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import orjson

from sereno.access.actor import ROLES, Actor
from sereno.access.session_limits import SessionLimits
from sereno.app.datafolder import DataFolder
from sereno.app.demo import Demo, of_folder
from sereno.app.node import Node
from sereno.app.plant.load import Plant, load_plant
from sereno.app.plant.schema import SessionsTable
from sereno.app.runner import logging_as
from sereno.app.simulators.placing import with_urls
from sereno.app.stopping import first_of, run_until_stopped, until
from sereno.app.welcome import Welcome
from sereno.client import Client
from sereno.device import Environment, MemoryTransports
from sereno.model import SystemClock
from sereno.store.audit import AuditLog, AuditQuery, AuditRecord

from .clock import DatedClock, PacedClock
from .loop import PacedLoop
from .pace import HINT, Pace, pace_in_words
from .play import Outcome, Play, Stage
from .played import note_played, played_until
from .simulators import Simulators, simulators
from .slower import slower

SOMEBODY = Actor("demo", (ROLES["operator"],), "person", "demo")
FAST = 1000.0
"""What "as fast as it goes" is taken for where people's time has to be told in the plant's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayOptions:
    """How to play; `seconds` are real ones, None = until told to stop."""

    data: Path
    port: int
    speed: float
    seed: int
    seconds: float | None = None
    browser: bool = False
    as_json: bool = False


def run_play(demo: Demo, play: Play, options: PlayOptions) -> int:
    """Play until told to stop, with `as_json` until its end. Exit code 0, 1 if a promise was broken.

    Raises OperationError for a data folder that is of another time.
    """
    plant, folder = load_plant(demo.plant), DataFolder(options.data)
    folder.prepare()
    begin, end = play.times(SystemClock().wall_ns(), played_until(folder))
    note_played(folder, end)
    clock = PacedClock(begin, options.speed)
    running = _Running(demo, play, options, slower(_for_people(plant, options.speed), play.periods), folder, clock)
    with logging_as(plant.log, folder, clock, shown=logging.ERROR):
        try:
            run_until_stopped(running.work, loop=lambda: PacedLoop(clock))
        finally:
            note_played(folder, max(end, clock.wall_ns()))
    return 1 if running.outcome is not None and running.outcome.broken else 0


@dataclass(slots=True)
class _Running:
    demo: Demo
    play: Play
    options: PlayOptions
    plant: Plant
    folder: DataFolder
    clock: PacedClock
    outcome: Outcome | None = None

    async def work(self, stopped: asyncio.Event) -> None:
        network, options = MemoryTransports(), self.options
        pages = DatedClock(self.clock, SystemClock())
        async with AsyncExitStack() as stack:
            simulated = await stack.enter_async_context(simulators(self.clock, network, options.seed))
            urls = {self.play.devices[name]: url for name, url in simulated.urls().items() if name in self.play.devices}
            chance = random.Random(options.seed)  # noqa: S311 - pauses, no secret
            environment = Environment(clock=self.clock, transports=network, random=chance)
            node = Node(with_urls(self.plant, urls), self.folder, environment, rhythm=pages)
            await stack.enter_async_context(node)
            ready = await node.start("127.0.0.1", options.port, fresh_password=True)
            # its simulators are in this process, where no command of these reaches them
            look_at = [line for line in self.demo.look_at if not line.startswith("sereno sim")]
            look_at = [*of_folder(look_at, self.folder.path), HINT]
            Welcome(as_json=options.as_json, browser=options.browser, look_at=tuple(look_at)).show(ready)
            plant = node.parts.seats.plant
            assert plant is not None
            stage = self._stage(node, plant, simulated, ready.url)
            if not options.as_json:
                Pace(self.clock, self.remark).listen()
                self.remark(f"{self.play.title}, {pace_in_words(self.clock.speed)}; the clock is the plant's")
            await first_of(self._whole(stage), until(stopped, options.seconds))

    def _stage(self, node: Node, plant: Client, simulated: Simulators, url: str) -> Stage:
        client, store = plant.as_actor(SOMEBODY), node.parts.store
        client.alarm = node.parts.alarms

        def commands(since: int) -> AsyncIterator[AuditRecord]:
            return AuditLog(store, self.clock).all(AuditQuery(since=since))

        def seen_by(name: str, role: str) -> Client:
            return plant.as_actor(Actor(name, (ROLES[role],), "person", "demo"))

        return Stage(
            self.clock, client, simulated, url, self.folder.path, self.options.seed, self.say, commands, seen_by
        )

    async def _whole(self, stage: Stage) -> None:
        """Play to the end; then, for people, stay with the plant in real time."""
        begun = SystemClock().monotonic()
        self.outcome = await self.play.run(stage)
        self._conclude(SystemClock().monotonic() - begun)
        if self.options.as_json:
            return
        self.clock.speed = 1.0
        self.remark(f"{self.play.title} is over; the plant goes on in real time. Ctrl-C ends it")
        await asyncio.Event().wait()

    def _conclude(self, took: float) -> None:
        assert self.outcome is not None
        figures = {**self.outcome.figures, "real_seconds": round(took, 1)}
        if self.options.as_json:
            broken = {name: list(where) for name, where in self.outcome.broken.items()}
            click.echo(orjson.dumps({"summary": figures, "broken": broken}).decode())
            return
        click.echo("")
        for name, figure in figures.items():
            click.echo(f"  {click.style(name.replace('_', ' ').ljust(22), bold=True)}{figure}")
        for promise, where in self.outcome.broken.items():
            click.echo(f"  {click.style('BROKEN'.ljust(22), bold=True, fg='red')}{promise}: {'; '.join(where)}")

    def say(self, t: int, who: str, what: str) -> None:
        """A line of the story."""
        moment = datetime.fromtimestamp(t // 1_000_000 / 1e3, UTC).astimezone(ZoneInfo(self.plant.table.timezone))
        if self.options.as_json:
            line = {"t": moment.isoformat(timespec="milliseconds"), "who": who, "what": what}
            click.echo(orjson.dumps(line).decode())
        else:
            click.echo(f"{moment:%H:%M:%S}  {click.style(who.ljust(30), bold=True)} {what}")

    def remark(self, words: str) -> None:
        """A line that is no part of it."""
        click.echo(click.style(f"-- {words}", dim=True))


class _LongSessions(SessionsTable):
    """Sessions and links that last as long for people as they would if the plant's time were theirs."""

    times: float = 1.0

    def limits(self) -> SessionLimits:
        """See SessionsTable."""
        usual = super().limits()
        longer = {
            name: replace(role, idle=role.idle * self.times, absolute=role.absolute * self.times)
            for name in ("admin", "engineer", *usual.roles)
            for role in (usual.of([name]),)
        }
        return SessionLimits(usual.idle * self.times, usual.absolute * self.times, usual.ticket * self.times, longer)


def _for_people(plant: Plant, speed: float) -> Plant:
    """The plant with what is measured in people's seconds told in its own; its recorder commits as often for them."""
    times = speed or FAST
    sessions = _LongSessions(**plant.sessions.model_dump(), times=times)
    history = plant.history.model_copy(update={"commit_interval": plant.history.commit_interval * times})
    return replace(plant, sessions=sessions, history=history)
