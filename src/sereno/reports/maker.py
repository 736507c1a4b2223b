"""Makes one report: gathers it, writes its files, and says what goes to whom."""

from __future__ import annotations

import asyncio

from sereno.client import ReportState
from sereno.model import Clock

from .content import Content
from .courier import Courier, Letter
from .gather import Making, Progress, Sources, gather
from .page import page, plain_text
from .schedule import Period, local_text
from .sheet import sheets
from .shelf import FOLDER, Parcel, Run, Shelf
from .spec import ReportSpec

MEDIA = {"html": "text/html", "csv": "text/csv"}


class Maker:
    """Makes reports out of `sources` onto a shelf; `courier` knows who gets them."""

    def __init__(self, sources: Sources, shelf: Shelf, courier: Courier, clock: Clock) -> None:
        self._sources = sources
        self.shelf = shelf
        self._courier = courier
        self._clock = clock

    async def make(self, spec: ReportSpec, run: Run, progress: Progress) -> None:
        """Make the files of a run, and note them in it. Raises SerenoError, OSError, ValueError."""
        now = self._clock.wall_ns()
        making = Making(
            spec=spec,
            period=Period(run.start, run.end),
            now=now,
            due=run.due,
            so_far=run.so_far,
            late=run.late,
            skipped=run.skipped,
        )
        content = await gather(self._sources, making, progress)
        files = await asyncio.to_thread(_files, content, run)
        await self._kept(spec.name, files)
        run.files, run.made, run.error, run.state = tuple(files), now, "", ReportState.MADE
        run.tags, run.plant = spec.globs, spec.alarms or spec.logbook
        run.subject = f"{spec.plant}: {spec.title}, {local_text(run.start, spec.calendar.timezone)}"
        run.text = plain_text(content)
        run.parcels = self._parcels(spec, now) if run.send else []

    async def _kept(self, report: str, files: dict[str, bytes]) -> None:
        """Write all files; if that fails or is cancelled, none stays."""
        writing = asyncio.ensure_future(asyncio.to_thread(self.shelf.write_all, report, files))
        try:
            await asyncio.shield(writing)
        except BaseException:
            await asyncio.wait([writing])
            await asyncio.to_thread(self.shelf.discard, report, tuple(files))
            raise

    def _parcels(self, spec: ReportSpec, now: int) -> list[Parcel]:
        found = [Parcel(way=FOLDER)] if spec.folder else []
        found += [Parcel(way=way, person=person) for way, person in self._courier.recipients(spec.by, spec.to, now)]
        if spec.by and len(found) == bool(spec.folder):
            outcome = f"nobody of {', '.join(spec.to)} is on duty"
            found.append(Parcel(way=spec.by[0], state="failed", outcome=outcome, done=now))
        return found

    async def send(self, spec: ReportSpec, run: Run, parcel: Parcel) -> str:
        """Bring a run to one recipient; what became of it. Raises SerenoError, OSError."""
        if parcel.way == FOLDER:
            await asyncio.to_thread(self.shelf.copy, spec.name, run.files, spec.folder)
            return f"written to {spec.folder}"
        contents = [await asyncio.to_thread(self.shelf.read, spec.name, name) for name in run.files]
        files = [(name, _media(name), data) for name, data in zip(run.files, contents, strict=True)]
        shown = next((data.decode() for name, _, data in files if name.endswith(".html")), "")
        letter = Letter(
            id=f"report-{spec.name}-{run.key}-{run.due}-{run.parcels.index(parcel)}",
            subject=run.subject,
            text=run.text,
            html=shown,
            files=tuple(files),
            again=parcel.attempts > 1,
        )
        return await self._courier.send(parcel.way, parcel.person, letter)


def _media(name: str) -> str:
    return MEDIA[name.rpartition(".")[2]]


def _files(content: Content, run: Run) -> dict[str, bytes]:
    stem = f"{content.spec.name}-{run.key}"
    found = {f"{stem}.html": page(content).encode()} if "html" in run.formats else {}
    if "csv" in run.formats:
        found |= {f"{stem}{suffix}.csv": text.encode() for suffix, text in sheets(content).items()}
    return found
