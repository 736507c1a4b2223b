"""The book of sequences as a device: people and agents reach it by commands, its state survives in a database."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from sereno import Device, DeviceError, command, scan, setting, tag
from sereno.model import RefusedError
from sereno_observatory.sky import Place, altitude_above, horizontal

from .book import Book
from .due import ByPriority, Chooser
from .model import Entry, Image
from .reading import read_sequences
from .status import Event, Status

SHOWN = 50
_CONCLUSIONS = (Event.FINISH, Event.INTERRUPT, Event.ABORT, Event.FAIL)


class Sequences(Device):
    """Keeps the sequences. What is answered is JSON, with times in ns UTC.

    `database` is a file or an SQLAlchemy URL, empty for `observatory.db` of the data folder. `detectors` are the names
    that albums may use, empty for any. `horizon` are altitudes (deg) at equal steps of azimuth from the north on.
    `standing` are sequences, as `add` takes them, that an empty book begins with.
    """

    database: str = setting("")
    detectors: list[str] = setting([])
    latitude: float = setting(0.0)
    longitude: float = setting(0.0)
    horizon: list[float] = setting([15.0])
    standing: str = setting("")

    waiting: int = tag(scan="tidy", description="Sequences that wait for their time")
    due: int = tag(scan="tidy", description="Number of the one to execute now, 0 for none")
    calibration: int = tag(scan="tidy", description="As due, of those that need no sky")
    executing: int = tag(scan="tidy", description="Number of the one that is executed, 0 for none")
    cancelled: int = tag(scan="tidy", description="The last one that was cancelled while it was executed")
    changes: int = tag(scan="tidy", description="Counts what happens to sequences")
    present: list[str] = tag(scan="tidy", description="The newest sequences, one in JSON each, newest first")

    async def startup(self) -> None:
        """Open the database."""
        self._clock = self.client.clock
        self._place = Place(self.latitude, self.longitude)
        self._chooser: Chooser = ByPriority(self._hidden)
        self._changes, self._cancelled = 0, 0
        where = self.database or self.folder / "observatory.db"
        self._book = await asyncio.to_thread(Book, where)
        if self.standing and not await asyncio.to_thread(self._book.newest, None, 1):
            await asyncio.to_thread(self.add, self.standing, "site")

    async def shutdown(self) -> None:
        """Close it."""
        await asyncio.to_thread(self._book.close)

    @scan(period="5s")
    def tidy(self) -> None:
        """End what can no longer be executed, and tell how things stand."""
        for number in self._book.expire(self._clock.wall_ns()):
            self._changes += 1
            self.log.info("sequence expired", sequence=number)
        self._tell()

    @command
    def add(self, text: str, observer: str = "") -> list[int]:
        """Add sequences, written in TOML, JSON or as a request file (XML); their numbers."""
        now = self._clock.wall_ns()
        asked = [msgspec.structs.replace(one, observer=one.observer or observer) for one in read_sequences(text, now)]
        for one in asked:
            self._require_detectors(one.name, [album.detector for album in one.albums])
            if one.t_end <= now:
                raise DeviceError("too_late", f"the window of {one.name!r} is over already")
        numbers = self._book.add(asked, now)
        self._happened("sequences added", sequences=numbers, observer=observer)
        return numbers

    @command
    def show(self, number: int) -> str:
        """One sequence with its images and how it has fared, in JSON."""
        entry: dict[str, Any] = msgspec.to_builtins(self._book.entry(number))
        entry["changes"] = [{"t": t, "status": s, "why": why} for t, s, why in self._book.changes(number)]
        return msgspec.json.encode(entry).decode()

    @command
    def find(self, status: str = "", limit: int = 100) -> str:
        """The newest sequences, of one status or of all, in JSON."""
        return msgspec.json.encode(self._book.newest(_status(status), max(1, min(limit, 1000)))).decode()

    @command
    def cancel(self, number: int, why: str = "") -> str:
        """Cancel a sequence; what is exposed is aborted. Its status."""
        before = self._book.entry(number).status
        status = self._book.happen(number, Event.CANCEL, self._clock.wall_ns(), why)
        if before is Status.EXECUTING:
            self._cancelled = number
        self._happened("sequence cancelled", sequence=number, why=why)
        return status

    @command
    def under_way(self) -> str:
        """The sequence that is executed, in JSON; empty when there is none."""
        found = self._book.of_status(Status.EXECUTING)
        return msgspec.json.encode(found[0]).decode() if found else ""

    @command
    def start(self, number: int) -> str:
        """For the observer: begin to execute a sequence; the sequence, in JSON."""
        entry = self._book.start(number, self._clock.wall_ns())
        self._happened("sequence started", sequence=number)
        return msgspec.json.encode(entry).decode()

    @command
    def record(self, number: int, image: str) -> None:
        """For the observer: an image (JSON) was taken."""
        try:
            made = msgspec.json.decode(image, type=Image)
        except (msgspec.DecodeError, ValueError) as error:
            raise RefusedError(f"image: {error}") from None
        self._book.record(number, made)
        self._changes += 1
        self._tell()

    @command
    def conclude(self, number: int, event: str, why: str = "") -> str:
        """For the observer: how the execution ended: finish, interrupt, abort or fail. The status that follows."""
        known = self._book.entry(number).status
        if known is Status.CANCELLED:
            return known
        wanted = next((one for one in _CONCLUSIONS if one == event), None)
        if wanted is None:
            raise RefusedError(f"{event!r} is no end of an execution; one of: {', '.join(_CONCLUSIONS)}")
        status = self._book.happen(number, wanted, self._clock.wall_ns(), why)
        self._happened("sequence ended", sequence=number, status=str(status), why=why)
        return status

    def _happened(self, what: str, **more: Any) -> None:
        self._changes += 1
        self.log.info(what, **more)
        self._tell()

    def _tell(self) -> None:
        newest = self._book.newest(limit=SHOWN)
        busy = self._book.of_status(Status.EXECUTING)
        waiting = self._book.of_status(Status.TOBEPLANNED, Status.PLANNED)
        self.waiting = len(waiting)
        self.due = self._next([] if busy else waiting)
        self.calibration = self._next([] if busy else [one for one in waiting if one.sequence.target is None])
        self.executing = busy[0].id if busy else 0
        self.cancelled, self.changes = self._cancelled, self._changes
        self.present = [msgspec.json.encode(_brief(one)).decode() for one in newest]

    def _next(self, waiting: list[Entry]) -> int:
        found = self._chooser.next_at(waiting, self._clock.wall_ns())
        return 0 if found is None else found.id

    def _require_detectors(self, name: str, wanted: list[str]) -> None:
        if strange := [one for one in wanted if self.detectors and one not in self.detectors]:
            known = ", ".join(map(repr, self.detectors))
            raise DeviceError("unknown_detector", f"{name!r} asks for {strange[0]!r}; there are: {known}")

    def _hidden(self, entry: Entry, t_ns: int) -> str:
        target = entry.sequence.target
        if target is None:
            return ""
        if target.right_ascension is None or target.declination is None:
            altitude, azimuth = target.altitude or 0.0, target.azimuth or 0.0
        else:
            altitude, azimuth = horizontal(t_ns, self._place, target.right_ascension, target.declination)
        return "" if altitude >= altitude_above(self.horizon, azimuth) else f"it stands {altitude:.0f} deg high"


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
