"""The observer as a device: it executes one sequence after another, and tells what its instruments are at."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import msgspec

from sereno import Device, DeviceError, command, scan, setting, tag
from sereno.client import Client
from sereno.model import Ack, AckState, NotConnectedError, OperationError, RefusedError, SerenoError
from sereno_observatory.images.archive import Archive
from sereno_observatory.images.headers import Facts
from sereno_observatory.images.shot import Shot
from sereno_observatory.instruments import Detector, Instruments, Seen, readings_of, seen_of
from sereno_observatory.sequences.model import Entry, Image
from sereno_observatory.sequences.status import Event
from sereno_observatory.sky import Altitudes, Place, Skyline, equatorial, horizontal

from .execution import Execution, Numbered, Stage, as_azimuth, direction_of
from .goal import Answer, Order, answer_of
from .synthesis import synthesis, worst

SUNK = 0.5
"""Degrees below the horizon at which a target is given up: one that was begun just above it may sink a little."""
BOOK_COMES = 30.0
"""Seconds within which the book may come after the observer without anybody being told: agents start in any order."""
TICK, ORDERED, PATIENCE, REMEMBERED, AGAIN, HEARD = 0.5, 4.0, 20.0, 10.0, 3.0, 2.0
"""Seconds: between looks, for an order to be sent, for its answer, for the book's, until the book is asked again, and
for the book to hear of a stop before who asked for it is answered.
"""
_ENDED = {
    Event.FINISH: "executed",
    Event.INTERRUPT: "interrupted",
    Event.RETRY: "interrupted",
    Event.ABORT: "aborted",
    Event.FAIL: "failed",
    Event.CANCEL: "cancelled",
}


class Observer(Device):
    """Executes sequences of the book, one at a time, with one telescope and all detectors at once.

    `detectors`, `cameras`, `wheels` and `focusers` go together, "" where a detector has none. `shutter` is a tag that
    says "open". What it is told to execute it begins; the end is told by its tags and by the book.
    """

    book: str = setting("observatory/sequences")
    telescope: str = setting("site/telescope")
    dome: str = setting("", description="A dome that turns; its azimuth follows the telescope")
    shutter: str = setting("site/plc/shutter")
    weather: str = setting("observatory/environment")
    detectors: list[str] = setting([])
    cameras: list[str] = setting([])
    wheels: list[str] = setting([])
    focusers: list[str] = setting([])
    raw: str = setting("", description="Folder of the cameras' files; else images in the data folder")
    nights: str = setting("", description="Folder of the finished images; else nights in the data folder")
    latitude: float = setting(unit="deg", low=-90, high=90, site="latitude")
    longitude: float = setting(unit="deg", low=-180, high=360, site="longitude")
    elevation: float = setting(0.0, unit="m", low=-500, high=9000, site="elevation")
    horizon: Altitudes = setting([0.0], site="horizon")
    lowest_altitude: float = setting(0.0, unit="deg", low=0, high=90, site="lowest_altitude")
    site_name: str = setting("", description="Of the observatory, for headers", site="name")
    name: str = setting("Sereno", description="Of the telescope, for headers")

    activity: Stage = tag(scan="tick", description="What the observer is at; IDLE without a sequence")
    sequence: int = tag(scan="tick", description="Number of the sequence that is executed, 0 for none")
    executing: str = tag(scan="tick", description="Its name")
    target: str = tag(scan="tick", description="Where it points")
    dark: bool = tag(scan="tick", description="It needs no sky")
    taken: int = tag(scan="tick", description="Images of it that are on record")
    images: int = tag(scan="tick", description="Images that it is to have")
    overhead: float = tag(unit="s", scan="tick", decimals=0, description="Time in which nothing was exposed")
    result: str = tag(scan="tick", description="How the last sequence ended")
    last_image: str = tag(scan="tick", description="The newest finished image, in the folder of the nights")
    ready: bool = tag(scan="look", description="The telescope answers, and one camera at least")
    instruments_status: str = tag(scan="look", description="OK, BUSY, FAULT or UNKNOWN: the worst of them")
    instruments: list[str] = tag(scan="look", description="What each instrument is at")

    async def startup(self) -> None:
        """Begin without a sequence; the first look asks the book whether one was under way."""
        self._plant: Client = self.client
        self._clock = self._plant.clock
        self._place = Place(self.latitude, self.longitude, self.elevation)
        self._skyline = Skyline(self.horizon, self.lowest_altitude)
        count = len(self.detectors)
        wheels, focusers = ((*given, *[""] * count)[:count] for given in (self.wheels, self.focusers))
        if len(self.cameras) != count or not count:
            found = f"{count} detectors have {len(self.cameras)} cameras; expected one each, and one at least"
            raise DeviceError("configuration", found)
        detectors = map(Detector, self.detectors, self.cameras, wheels, focusers)
        self._parts = Instruments(self.telescope, self.dome, self.shutter, tuple(detectors))
        raw = self.raw or self.folder / "images"
        self._archive = self.make_archive(str(raw), str(self.nights or self.folder / "nights"))
        self._execution: Execution | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._result = self._last_image = self._absent = ""
        self._asked_since: float | None = None
        self._resumed = False
        self._concluding = self._concluded = 0

    async def shutdown(self) -> None:
        """Leave what is under way: the book knows it, and the next start goes on with it."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    def make_archive(self, raw: str, nights: str) -> Archive:
        """Who finishes images and keeps them."""
        return Archive(raw, nights)

    @scan(period=TICK)
    async def tick(self) -> None:
        """Look at the instruments, and go on with the sequence."""
        if not self._resumed:
            await self._resume()
        execution = self._execution
        if execution is not None:
            seen = await self._look(f"{self.book}/cancelled")
            if seen.of(self.book, "cancelled") == execution.entry.id:
                execution.end(Event.CANCEL, "cancelled")
            self._keep_above(execution)
            self._advance(execution, seen)
        self._tell()

    @scan(period="5s")
    async def look(self) -> None:
        """Tell what the instruments are at."""
        seen = await self._look(f"{self.book}/executing")
        if seen.of(self.book, "executing") and self._execution is None and not self._concluding:
            self._resumed = False  # the book has begun one that this agent has not heard of
        lines = synthesis(self._parts, seen)
        cameras = [seen.of(one.camera, "state") for one in self._parts.detectors]
        self.ready = seen.of(self.telescope, "state") is not None and any(state is not None for state in cameras)
        self.instruments = [f"{name}: {words}" for name, _, words in lines]
        self.instruments_status = worst([state for _, state, _ in lines])

    @command
    async def execute(self, number: int) -> str:
        """Begin to execute a sequence of the book; its name."""
        if self._execution is not None:
            raise DeviceError("busy", f"sequence {self._execution.entry.id} is executed; cancel or interrupt it first")
        if self._concluding:
            raise DeviceError("busy", "the end of the last sequence is not in the book yet")
        entry = await self._whole(str(await self._ask("start", number)))
        self._begin(entry)
        self._tell()
        return entry.sequence.name

    @command
    async def interrupt(self, why: str = "interrupted") -> bool:
        """Stop at once, and leave what is missing for later; whether there was something to stop."""
        return await self._stop(Event.INTERRUPT, why)

    @command
    async def abort(self, why: str = "aborted") -> bool:
        """Stop at once, for good; whether there was something to stop."""
        return await self._stop(Event.ABORT, why)

    async def _stop(self, event: Event, why: str) -> bool:
        """Before it is answered the book knows it: who is killed while cameras stop does not go on afterwards."""
        execution = self._execution
        if execution is None:
            return False
        is_news = execution.outcome is None
        execution.end(event, why)
        self._spawn("stop", self._stop_now(execution))
        if is_news:
            self._concluded = execution.entry.id
            heard = self._spawn("conclude", self._conclude(execution.entry.id, event, why))
            with suppress(TimeoutError):
                async with self._clock.timeout(HEARD):
                    await asyncio.shield(heard)
        return True

    async def _whole(self, told: str) -> Entry:
        """A sequence as the book tells it (JSON), with images that were kept when the book could not be told."""
        entry = msgspec.json.decode(told, type=Entry)
        found = await self._archive.unrecorded(entry)
        for image in found:
            self.log.info("an image is on record now", sequence=entry.id, file=image.file)
            await self._ask("record", entry.id, msgspec.json.encode(image).decode())
        return msgspec.structs.replace(entry, images=(*entry.images, *found))

    async def _stop_now(self, execution: Execution) -> None:
        self._advance(execution, await self._look())

    async def _resume(self) -> None:
        """What was under way when this agent ended is gone on with."""
        try:
            found = str(await self._ask("under_way"))
        except (SerenoError, OSError) as error:
            now = self._clock.monotonic()
            self._asked_since = now if self._asked_since is None else self._asked_since
            if now - self._asked_since >= BOOK_COMES:
                self._absent = f"the book is not there: {error}"
            return
        self._resumed, self._absent, self._asked_since = True, "", None
        if found and self._execution is None:
            entry = await self._whole(found)
            self.log.info("going on with a sequence", sequence=entry.id, missing=len(entry.missing()))
            self._begin(entry)

    def _begin(self, entry: Entry) -> None:
        t_ns, target = self._clock.wall_ns(), entry.sequence.target
        direction, turn = direction_of(target), None
        if target is not None and direction is None:
            turn = as_azimuth(target.azimuth or 0.0)
            direction = equatorial(t_ns, self._place, target.altitude or 0.0, turn)
        elif direction is not None:
            turn = as_azimuth(horizontal(t_ns, self._place, *direction)[1])
        self._concluded = 0
        self._execution = Execution(entry, self._parts, direction, turn)
        self._keep_above(self._execution)
        self.log.info("sequence begins", sequence=entry.id, name=entry.sequence.name, target=str(target))

    def _keep_above(self, execution: Execution) -> None:
        """What sinks below the horizon is left for later."""
        if execution.direction is None:
            return
        altitude, azimuth = horizontal(self._clock.wall_ns(), self._place, *execution.direction)
        if low := self._skyline.hides(altitude + SUNK, azimuth):
            execution.end(Event.INTERRUPT, f"the target is too low: {low}")

    async def _look(self, *more: str) -> Seen:
        return seen_of(await readings_of(self._plant, [*self._parts.tags(), *more]))

    def _advance(self, execution: Execution, seen: Seen) -> None:
        if execution is not self._execution:
            return
        left = (execution.entry.sequence.t_end - self._clock.wall_ns()) / 1e9
        for numbered in execution.step(self._clock.monotonic(), seen, left):
            self._spawn("order", self._order(execution, numbered))
        for shot in execution.shots():
            self._spawn("keep", self._keep(execution, shot))
        if execution.over:
            self._finish(execution)

    def _finish(self, execution: Execution) -> None:
        assert execution.outcome is not None
        overhead = execution.overhead(execution.ended)
        images = "1 image" if execution.taken == 1 else f"{execution.taken} images"
        counted = f"{images} in {execution.seconds:.0f} s, {overhead:.0f} s of them overhead"
        why = f"{execution.why}; {counted}" if execution.why else counted
        self._result = f"sequence {execution.entry.id} {_ENDED[execution.outcome]}: {why}"
        self._execution = None
        self.log.info("sequence ends", sequence=execution.entry.id, outcome=str(execution.outcome), why=why)
        if execution.outcome is not Event.CANCEL and self._concluded != execution.entry.id:
            self._spawn("conclude", self._conclude(execution.entry.id, execution.outcome, why))

    async def _conclude(self, number: int, event: Event, why: str) -> None:
        self._concluding += 1
        try:
            await self._insist("conclude", number, str(event), why)
        finally:
            self._concluding -= 1

    async def _order(self, execution: Execution, numbered: Numbered) -> None:
        answer, why = await self._ordered(numbered.order)
        if answer is not Answer.DONE:
            order = numbered.order
            self.log.warning("order not done", device=order.device, order=order.name, answer=str(answer), why=why)
        execution.answered(numbered.number, answer, why, self._clock.monotonic(), self._clock.wall_ns())

    async def _ordered(self, order: Order) -> tuple[Answer, str]:
        plant, arguments = self._plant, order.arguments
        try:
            async with self._clock.timeout(PATIENCE):
                if order.name == "write":
                    ack = await plant.write(f"{order.device}/{arguments[0]}", arguments[1], timeout=ORDERED)
                else:
                    ack = await plant.call(order.device, order.name, *arguments, timeout=ORDERED)
        except TimeoutError:
            return Answer.LOST, f"{order.device} does not return from {order.name}"
        except SerenoError as error:
            return Answer.LOST, str(error)
        return answer_of(ack), "" if ack.state is AckState.DONE else ack.reason or str(ack.state)

    async def _keep(self, execution: Execution, shot: Shot) -> None:
        """Finish an image and put it on record."""
        entry = execution.entry
        ambient = await self._ambient()
        telescope, dome, now = self._parts.telescope, self.dome, self._clock.wall_ns()
        facts = Facts(entry, shot, self._place, self.name, telescope, now, ambient, dome, self.site_name)
        try:
            kept = await self._archive.keep(facts)
        except Exception as error:
            self.log.exception("image not kept", task="keep", file=shot.raw)
            execution.kept(shot.slot, f"an image could not be kept: {error}")
            return
        image = Image(
            slot=shot.slot,
            file=kept.file,
            t_start=kept.t_start,
            seconds=shot.plan.exposure if kept.seconds is None else kept.seconds,
            detector=shot.detector.name,
            filter=str(shot.seen.of(shot.detector.wheel, "filter") or ""),
            note="; ".join(filter(None, (shot.note, kept.note))),
        )
        await self._insist("record", entry.id, msgspec.json.encode(image).decode())
        self._last_image = kept.file
        execution.kept(shot.slot)

    async def _ambient(self) -> Any:
        """The temperature outside; None when nobody can tell it now."""
        try:
            air = seen_of(await readings_of(self._plant, [f"{self.weather}/weather_temperature"]))
        except SerenoError as error:
            self.log.warning("the temperature for a header is not known", why=str(error))
            return None
        return air.of(self.weather, "weather_temperature")

    async def _insist(self, name: str, *arguments: Any) -> None:
        """Tell the book, until it has heard; what it refuses it has heard."""
        while True:
            try:
                await self._ask(name, *arguments)
            except DeviceError as error:
                self.log.warning("the book refuses", command=name, why=str(error))
                return
            except SerenoError as error:
                self.log.warning("the book does not answer", command=name, why=str(error))
                await self._clock.sleep(AGAIN)
            else:
                return

    async def _ask(self, name: str, *arguments: Any) -> Any:
        """What the book answers.

        Raises DeviceError where it refuses; RefusedError where it was not let ask, NotConnectedError where the book has
        not heard or could not do it: then it may be asked again.
        """
        try:
            async with self._clock.timeout(REMEMBERED):
                ack = await self._plant.call(self.book, name, *arguments, timeout=REMEMBERED)
        except TimeoutError:
            raise NotConnectedError(f"{self.book} does not return from {name}") from None
        if ack.state is AckState.DONE:
            return ack.value
        if ack.state is AckState.REFUSED:
            raise RefusedError(ack.reason)
        if answer_of(ack) is Answer.REFUSED and not _could_not(ack):
            raise DeviceError("book", ack.reason)
        raise NotConnectedError(f"{self.book} {name}: {ack.reason or ack.state}")

    def _spawn(self, name: str, work: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{self.path} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.log.error("task failed", task=task.get_name(), exc_info=task.exception())
            self.reconnect(f"{task.get_name()} failed: {task.exception()}")

    def _tell(self) -> None:
        execution = self._execution
        self.result, self.last_image = self._absent or self._result, self._last_image
        if execution is None:
            self.activity, self.sequence, self.executing, self.target = Stage.IDLE, 0, "", ""
            self.taken, self.images, self.dark = 0, 0, False
            self.overhead = 0.0
            return
        asked = execution.entry.sequence
        self.activity, self.sequence, self.executing = execution.stage, execution.entry.id, asked.name
        self.target, self.dark = "" if asked.target is None else str(asked.target), not asked.needs_sky
        self.taken, self.images = len(execution.entry.images) + execution.taken, asked.images
        self.overhead = execution.overhead(self._clock.monotonic())


def _could_not(ack: Ack) -> bool:
    """The database failed, which may be over the next time."""
    return ack.details is not None and ack.details.get("kind") == OperationError.__name__
