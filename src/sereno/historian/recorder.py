"""The folder of a historian and everything that writes to it. Blocking; used by one thread at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sereno.model import Clock, Fault

from .cold.manifest import Manifest
from .disk import Disk
from .encoder import CommitData, Encoder
from .lock import FolderLock
from .marks import Gap, place
from .queue import Work
from .recovery import open_log
from .room import Room
from .sealed import SegmentRef, compacted, encode_index, index_path
from .segment import SegmentView
from .tags import TagBook
from .writer import LogWriter, SyncTimes


@dataclass(frozen=True, slots=True)
class Written:
    """Views after a commit: of the segments that it sealed, and of the active one."""

    sealed: tuple[SegmentView, ...]
    active: SegmentView | None


class Recorder:
    """Opens the folder, holds its lock, writes commits. `start_gap`: nothing was recorded before this start."""

    def __init__(self, folder: Path, clock: Clock, book: TagBook, disk: Disk, room: Room | None = None) -> None:
        self.faults: list[Fault] = []
        self.segments: list[SegmentRef] = []
        self.start_gap: Gap | None = None
        self._folder = folder
        self._clock = clock
        self._book = book
        self._disk = disk
        self._room = room
        self._lock = FolderLock(folder)
        self._tags_end = b""
        self._encoder: Encoder | None = None
        self._writer: LogWriter | None = None

    @property
    def times(self) -> SyncTimes:
        """How the disk does."""
        return SyncTimes() if self._writer is None else self._writer.times

    def open(self, cold: Callable[[], Manifest], *, cover_interval: float, segment_bytes: int) -> None:
        """Take the lock, read what is there: first what is `cold`. Raises OperationError, OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        try:
            self._load_tags()
            manifest = cold()
            opened = open_log(self._disk, self._folder / "log", after=manifest.compacted)
            opened.epoch = max(opened.epoch, manifest.epoch + 1)
            self._disk.sync_folder(self._folder)
            self._disk.sync_folder(self._folder.parent)
        except BaseException:
            self._lock.release()
            raise
        self.faults += opened.faults
        self.segments = opened.segments
        now = self._clock.wall_ns()
        last_commit = opened.last_commit or manifest.t_end
        if 0 < last_commit < now:
            self.start_gap = Gap(last_commit, now, place(opened.next_number, 0))
        self._encoder = Encoder(self._book, cover_interval)
        self._writer = LogWriter(
            self._disk,
            self._folder / "log",
            self._clock,
            self._encoder.keyframe,
            epoch=opened.epoch,
            next_number=opened.next_number,
            segment_bytes=segment_bytes,
            gap=self.start_gap,
        )

    def prepare(self, work: Work, *, final: bool) -> CommitData:
        """Encode, once for each piece of work and in order."""
        assert self._encoder is not None
        return self._encoder.encode(work.batches, work.lost, final=final)

    def write(self, data: CommitData, t: int, *, seal: bool) -> Written:
        """Return when `data` is on the disk. Raises OSError; then it may be given again."""
        assert self._writer is not None
        if data and self._room is not None:
            self._check_room(self._room, self._writer)
        self._save_tags()
        if data:
            self._writer.write(data, t)
        if seal:
            self._writer.seal()
        sealed, self._writer.sealed = tuple(self._writer.sealed), []
        return Written(sealed, self._writer.view)

    def drop(self, handles: Sequence[int]) -> Written:
        """Seal the log, and begin the next segment without the last samples of these tags."""
        assert self._encoder is not None
        self._encoder.drop(handles)
        return self.write(CommitData(), 0, seal=True)

    def _check_room(self, room: Room, writer: LogWriter) -> None:
        try:
            room.check()
        except OSError as error:
            writer.times.problem = writer.times.last_error = error.strerror or str(error)
            raise

    def index(self, view: SegmentView) -> SegmentView:
        """Write the index file of a sealed segment; returns the view that it holds."""
        whole = compacted(view)
        self._disk.replace(index_path(view.path), encode_index(whole))
        return whole

    def close(self) -> None:
        """Close what is open and free the lock."""
        if self._writer is not None:
            self._writer.close()
        self._lock.release()

    @property
    def _tags_path(self) -> Path:
        return self._folder / "tags.jsonl"

    def _load_tags(self) -> None:
        try:
            data = self._disk.read(self._tags_path)
        except FileNotFoundError:
            return
        self.faults += self._book.load(data, self._tags_path)
        self._tags_end = b"" if data.endswith(b"\n") or not data else b"\n"

    def _save_tags(self) -> None:
        lines = self._book.take_unsaved()
        if not lines:
            return
        try:
            file = self._disk.extend(self._tags_path)
            try:
                file.append(self._tags_end + lines)
                file.sync()
            finally:
                file.close()
            self._disk.sync_folder(self._folder)
        except OSError:
            self._tags_end = b"\n"
            self._book.keep(lines)
            raise
        self._tags_end = b""
