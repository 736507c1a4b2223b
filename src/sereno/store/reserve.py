"""Space put by on the disk, in pieces: given up one by one so that a full disk can still be told about."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from .private_file import make_private_folder, write_durably


class Reserve:
    """A folder of `pieces` files of `size` bytes. They are deleted when the disk is full and made again later.

    `margin`: so many bytes more than the missing pieces must be free before they are made again.
    """

    def __init__(self, folder: Path, *, pieces: int = 32, size: int = 256 << 10, margin: int = 16 << 20) -> None:
        self.folder = folder
        self._paths = [folder / f"{number:02d}" for number in range(pieces)]
        self._size = size
        self._margin = margin

    @property
    def bytes(self) -> int:
        """What is put by."""
        return sum(self._size for path in self._paths if path.exists())

    @property
    def scarce(self) -> bool:
        """True if less is free than the missing pieces and the margin."""
        free = shutil.disk_usage(self.folder if self.folder.is_dir() else self.folder.parent).free
        return free < len(self._missing()) * self._size + self._margin

    def fill(self) -> bool:
        """Make what is missing, if there is room; True if nothing is missing then. Raises OSError."""
        missing = self._missing()
        if missing and self.scarce:
            return False
        make_private_folder(self.folder)
        for path in missing:
            write_durably(path, secrets.token_bytes(self._size))  # what can be compressed puts nothing by
        return True

    def release(self) -> bool:
        """Give up one piece; False if there is none left."""
        for path in self._paths:
            try:
                path.unlink()
            except OSError:
                continue
            return True
        return False

    def _missing(self) -> list[Path]:
        return [path for path in self._paths if not path.exists()]
