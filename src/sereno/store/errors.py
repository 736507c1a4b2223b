"""The one error of the database."""

from __future__ import annotations

from sereno.model import OperationError


class StoreError(OperationError):
    """The database could not do it (full disk, locked, damaged, wrong schema): nothing of the work is stored."""
