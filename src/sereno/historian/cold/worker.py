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

from sereno.historian.disk import Disk, SystemDisk
from sereno.historian.lock import FolderLock
from sereno.model import OperationError

from .compacting import Compacted, compact
from .manifest import FOLDER, Manifest, load_manifest
from .pruning import Pruning, prune
from .reading import DamagedError

_NICE = 15


class Order(msgspec.Struct, frozen=True):
    """What to compact: numbers of sealed segments, in order. Or what to delete."""

    segments: tuple[int, ...] = ()
    pruning: Pruning | None = None


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the answer; the last has a manifest or an error."""

    progress: float = 0.0
    manifest: Manifest | None = None
    damaged: tuple[int, ...] = ()
    faults: tuple[str, ...] = ()
    rows: int = 0
    aside: tuple[str, ...] = ()
    error: str = ""


def work(folder: Path, order: Order, tell: Any) -> Outcome:
    """Do what is ordered. Problems of the disk and of the data are told in words."""
    disk = SystemDisk()
    lock = FolderLock(folder / FOLDER)
    try:
        lock.path.parent.mkdir(exist_ok=True)
        lock.acquire()
        manifest = load_manifest(disk, folder)
        done = carried_out(disk, folder, manifest, order, lambda share: tell(Outcome(progress=share)))
    except (OSError, OperationError, DamagedError) as error:
        return Outcome(error=str(error))
    finally:
        lock.release()
    return Outcome(1.0, done.manifest, done.damaged, tuple(str(f) for f in done.faults), done.rows, done.aside)


def carried_out(
    disk: Disk, folder: Path, manifest: Manifest, order: Order, progress: Callable[[float], None] = lambda _: None
) -> Compacted:
    """Do what is ordered. Raises OSError, OperationError."""
    if order.pruning is not None:
        return prune(disk, folder, manifest, order.pruning, progress)
    return compact(disk, folder, manifest, order.segments, progress)


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
