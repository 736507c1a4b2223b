"""Putting an installation back from an archive, into a folder that is empty: all of it, or nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from sereno.app.datafolder import DataFolder
from sereno.app.installation import Note, at_console
from sereno.app.platform import write_private
from sereno.model import Clock, OperationError
from sereno.store import ways_in
from sereno.store.audit import AuditEntry, AuditLog, add_entry
from sereno.store.audit_verify import Verification
from sereno.store.engine import Store

from .archive import ArchiveReader, Manifest, Member
from .make import Tell


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back. `audit` is None if the archive has no database; `plant` is None if it has no plant file."""

    manifest: Manifest
    plant: Path | None
    audit: Verification | None


def restore(file: Path, folder: DataFolder, plants: Path, clock: Clock, tell: Tell) -> Restored:
    """Write the archive's data to `folder` and its plant files to `plants`. Blocks.

    Everything is read and compared before the first byte is written. People sign in anew: sessions of the time of the
    archive end. Raises OperationError (a folder that is not empty, DamagedArchiveError naming the member): nothing is
    left behind then.
    """
    for path in (folder.path, plants):
        _check_empty(path)
    with ArchiveReader(file) as archive:
        tell("checking", 0)
        archive.verify(lambda count: tell("", count))
        with _made(folder.path, plants):
            tell("writing", 0)
            for member in archive.manifest.members:
                _write(archive, member, folder.path, plants, tell)
            plant = _place(archive.manifest.plant, folder.path, plants) if archive.manifest.plant else None
            note = Note(str(plant.absolute()) if plant else "")
            write_private(folder.note, msgspec.json.encode(note).decode())
            audit = _revive(folder, archive.manifest, file, clock) if archive.manifest.database else None
            return Restored(archive.manifest, plant, audit)


def _check_empty(path: Path) -> None:
    try:
        taken = path.exists() and (not path.is_dir() or any(path.iterdir()))
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from error
    if taken:
        raise OperationError(f"{path} is not empty; a restore never writes over anything, choose another folder")


@contextmanager
def _made(*folders: Path) -> Iterator[None]:
    """Folders to write into; what was made is removed again if it goes wrong."""
    new = [path for path in folders if not path.exists()]
    try:
        yield
    except BaseException as error:
        for path in folders:
            for one in list(path.iterdir()) if path.is_dir() else []:
                shutil.rmtree(one, ignore_errors=True) if one.is_dir() else one.unlink(missing_ok=True)
        for path in new:
            shutil.rmtree(path, ignore_errors=True)
        if isinstance(error, OSError):
            raise OperationError(
                f"restore: {error.filename or ''} {error.strerror}; nothing was left behind"
            ) from error
        raise


def _place(name: str, data: Path, plants: Path) -> Path:
    """Where a member goes: its first part chooses the folder. Names were checked when the archive was opened."""
    first, _, rest = name.partition("/")
    root = data if first == "data" else plants
    path = root / rest
    if not path.absolute().is_relative_to(root.absolute()):
        raise OperationError(f"{name!r} leads out of {root}")
    return path


def _write(archive: ArchiveReader, member: Member, data: Path, plants: Path, tell: Tell) -> None:
    path = _place(member.name, data, plants)
    private = member.name.startswith("data/")
    path.parent.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600 if private else 0o666), "wb") as out:
        for chunk in archive.chunks(member):
            out.write(chunk)
            tell("", len(chunk))
        out.flush()
        os.fsync(out.fileno())


def _revive(folder: DataFolder, manifest: Manifest, file: Path, clock: Clock) -> Verification:
    """Bring the database up to date, end its sessions, put the restore on record; returns how the audit is."""
    made = datetime.fromtimestamp(manifest.t / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    new = {"file": str(file.absolute()), "made": made, "records": manifest.records}
    entry = AuditEntry(
        t=clock.wall_ns(), actor="console", origin=at_console(), action="restore", target="installation", new=new
    )

    def work(connection: Connection) -> None:
        ways_in.end_all(connection)
        add_entry(connection, entry)

    store = Store.open(folder.database, keys=folder.keys, clock=clock)
    try:
        found = asyncio.run(AuditLog(store, clock).verify())
        store.run_now(work)
        return found
    finally:
        store.dispose()
