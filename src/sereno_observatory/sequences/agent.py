"""The book of sequences as a device: people and agents reach it by commands, its state survives in a database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from sereno import Device, DeviceError, command, scan, setting, tag
from sereno.client import ASKER
from sereno.model import RefusedError
from sereno_observatory.sky import Altitudes, Place, Skyline, horizontal

from .book import Book
from .due import ByPriority, Chooser
from .filters import check_filters, filters_of
from .levels import Level, Levels, Usage, check_priorities, check_quota, period_start, usage_of
from .model import Entry, Image, Sequence
from .reading import read_sequences
from .settling import Settling
from .status import Event, Status

SHOWN = 50
_CONCLUSIONS = (Event.FINISH, Event.INTERRUPT, Event.RETRY, Event.ABORT, Event.FAIL)


class Sequences(Device):
    """Keeps the sequences. What is answered is JSON, with times in ns UTC.

    `database` is a file or an SQLAlchemy URL, empty for `observatory.db` of the data folder. `detectors` are the names
    that albums may use, empty for any; `wheels` the devices before them, "" for none. `horizon` is as in
    `sky.Altitudes`. `standing` are sequences, as `add` takes them, that an empty book begins with.
    `levels` say what who may ask for.
    """

    database: str = setting("")
    detectors: list[str] = setting([])
    wheels: list[str] = setting([])
    latitude: float = setting(unit="deg", low=-90, high=90, site="latitude")
    longitude: float = setting(unit="deg", low=-180, high=360, site="longitude")
    horizon: Altitudes = setting([15.0], site="horizon")
    lowest_altitude: float = setting(0.0, unit="deg", low=0, high=90, site="lowest_altitude")
    standing: str = setting("")
    tries: int = setting(
        3, low=1, high=100, description="Executions that an instrument may spoil before a sequence has failed"
    )
    rest: float = setting(
        60.0, unit="s", low=0, high=86400, description="After a try that failed; twice that after the second, and so on"
    )
    levels: list[Level] = setting([], site="level", description="What who may ask for, by [[site.level]]")

    waiting: int = tag(scan="tidy", description="Sequences that wait for their time")
    due: int = tag(scan="tidy", description="Number of the one to execute now, 0 for none")
    calibration: int = tag(scan="tidy", description="As due, of those that need no sky")
    executing: int = tag(scan="tidy", description="Number of the one that is executed, 0 for none")
    cancelled: int = tag(scan="tidy", description="The last one that was cancelled while it was executed")
    changes: int = tag(scan="tidy", description="Counts what happens to sequences")
    usage: list[str] = tag(scan="tidy", description="Who has used how much of which quota, one in JSON each")
    present: list[str] = tag(scan="tidy", description="The newest sequences, one in JSON each, newest first")

    async def startup(self) -> None:
        """Open the database."""
        self._clock = self.client.clock
        self._settling = Settling(self._clock.wall_ns() / 1e9, self._clock.monotonic())
        self._place = Place(self.latitude, self.longitude)
        self._skyline = Skyline(self.horizon, self.lowest_altitude)
        self._chooser: Chooser = ByPriority(self._hidden, self.rest)
        self._levels = Levels(self.levels)
        self._told: tuple[int, int] | None = None
        self._changes, self._cancelled = 0, 0
        self._read_at = -1
        self._busy: list[Entry] = []
        self._waiting: list[Entry] = []
        self._newest: list[str] = []
        where = self.database or self.folder / "observatory.db"
        self._book = await asyncio.to_thread(Book, where)
        if self.standing and not await asyncio.to_thread(self._book.newest, None, 1):
            await asyncio.to_thread(self._note_standing)

    async def shutdown(self) -> None:
        """Close it."""
        await asyncio.to_thread(self._book.close)

    @scan(period="5s")
    def tidy(self) -> None:
        """End what can no longer be executed, and tell how things stand."""
        now = self._clock.wall_ns()
        settled = self._settling.settled(now / 1e9, self._clock.monotonic())
        for number in self._book.expire(now) if settled else ():
            self._changes += 1
            self.log.info("sequence expired", sequence=number)
        self._tell(anew=self._read_at != self._changes)
        self._tell_usage()

    @command
    async def add(self, text: str, observer: str = "") -> list[int]:
        """Add sequences, written in TOML, JSON or as a request file (XML); their numbers.

        In the name of who asks, or of `observer` (which a sequence may name itself) where their level lets them speak
        for others.
        """
        wheels = {detector: wheel for detector, wheel in zip(self.detectors, self.wheels, strict=False) if wheel}
        filters = await filters_of(self.client, wheels)
        return await asyncio.to_thread(self._add, text, observer, filters)

    def _add(self, text: str, observer: str, filters: Mapping[str, tuple[str, ...]]) -> list[int]:
        asker, now = ASKER.get(), self._clock.wall_ns()
        asked, levels = list[Sequence](), dict[str, Level | None]()
        for one in read_sequences(text, now):
            account, level = self._levels.account(asker, one.observer or observer)
            asked.append(msgspec.structs.replace(one, observer=account))
            levels[account] = level
        levels.pop("", None)
        self._check(asked, now)
        check_filters(asked, filters)
        for account, limits in levels.items():
            if limits is not None:
                self._check_level(account, limits, [one for one in asked if one.observer == account])
        return self._note(asked, now, {who: "" if level is None else level.name for who, level in levels.items()})

    @command(reads=True)
    def quotas(self) -> str:
        """What who asks may have, and who has used how much, in JSON."""
        asker = ASKER.get()
        level = self._levels.of(asker)
        own = None if level is None else self._used(asker.person, level)
        return json.dumps({"person": asker.person, "own": own, "used": list(self._usage().values())})

    def _note_standing(self) -> None:
        now = self._clock.wall_ns()
        asked = [
            msgspec.structs.replace(one, observer=one.observer or "site") for one in read_sequences(self.standing, now)
        ]
        self._check(asked, now)
        self._note(asked, now, {})

    def _check(self, asked: list[Sequence], now: int) -> None:
        for one in asked:
            self._require_detectors(one.name, [album.detector for album in one.albums])
            if one.t_end <= now:
                raise DeviceError("too_late", f"the window of {one.name!r} is over already")

    def _check_level(self, account: str, level: Level, asked: list[Sequence]) -> None:
        check_priorities(level, account, asked)
        for sky in (True, False):
            check_quota(level, self._usage_of(account, level, sky=sky), asked, sky=sky)

    def _note(self, asked: list[Sequence], now: int, levels: dict[str, str]) -> list[int]:
        numbers = self._book.add(asked, now, levels)
        self._happened("sequences added", sequences=numbers, observers=sorted({one.observer for one in asked}))
        return numbers

    @command(reads=True)
    def show(self, number: int) -> str:
        """One sequence with its images, in whose name it was asked for and how it has fared, in JSON."""
        entry: dict[str, Any] = msgspec.to_builtins(self._book.entry(number))
        entry["account"] = self._book.account(number)
        entry["changes"] = [{"t": t, "status": s, "why": why} for t, s, why in self._book.changes(number)]
        return msgspec.json.encode(entry).decode()

    @command(reads=True)
    def find(self, status: str = "", limit: int = 100) -> str:
        """The newest sequences, of one status or of all, in JSON."""
        return msgspec.json.encode(self._book.newest(_status(status), max(1, min(limit, 1000)))).decode()

    @command
    def cancel(self, number: int, why: str = "") -> str:
        """Cancel a sequence; what is exposed is aborted. Its status. With levels one's own, and others' by override."""
        self._levels.check_cancel(ASKER.get(), self._book.account(number))
        before = self._book.entry(number).status
        status = self._book.happen(number, Event.CANCEL, self._clock.wall_ns(), why)
        if before is Status.EXECUTING:
            self._cancelled = number
        self._happened("sequence cancelled", sequence=number, why=why)
        return status

    @command(reads=True)
    def under_way(self) -> str:
        """The sequence that is executed, in JSON; empty when there is none."""
        found = self._book.of_status(Status.EXECUTING)
        return msgspec.json.encode(found[0]).decode() if found else ""

    @command
    def start(self, number: int) -> str:
        """For the observer: begin to execute a sequence; the sequence, in JSON."""
        self._levels.check_execute(ASKER.get(), "start")
        entry = self._book.start(number, self._clock.wall_ns())
        self._happened("sequence started", sequence=number)
        return msgspec.json.encode(entry).decode()

    @command
    def record(self, number: int, image: str) -> None:
        """For the observer: an image (JSON) was taken."""
        self._levels.check_execute(ASKER.get(), "record an image of")
        try:
            made = msgspec.json.decode(image, type=Image)
        except (msgspec.DecodeError, ValueError) as error:
            raise RefusedError(f"image: {error}") from None
        if not self._book.entry(number).sequence.has(made.slot):
            raise RefusedError(f"image: sequence {number} asks for none of {made.slot}")
        self._book.record(number, made)
        self._changes += 1
        self._tell()

    @command
    def conclude(self, number: int, event: str, why: str = "") -> str:
        """For the observer: how the execution ended: finish, interrupt, retry, abort or fail. The status that follows.

        retry: an instrument did not do its part; it is tried again later, `tries` times in all.
        """
        self._levels.check_execute(ASKER.get(), "conclude")
        known = self._book.entry(number).status
        if known is Status.CANCELLED:
            return known
        wanted = next((one for one in _CONCLUSIONS if one == event), None)
        if wanted is None:
            raise RefusedError(f"{event!r} is no end of an execution; one of: {', '.join(_CONCLUSIONS)}")
        now = self._clock.wall_ns()
        if wanted is Event.RETRY:
            status = self._book.retry(number, now, why, self.tries)
        else:
            status = self._book.happen(number, wanted, now, why)
        self._happened("sequence ended", sequence=number, status=str(status), why=why)
        return status

    def _happened(self, what: str, **more: Any) -> None:
        self._changes += 1
        self.log.info(what, **more)
        self._tell()

    def _tell(self, *, anew: bool = True) -> None:
        """Tell how things stand; the book is read `anew` where something has happened, as nobody else writes it."""
        if anew:
            self._busy = self._book.of_status(Status.EXECUTING)
            self._waiting = self._book.of_status(Status.TOBEPLANNED, Status.PLANNED)
            self._newest = [msgspec.json.encode(_brief(one)).decode() for one in self._book.newest(limit=SHOWN)]
            self._read_at = self._changes
        busy, waiting = self._busy, self._waiting
        self.waiting = len(waiting)
        self.due = self._next([] if busy else waiting)
        self.calibration = self._next([] if busy else [one for one in waiting if not one.sequence.needs_sky])
        self.executing = busy[0].id if busy else 0
        self.cancelled, self.changes = self._cancelled, self._changes
        self.present = self._newest

    def _next(self, waiting: list[Entry]) -> int:
        found = self._chooser.next_at(waiting, self._clock.wall_ns())
        return 0 if found is None else found.id

    def _require_detectors(self, name: str, wanted: list[str]) -> None:
        if strange := [one for one in wanted if self.detectors and one not in self.detectors]:
            known = ", ".join(map(repr, self.detectors))
            raise DeviceError("unknown_detector", f"{name!r} asks for {strange[0]!r}; there are: {known}")

    def _usage_of(self, account: str, level: Level, *, sky: bool = True) -> Usage:
        since = period_start(self._clock.wall_ns(), self.longitude, level.nights)
        return usage_of(account, self._book.of_account(account, since), since, sky=sky)

    def _used(self, account: str, level: Level) -> dict[str, Any]:
        """An account's usage with what its level allows; whole seconds."""
        used = self._usage_of(account, level)
        told = {"account": account, "taken": round(used.taken), "waiting": round(used.waiting)}
        return {**told, "level": level.name, "priority": level.priority, "quota": level.quota, "nights": level.nights}

    def _usage(self) -> dict[str, dict[str, Any]]:
        """Of all accounts that have anything in their present period."""
        nights = max((level.nights for level in self.levels), default=1)
        accounts = self._book.accounts(period_start(self._clock.wall_ns(), self.longitude, nights))
        found = {name: self._used(name, self._levels.last(name, level)) for name, level in accounts.items()}
        return {name: used for name, used in found.items() if used["taken"] or used["waiting"]}

    def _tell_usage(self) -> None:
        """Anew when something has happened or another day has begun."""
        state = self._changes, period_start(self._clock.wall_ns(), self.longitude, 1)
        if state != self._told:
            self._told = state
            self.usage = [json.dumps(used) for used in self._usage().values()]
        else:
            self.usage = self.usage

    def _hidden(self, entry: Entry, t_ns: int) -> str:
        target = entry.sequence.target
        if target is None:
            return ""
        if target.right_ascension is None or target.declination is None:
            altitude, azimuth = target.altitude or 0.0, target.azimuth or 0.0
        else:
            altitude, azimuth = horizontal(t_ns, self._place, target.right_ascension, target.declination)
        return self._skyline.hides(altitude, azimuth)


def _status(word: str) -> Status | None:
    if not word:
        return None
    try:
        return Status(word.upper())
    except ValueError:
        raise RefusedError(f"{word!r} is no status; one of: {', '.join(Status)}") from None


def _brief(one: Entry) -> dict[str, Any]:
    asked = one.sequence
    return {
        "id": one.id,
        "name": asked.name,
        "program": asked.program,
        "priority": asked.priority,
        "target": "" if asked.target is None else str(asked.target),
        "status": one.status,
        "why": one.why,
        "t_start": asked.t_start,
        "t_end": asked.t_end,
        "taken": len(one.images),
        "images": asked.images,
    }
