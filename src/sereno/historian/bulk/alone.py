"""An import into the folder of a historian that does not run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from pathlib import Path

from sereno.historian.cold.compacting import compact
from sereno.historian.cold.manifest import FOLDER, Manifest, load_manifest, save_manifest, sweep
from sereno.historian.disk import Disk
from sereno.historian.holdings import AT_ONCE, keep_damaged
from sereno.historian.lock import FolderLock
from sereno.historian.meaning import meanings
from sereno.historian.recovery import open_log
from sereno.historian.retention import remove
from sereno.historian.room import Room, WhenFull
from sereno.historian.sealed import SegmentRef
from sereno.historian.tags import Asked, Definition, TagBook
from sereno.model import NotFoundError, TagHandle, TagSpec

from .absorbing import Absorbed, Absorption, absorb
from .stage import Stage, StageNote, staged


class _Nobody:
    """A TagLookup of no declared tag: what the folder says is all that is known."""

    def spec(self, handle: TagHandle) -> TagSpec:
        """Raises IndexError."""
        raise IndexError(f"tag handle {handle}")

    def directory(self) -> Mapping[TagHandle, TagSpec]:
        """None."""
        return {}


class StoppedHistory:
    """A historian's folder, taken for as long as this is open. `keep_free`: see Room. Blocking.

    Raises OperationError if a node has it, OSError.
    """

    def __init__(self, disk: Disk, folder: Path, keep_free: int = 0) -> None:
        self._disk, self._folder = disk, folder
        self._room = Room(disk, folder, keep_free, WhenFull.STOP)
        self._book = TagBook(_Nobody())
        self._locks = [FolderLock(folder), FolderLock(folder / FOLDER)]
        (folder / FOLDER).mkdir(exist_ok=True)
        try:
            for lock in self._locks:
                lock.acquire()
            path = folder / "tags.jsonl"
            if path.exists():
                self._book.load(disk.read(path), path)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> StoppedHistory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the folder back."""
        for lock in self._locks:
            lock.release()

    def tags(self) -> dict[str, Definition]:
        """The definitions of all tags that ever had a sample, by path."""
        found = {path: self._book.definition(path, 0) for path in self._book.paths()}
        return {path: definition for path, definition in found.items() if definition is not None}

    def bring(
        self, note: StageNote, parts: Iterable[bytes], now: int, progress: Callable[[float], None] = lambda _: None
    ) -> Absorbed:
        """Take parts into the history, in one step. `now` is in ns UTC. What the same import left when it was killed is
        deleted: it begins anew. Raises OperationError, OSError.
        """
        since = {}
        for path in note.tags:
            definition = self._book.definition(path, now)
            if definition is None:
                raise NotFoundError(f"{path!r} never had a sample there; import it while its node runs")
            since[definition.id] = meanings(Asked(definition, None, self._book.earlier(definition.id)))[-1].start
        for left in staged(self._disk, self._folder):
            if left.note.same_as(note):
                left.remove()
        manifest = self._all_cold()
        stage = Stage.create(self._disk, self._folder, note)
        try:
            for number, part in enumerate(parts):
                self._room.check(len(part))
                stage.append(number, part)
            what = Absorption(note.key, since, now, self._room.keep_free)
            done = absorb(self._disk, self._folder, manifest, what, progress)
            save_manifest(self._disk, self._folder, done.done.manifest)
        finally:
            stage.remove()
        sweep(self._disk, self._folder, done.done.manifest)
        return done

    def _all_cold(self) -> Manifest:
        """Compact the log whole."""
        manifest = load_manifest(self._disk, self._folder)
        segments = open_log(self._disk, self._folder / "log", after=manifest.compacted).segments
        while segments:
            ends = accumulate(ref.outline.end for ref in segments)
            some = segments[: max(1, sum(end <= AT_ONCE for end in ends))]
            self._room.check(sum(ref.outline.end for ref in some))
            done = compact(self._disk, self._folder, manifest, [ref.outline.number for ref in some])
            manifest = done.manifest
            save_manifest(self._disk, self._folder, manifest)
            self._drop(some, done.damaged)
            segments = segments[len(some) :]
        sweep(self._disk, self._folder, manifest)
        return manifest

    def _drop(self, segments: Iterable[SegmentRef], damaged: Iterable[int]) -> None:
        bad = frozenset(damaged)
        for ref in segments:
            if ref.outline.number in bad:
                keep_damaged(self._disk, ref)
            else:
                remove(self._disk, ref)
