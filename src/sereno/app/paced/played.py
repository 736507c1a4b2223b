"""What a data folder remembers of plays in it: time must never go back there."""

from __future__ import annotations

import msgspec

from sereno.app.datafolder import DataFolder
from sereno.app.platform import write_private
from sereno.model import OperationError


class _Note(msgspec.Struct, frozen=True):
    until: int


def played_until(folder: DataFolder) -> int:
    """When the last play in this folder ends or was left (ns UTC), 0 in a new one.

    Raises OperationError for a folder in which a plant ran in real time.
    """
    try:
        return msgspec.json.decode(folder.played.read_bytes(), type=_Note).until
    except FileNotFoundError:
        if folder.note.exists():
            raise OperationError(
                f"{folder.path} belongs to a plant that ran in real time, and what is played lies ahead of that; "
                "give another --data"
            ) from None
        return 0
    except (msgspec.DecodeError, OSError) as error:
        raise OperationError(f"{folder.played}: {error}; give another --data") from error


def note_played(folder: DataFolder, until: int) -> None:
    """The next play in this folder begins later than this."""
    write_private(folder.played, msgspec.json.encode(_Note(until)).decode())
