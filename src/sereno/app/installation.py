"""Which plant file and which database belong to a data folder: noted there at each start, for the console."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sereno.model import Clock, NotFoundError, OperationError

from .datafolder import DataFolder
from .platform import write_private

if TYPE_CHECKING:
    from sereno.store.engine import Store

    from .plant.load import Plant

ENVIRONMENT = "SERENO_DATABASE"
_FILE, _VARIABLE = "file", "environment"


class Note(msgspec.Struct, frozen=True):
    """What a start noted: the plant file, and where the database is.

    `database` is "file" (in the data folder), "environment" (SERENO_DATABASE), or the path of a file with its URL.
    """

    plant: str
    database: str = _FILE


def take_note(folder: DataFolder, plant: Plant) -> Note:
    """Note in the data folder what this start was given."""
    url_file = plant.database.url_file
    database = _VARIABLE if os.environ.get(ENVIRONMENT) else _FILE
    if database == _FILE and url_file is not None:
        database = str((plant.path.absolute().parent / url_file).resolve())
    note = Note(str(plant.path.absolute()), database)
    write_private(folder.note, msgspec.json.encode(note).decode())
    return note


def read_note(folder: DataFolder) -> Note:
    """What the last start noted; a database file in the folder where none did. Raises OperationError if damaged."""
    try:
        return msgspec.json.decode(folder.note.read_bytes(), type=Note)
    except FileNotFoundError:
        return Note("")
    except (msgspec.DecodeError, OSError) as error:
        raise OperationError(f"{folder.note}: {error}; start the node once to write it again") from error


def database_of(folder: DataFolder, note: Note) -> str | Path:
    """The database: a file, or a URL. SERENO_DATABASE goes before what was noted. Raises OperationError."""
    url = os.environ.get(ENVIRONMENT)
    if url:
        return url
    if note.database == _FILE:
        return folder.database
    if note.database == _VARIABLE:
        raise OperationError(f"the database of {folder.path} is named by {ENVIRONMENT}, which is not set here")
    try:
        return Path(note.database).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"the URL of the database cannot be read from {note.database}: {error}") from error


def open_store(folder: DataFolder, note: Note, clock: Clock | None = None) -> Store:
    """The installation's database, made or brought up to date, with its keys and its reserve. Raises OperationError."""
    from sereno.store.engine import Store
    from sereno.store.reserve import Reserve

    return Store.open(database_of(folder, note), keys=folder.keys, reserve=Reserve(folder.reserve), clock=clock)


def open_existing(folder: DataFolder, *, look: bool = False) -> Store:
    """As it was left by a node, for a command at the console; `look`: nothing is changed.

    Raises NotFoundError if there is no installation, OperationError.
    """
    from sereno.store.connect import sqlite_file
    from sereno.store.engine import Store

    where = database_of(folder, read_note(folder))
    file = sqlite_file(where)
    if file is not None and not file.exists():
        raise NotFoundError(
            f"no installation in {folder.path} (no {file.name}); give --data, or run a plant there first"
        )
    return Store.open(where, keys=folder.keys, look=look)


def at_console() -> str:
    """Who sits at this machine's console, as the system knows them: "anna on pumphouse"."""
    try:
        return f"{getpass.getuser()} on {socket.gethostname()}"
    except (OSError, KeyError, ImportError):
        return f"somebody on {socket.gethostname()}"
