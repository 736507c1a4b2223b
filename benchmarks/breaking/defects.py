"""Planted defects: each breaks one promise, and the rigs must say so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sereno.historian.cold.keeper import ColdKeeper
from sereno.historian.cold.manifest import Manifest
from sereno.historian.disk import AppendFile, SystemDisk
from sereno.historian.historian import Historian
from sereno.historian.holdings import Holdings
from sereno.historian.retention import remove
from sereno.historian.sealed import SegmentRef

DEFECTS = ("no-fsync", "no-folder-fsync", "ack-before-sync", "delete-first")
IMPORT_DEFECTS = ("import-clears-first", "import-in-halves")


class _NoSync:
    def __init__(self, file: AppendFile) -> None:
        self._file = file
        self.append, self.close = file.append, file.close

    def sync(self) -> None:
        """Nothing."""


def plant(name: str, disk: SystemDisk) -> None:
    """Put a defect into this process. `disk` is changed in place."""
    if name == "no-fsync":
        create = disk.create
        disk.create = lambda path: _NoSync(create(path))  # type: ignore[method-assign]
    elif name == "no-folder-fsync":
        disk.sync_folder = lambda _: None  # type: ignore[method-assign]
    elif name == "ack-before-sync":
        Historian.durable = _at_once  # type: ignore[method-assign]
    elif name == "delete-first":
        Holdings.compact = _delete_first  # type: ignore[method-assign]
    elif name == "import-clears-first":
        ColdKeeper.save = _clear_first  # type: ignore[method-assign]
    elif name == "import-in-halves":
        ColdKeeper.save = _in_halves  # type: ignore[method-assign]
    elif name:
        raise ValueError(f"no defect {name!r}")


async def _at_once(historian: Historian) -> int:
    return historian.accepted_seq


_save = ColdKeeper.save


async def _clear_first(keeper: ColdKeeper, manifest: Manifest) -> None:
    for path in (keeper._folder / "imports").glob("*/parts.bin"):
        path.unlink()
    await _save(keeper, manifest)


async def _in_halves(keeper: ColdKeeper, manifest: Manifest) -> None:
    new = sorted({f.start for f in manifest.files} - {f.start for f in keeper.view.manifest.files})
    if len(new) > 1:
        files = tuple(f for f in manifest.files if f.start not in new[::2])
        await _save(keeper, msgspec.structs.replace(manifest, files=files))
        manifest = msgspec.structs.replace(manifest, generation=manifest.generation + 1)
    await _save(keeper, manifest)


_compact = Holdings.compact


async def _delete_first(holdings: Holdings, refs: Sequence[SegmentRef]) -> None:
    saved: dict[Path, bytes] = {}
    for ref in refs:
        path = ref.outline.path
        saved[path] = path.read_bytes()
    work = holdings.cold._compactor

    async def after(folder, order):  # type: ignore[no-untyped-def]
        outcome = await work(folder, order)
        for ref in refs:
            remove(holdings._disk, ref)
        holdings._disk.sync_folder(refs[0].outline.path.parent)
        return outcome

    holdings.cold._compactor = after
    try:
        await _compact(holdings, refs)
    finally:
        holdings.cold._compactor = work
