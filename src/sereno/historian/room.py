"""What of the disk the history leaves to others: audit and alarms are kept when samples no longer can be."""

from __future__ import annotations

import errno
from enum import StrEnum
from pathlib import Path

from .disk import Disk


class WhenFull(StrEnum):
    """What to do when the disk is full: record no more until there is room, or delete the oldest history."""

    STOP = "stop"
    DROP_OLDEST = "drop_oldest"


class Room:
    """`keep_free` bytes of the disk of `folder` are not for history; 0 = it may use all."""

    def __init__(self, disk: Disk, folder: Path, keep_free: int, when_full: WhenFull) -> None:
        self.when_full = when_full
        self.keep_free = keep_free
        self._disk, self._folder = disk, folder

    def check(self, size: int = 0) -> None:
        """Raise OSError (ENOSPC) where writing `size` bytes would take of what is kept free."""
        if self.keep_free:
            free = self._disk.free(self._folder)
            if free < self.keep_free + size:
                mib, kept = free >> 20, self.keep_free >> 20
                what = f"the disk is full: {mib} MiB are free, {kept} MiB are kept for audit and alarms"
                raise OSError(errno.ENOSPC, what, str(self._folder))

    def lacks(self, error: OSError) -> bool:
        """True if this error says that the disk is full."""
        return error.errno in (errno.ENOSPC, errno.EDQUOT)

    def drops(self, error: OSError) -> bool:
        """True if old history is to be deleted because of this error."""
        return self.when_full is WhenFull.DROP_OLDEST and self.lacks(error)
