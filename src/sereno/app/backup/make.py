"""Backing up an installation while its node runs: plant file, database, history, keys."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from sereno.app.datafolder import DataFolder
from sereno.app.installation import at_console, database_of, open_existing, read_note
from sereno.app.plant.load import load_plant
from sereno.historian.parts import parts
from sereno.model import Clock, ConfigurationError, NotFoundError, OperationError
from sereno.store import audit_start, settings
from sereno.store.audit import AuditEntry, add_entry
from sereno.store.connect import sqlite_file
from sereno.store.engine import Store
from sereno.store.errors import StoreError
from sereno.store.schema import present_schema
from sereno.store.tables import SCHEMA

from .archive import ArchiveWriter, LeftOut, Manifest
from .kept import add_kept, copy_database

_log = structlog.get_logger(__name__)
Tell = Callable[[str, int], None]
"""Told what is being copied, and how many bytes went by since."""


@dataclass(slots=True)
class _Taken:
    """What was found on the way."""

    plant: str = ""
    database: str = ""
    installation: str = ""
    records: int = 0
    warnings: list[str] = field(default_factory=list)
    plant_files: list[Path] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def back_up(
    folder: DataFolder, file: Path, clock: Clock, *, plant: Path | None, tell: Tell, take: Sequence[str] = ()
) -> Manifest:
    """Write the installation of `folder` to the new `file`, and that on record. Blocks.

    `plant` is its plant file, the one of the last start if None. Of what devices keep, databases are always taken, and
    the entries of the data folder that are named by `take`. Raises OperationError; then there is no `file`.
    """
    _check(folder)
    taken = _Taken()
    try:
        with ArchiveWriter(file, lambda count: tell("", count)) as archive:
            tell("plant", 0)
            _plant(folder, plant, archive, taken)
            tell("database and keys", 0)
            with TemporaryDirectory(prefix=".sereno-backup-", dir=file.absolute().parent) as work:
                _database(folder, Path(work), archive, taken, clock)
                tell("reports", 0)
                _reports(folder, Path(work), archive)
                tell("kept by devices", 0)
                but = _taken_elsewhere(folder, file, taken)
                taken.left_out, warnings = add_kept(folder, archive, take, Path(work), but)
                taken.warnings += warnings
            tell("history", 0)
            _history(folder, archive)
            manifest = _manifest(archive, taken, clock)
            archive.finish(manifest)
    except OSError as error:
        raise OperationError(f"backup to {file}: {error.strerror or error}") from error
    _on_record(folder, file, manifest, clock)
    return manifest


def _check(folder: DataFolder) -> None:
    where = database_of(folder, read_note(folder))
    own = sqlite_file(where)
    if own is not None and not own.exists():
        raise NotFoundError(f"no installation in {folder.path} (no {own.name}); give --data")


def _plant(folder: DataFolder, given: Path | None, archive: ArchiveWriter, taken: _Taken) -> None:
    noted = read_note(folder).plant
    main = given or (Path(noted) if noted else None)
    if main is None or not main.exists():
        what = f"the plant file {main} is gone" if main else "no start noted a plant file"
        raise OperationError(f"{what}; name it with --plant")
    try:
        plant = load_plant(main)
        files = [_plain(path) for path in plant.files]
        secrets = (plant.web.tls_certificate, plant.web.tls_key, plant.database.url_file)
        taken.warnings += [f"not in the archive, as it is a secret of its own: {name}" for name in secrets if name]
    except ConfigurationError as error:
        taken.warnings.append(f"the plant file has faults, only its folder's files were taken: {error.faults[0]}")
        files = [_plain(path) for path in sorted(main.parent.iterdir()) if path.suffix in (".toml", ".csv", ".svg")]
    root = _root(files)
    for path in files:
        archive.add(f"plant/{path.relative_to(root).as_posix()}", path)
    taken.plant_files = [root, *files]
    taken.plant = f"plant/{_plain(main).relative_to(root).as_posix()}"


def _plain(path: Path) -> Path:
    """Absolute and without '..', links kept as they are."""
    return Path(os.path.normpath(path.absolute()))


def _root(files: list[Path]) -> Path:
    """The folder that holds them all."""
    root = files[0].parent
    while not all(path.is_relative_to(root) for path in files):
        if root == root.parent:
            raise OperationError(f"the plant's files share no folder: {files[0]} and others")
        root = root.parent
    return root


def _database(folder: DataFolder, work: Path, archive: ArchiveWriter, taken: _Taken, clock: Clock) -> None:
    """The database as it was at one moment, with the anchor of its last record."""
    own = sqlite_file(database_of(folder, read_note(folder)))
    keys = work / "keys"
    if folder.keys.is_dir():
        shutil.copytree(folder.keys, keys, ignore=shutil.ignore_patterns(".*"))
    if own is None:
        taken.warnings.append("the database is on a server and not in this archive: back it up there, at this moment")
    else:
        copy = work / "sereno.db"
        try:
            copy_database(own, copy)
        except sqlite3.Error as error:
            raise OperationError(f"database {own}: {error}") from error
        if Store.glance(copy, present_schema)[1] == SCHEMA:
            _anchor(copy, keys, taken, clock)
        else:
            taken.warnings.append("the database is of an older version; a start or a restore brings it up to date")
        archive.add("data/sereno.db", copy)
        taken.database = "data/sereno.db"
    for name, path in (("keys", keys), ("tls", folder.tls)):
        for one in sorted(path.glob("*")) if path.is_dir() else []:
            archive.add(f"data/{name}/{one.name}", one)


def _reports(folder: DataFolder, work: Path, archive: ArchiveWriter) -> None:
    """Reports with what is known of each; one that is deleted meanwhile is left out."""
    for path in sorted(folder.reports.glob("*/[!.]*")):
        copy = work / "report"
        try:
            shutil.copyfile(path, copy)
        except FileNotFoundError:
            continue
        archive.add(f"data/reports/{path.parent.name}/{path.name}", copy)


def _taken_elsewhere(folder: DataFolder, file: Path, taken: _Taken) -> set[Path]:
    """What is not looked at again as a file of a device."""
    own = sqlite_file(database_of(folder, read_note(folder)))
    return {*taken.plant_files, file.absolute(), *([own.absolute()] if own else [])} - {folder.path.absolute()}


def _anchor(copy: Path, keys: Path, taken: _Taken, clock: Clock) -> None:
    """Move the copied anchor, which is older than the copied database, on to its last record, if all fits."""
    store = Store.open(copy, keys=keys, clock=clock, look=True)
    try:
        findings = store.run_now(lambda c: audit_start.catch_up(c, store.chain))
        taken.records = store.chain.reached.seq
        taken.installation = store.run_now(lambda c: settings.setting(c, "installation")) or ""
    finally:
        store.dispose()
    with closing(sqlite3.connect(copy)) as again:
        again.execute("PRAGMA journal_mode = DELETE")
    taken.warnings += [f"the audit is not whole: {finding}" for finding in findings]


def _history(folder: DataFolder, archive: ArchiveWriter) -> None:
    for part in parts(folder.history):
        try:
            archive.add(f"data/history/{part.name}", part.path, part.size)
        except FileNotFoundError:
            _log.info("a segment was deleted by its limits before it was copied", segment=part.name)


def _manifest(archive: ArchiveWriter, taken: _Taken, clock: Clock) -> Manifest:
    return Manifest(
        sereno=version("sereno"),
        installation=taken.installation,
        t=clock.wall_ns(),
        plant=taken.plant,
        database=taken.database,
        records=taken.records,
        warnings=taken.warnings,
        members=archive.members,
        left_out=taken.left_out,
    )


def _on_record(folder: DataFolder, file: Path, manifest: Manifest, clock: Clock) -> None:
    new = {"file": str(file.absolute()), "members": len(manifest.members), "bytes": manifest.bytes}
    entry = AuditEntry(
        t=clock.wall_ns(), actor="console", origin=at_console(), action="backup", target="installation", new=new
    )
    try:
        store = open_existing(folder)
        try:
            store.run_now(lambda c: add_entry(c, entry))
        finally:
            store.dispose()
    except StoreError as error:
        _log.error("the backup is made, and not on record", error=str(error))
