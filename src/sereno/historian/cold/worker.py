"""The compactor's own process: `python -m sereno.historian.cold.worker FOLDER`.

Reads one line, {"segments": [...]}; answers with lines of JSON: {"progress": share}, at last {"manifest": ...} or
{"error": words}. Ends when its standard input does. It never lets a manifest count: that is up to who asked.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from sereno.historian.bulk.absorbing import Absorption, absorb
from sereno.historian.bulk.stage import UnfitError
from sereno.historian.disk import Disk, SystemDisk
from sereno.historian.lock import FolderLock
from sereno.model import OperationError

from .compacting import Compacted, compact
from .manifest import FOLDER, Manifest, load_manifest
from .pruning import Pruning, prune
from .reading import DamagedError

_NICE = 15
_STEP = 0.01


class Order(msgspec.Struct, frozen=True):
    """What to compact: numbers of sealed segments, in order. Or what to delete, or which import to take in."""

    segments: tuple[int, ...] = ()
    pruning: Pruning | None = None
    absorption: Absorption | None = None


class Taken(msgspec.Struct, frozen=True):
    """What an import brought, as Absorbed says it."""

    rows: int
    new: int
    first: int
    last: int


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the answer; the last has a manifest or an error."""

    progress: float = 0.0
    manifest: Manifest | None = None
    damaged: tuple[int, ...] = ()
    faults: tuple[str, ...] = ()
    rows: int = 0
    aside: tuple[str, ...] = ()
    taken: Taken | None = None
    error: str = ""
    unfit: bool = False
    """The error is of the import itself."""


def work(folder: Path, order: Order, tell: Any) -> Outcome:
    """Do what is ordered. Problems of the disk and of the data are told in words."""
    disk = SystemDisk()
    lock = FolderLock(folder / FOLDER)
    try:
        lock.path.parent.mkdir(exist_ok=True)
        lock.acquire()
        manifest = load_manifest(disk, folder)
        return carried_out(disk, folder, manifest, order, _Teller(tell))
    except (OSError, OperationError, DamagedError) as error:
        return Outcome(error=str(error), unfit=isinstance(error, UnfitError))
    finally:
        lock.release()


def carried_out(
    disk: Disk, folder: Path, manifest: Manifest, order: Order, progress: Callable[[float], None] = lambda _: None
) -> Outcome:
    """Do what is ordered. Raises OSError, OperationError."""
    if order.absorption is not None:
        absorbed = absorb(disk, folder, manifest, order.absorption, progress)
        taken = Taken(absorbed.rows, absorbed.new, absorbed.first, absorbed.last)
        return msgspec.structs.replace(_outcome(absorbed.done), taken=taken)
    if order.pruning is not None:
        return _outcome(prune(disk, folder, manifest, order.pruning, progress))
    return _outcome(compact(disk, folder, manifest, order.segments, progress))


def _outcome(done: Compacted) -> Outcome:
    return Outcome(1.0, done.manifest, done.damaged, tuple(str(f) for f in done.faults), done.rows, done.aside)


class _Teller:
    """Tells of progress when it is a hundredth more."""

    def __init__(self, tell: Callable[[Outcome], None]) -> None:
        self._tell = tell
        self._told = 0.0

    def __call__(self, share: float) -> None:
        if share - self._told >= _STEP:
            self._told = share
            self._tell(Outcome(progress=share))


def main() -> None:
    """See above."""
    lower = getattr(os, "nice", None)
    if lower is not None:
        lower(_NICE)
    order = msgspec.json.decode(sys.stdin.readline(), type=Order)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _tell(work(Path(sys.argv[1]), order, _tell))


def _tell(outcome: Outcome) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
    sys.stdout.buffer.flush()


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1 << 16):
        pass
    os._exit(3)


if __name__ == "__main__":
    main()
