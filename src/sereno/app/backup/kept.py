"""What devices and applications keep in a data folder beside the node's own files: their databases, and the rest."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sereno.app.datafolder import DataFolder

from .archive import ArchiveWriter, LeftOut

_HEADER = b"SQLite format 3\0"
_ENDINGS = frozenset((".db", ".sqlite", ".sqlite3"))
_BESIDE = ("-wal", "-shm", "-journal")
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that is not the node's own. `entry` is the name by which it is asked for: what lies in the folder itself.

    `always`: a database or memorised values, which a backup takes unasked.
    """

    path: Path
    entry: str
    database: bool
    always: bool


def kept_files(folder: DataFolder, but: Collection[Path] = ()) -> Iterator[KeptFile]:
    """By name; those of agents with a process and so a folder of their own too.

    Hidden files and links are passed over, and what is in `but`: files and folders, absolute.
    """
    apart = sorted(path for path in folder.agents.glob("[!.]*") if path.is_dir())
    for root in (folder, *map(DataFolder, apart)):
        for top in sorted(root.path.glob("[!.]*")):
            if not root.is_own(top.name):
                entry = top.relative_to(folder.path).as_posix()
                yield from (_kept(path, entry, root) for path in _files(top, {path.absolute() for path in but}))


def add_kept(
    folder: DataFolder, archive: ArchiveWriter, asked: Collection[str], work: Path, but: Collection[Path] = ()
) -> tuple[list[LeftOut], list[str]]:
    """Databases, each as it was at one moment, memorised values, and the entries that are `asked` for.

    Returns what was left out, by entry, and warnings. Raises OperationError, OSError.
    """
    files, bytes_ = defaultdict[str, int](int), defaultdict[str, int](int)
    found: set[str] = set()
    warnings: list[str] = []
    for kept in kept_files(folder, but):
        names = {kept.entry, kept.entry.rpartition("/")[2]}
        found |= names
        try:
            if kept.always or names & set(asked):
                _add(kept, folder, archive, work)
                continue
            bytes_[kept.entry] += kept.path.stat().st_size
            files[kept.entry] += 1
        except FileNotFoundError:
            continue  # it was deleted meanwhile
        except sqlite3.Error as error:
            warnings.append(f"{kept.path} is not in the archive, as it cannot be copied: {error}")
    warnings += [
        f"devices keep nothing that is called {name!r} in {folder.path}" for name in asked if name not in found
    ]
    return [LeftOut(entry, files[entry], bytes_[entry]) for entry in sorted(files)], warnings


def copy_database(source: Path, target: Path, patience: float = _PATIENCE) -> None:
    """SQLite's online backup, in one read transaction: writers go on, and the copy is of one moment.

    Raises sqlite3.Error, also when `source` is locked for `patience` seconds, and FileNotFoundError.
    """
    if not source.exists():
        raise FileNotFoundError(source)
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    where = f"{source.absolute().as_uri()}?mode=rw"  # never makes a file that went away just now
    with closing(sqlite3.connect(where, timeout=patience, uri=True)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy, progress=_not_for_ever)
        copy.execute("PRAGMA journal_mode = DELETE")


def _not_for_ever(status: int, _left: int, _total: int) -> None:
    """Python's backup tries a locked database again without end; SQLite has waited already."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("it is locked by another program")


def _files(top: Path, but: Collection[Path]) -> Iterator[Path]:
    if top.is_symlink() or top.absolute() in but or top.name == "__pycache__":
        return
    if top.is_file():
        if not _beside_a_database(top):
            yield top
    elif top.is_dir():
        for path in sorted(top.glob("[!.]*")):
            yield from _files(path, but)


def _kept(path: Path, entry: str, root: DataFolder) -> KeptFile:
    database = _is_database(path)
    return KeptFile(path, entry, database, always=database or path == root.memorised)


def _is_database(path: Path) -> bool:
    if path.suffix not in _ENDINGS:
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_HEADER)) == _HEADER
    except OSError:
        return False


def _beside_a_database(path: Path) -> bool:
    return any(path.name.endswith(end) and _is_database(path.with_name(path.name[: -len(end)])) for end in _BESIDE)


def _add(kept: KeptFile, folder: DataFolder, archive: ArchiveWriter, work: Path) -> None:
    name = f"data/{kept.path.relative_to(folder.path).as_posix()}"
    if kept.database:
        copy = work / "kept.db"
        copy_database(kept.path, copy)
        archive.add(name, copy)
    else:
        archive.add(name, kept.path)
