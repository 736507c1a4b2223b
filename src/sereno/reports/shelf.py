"""The shelf: the files of reports, and what is known of each run, on the disk before anything else happens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from sereno.client import ReportDelivery, ReportRun, ReportState
from sereno.model import NotFoundError
from sereno.store.private_file import make_private_folder, write_durably

log = structlog.get_logger(__name__)
WAITING, SENT, FAILED, CANCELLED = "waiting", "sent", "failed", "cancelled"
FOLDER = "folder"


@dataclass(slots=True, kw_only=True)
class Parcel:
    """A report to one recipient, or to a folder. Sent not before `due`, ns UTC."""

    way: str
    person: str = ""
    state: str = WAITING
    attempts: int = 0
    due: int = 0
    outcome: str = ""
    done: int = 0

    def shown(self) -> ReportDelivery:
        """As the port hands it over."""
        return ReportDelivery(
            way=self.way,
            person=self.person,
            state=self.state,
            attempts=self.attempts,
            outcome=self.outcome,
            done=self.done,
        )


@dataclass(slots=True, kw_only=True)
class Run:
    """See ReportRun. Of its attempts to be made the next one is not before `again`, ns UTC. `tags`: the globs of those
    that are in its files; `plant`: alarms or logbook are in them too.
    """

    key: str
    start: int
    end: int
    due: int
    made: int = 0
    state: ReportState = ReportState.DUE
    actor: str = ""
    late: bool = False
    so_far: bool = False
    skipped: int = 0
    error: str = ""
    attempts: int = 0
    again: int = 0
    send: bool = True
    formats: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    plant: bool = False
    subject: str = ""
    text: str = ""
    parcels: list[Parcel] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """True if something is still to be done."""
        return self.state in (ReportState.DUE, ReportState.MAKING) or any(one.state == WAITING for one in self.parcels)

    def shown(self, report: str, progress: float = 0.0) -> ReportRun:
        """As the port hands it over."""
        return ReportRun(
            report=report,
            key=self.key,
            start=self.start,
            end=self.end,
            due=self.due,
            made=self.made,
            state=self.state,
            actor=self.actor,
            late=self.late,
            so_far=self.so_far,
            skipped=self.skipped,
            progress=1.0 if self.made else progress,
            error=self.error,
            files=self.files,
            deliveries=tuple(one.shown() for one in self.parcels),
        )


@dataclass(slots=True, kw_only=True)
class Kept:
    """All periods that end at or before `after` (ns UTC) have been dealt with; `runs` the oldest first."""

    after: int
    runs: list[Run] = field(default_factory=list)

    def run(self, key: str) -> Run | None:
        """The one of this key."""
        return next((one for one in self.runs if one.key == key), None)


class Shelf:
    """A folder for each report, its owner's only. All raise OSError; nothing here may run in the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, report: str) -> Kept | None:
        """What is kept of a report, None if nothing is. What cannot be read is put aside."""
        path = self._folder / report / "state.json"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            kept = msgspec.json.decode(data, type=Kept)
        except msgspec.DecodeError as error:
            log.error("what is kept of a report cannot be read; it begins anew", report=report, reason=str(error))
            path.replace(path.with_name("state.json.damaged"))
            return None
        for run in kept.runs:
            if run.state is ReportState.MAKING:
                run.state = ReportState.DUE
        return kept

    def save(self, report: str, data: bytes) -> None:
        """Replace what is kept of a report by `encoded` state."""
        self.write(report, "state.json", data)

    def write(self, report: str, name: str, data: bytes) -> None:
        """Make a file of a report."""
        folder = self._folder / report
        make_private_folder(self._folder)
        make_private_folder(folder)
        write_durably(folder / name, data)

    def write_all(self, report: str, files: Mapping[str, bytes]) -> None:
        """Make files of a report, by name."""
        for name, data in files.items():
            self.write(report, name, data)

    def discard(self, report: str, names: Iterable[str]) -> None:
        """Delete files of a report that nothing names; what cannot be deleted is in the way of nothing."""
        for name in names:
            with contextlib.suppress(OSError):
                (self._folder / report / name).unlink(missing_ok=True)

    def read(self, report: str, name: str) -> bytes:
        """A file of a report. Raises NotFoundError."""
        try:
            return (self._folder / report / name).read_bytes()
        except FileNotFoundError:
            raise NotFoundError(f"{name} of report {report!r} is kept no more") from None

    def remove(self, report: str, run: Run, copies: str) -> None:
        """The files of a run, and those that it copied to the folder `copies`."""
        folders = [self._folder / report, *([Path(copies)] if copies and _copied(run) else [])]
        for folder in folders:
            for name in run.files:
                (folder / name).unlink(missing_ok=True)

    def copy(self, report: str, names: tuple[str, ...], folder: str) -> None:
        """To a folder of the people who read them."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            temporary = target / f".{name}.part"
            temporary.write_bytes(self.read(report, name))
            temporary.replace(target / name)


def encoded(kept: Kept) -> bytes:
    """For `Shelf.save`."""
    return msgspec.json.encode(kept)


def _copied(run: Run) -> bool:
    return any(one.way == FOLDER and one.state == SENT for one in run.parcels)
