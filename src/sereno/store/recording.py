"""Whether what is done can be kept on record at this moment, and what was done about a full disk."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError

from .errors import StoreError
from .reserve import Reserve


class Recording:
    """Figures and state of the store's writing. Written by the store's thread, read by any.

    `full`: the disk was full and the reserve is being used up; commands are refused until it is whole again.
    """

    def __init__(self, reserve: Reserve | None = None) -> None:
        self.reserve = reserve
        self.full = False
        self.error = ""
        self.failures = 0
        self.faults: list[str] = []

    @property
    def problem(self) -> str:
        """Why nothing can be kept on record, or only from the reserve; empty if all is well."""
        if self.full:
            left = 0 if self.reserve is None else self.reserve.bytes >> 10
            return f"the disk is full; {left} KiB are left for records of what is refused: make room"
        return self.error

    def failed(self, error: Exception) -> None:
        """A transaction did not come through. What is wrong with the work itself says nothing about the disk."""
        if isinstance(error, StoreError | OSError | OperationalError | InternalError | InterfaceError):
            self.failures += 1
            self.error = str(error.orig) if isinstance(error, DBAPIError) else str(error)

    def succeeded(self) -> None:
        """A record was written."""
        self.error = ""

    def make_room(self, error: Exception) -> bool:
        """Give up a piece of the reserve if the disk is full; True if it is worth trying again."""
        if not isinstance(error, DBAPIError) or self.reserve is None or not self._is_full(error):
            return False
        self.full = True
        return self.reserve.release()

    def tend(self) -> bool:
        """Make the reserve (again) where there is room; True if it is whole. Blocks."""
        if self.reserve is None:
            return True
        try:
            whole = self.reserve.fill()
        except OSError:
            whole = False
        if whole:
            self.full = False
        return whole

    def _is_full(self, error: DBAPIError) -> bool:
        told = getattr(error.orig, "sqlite_errorname", "")
        if told.startswith("SQLITE_IOERR"):  # what a full disk is called while the log or its index grows
            return self.reserve is not None and self.reserve.scarce
        return told == "SQLITE_FULL"
