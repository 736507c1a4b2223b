"""The one error of the codecs."""

from __future__ import annotations

from sereno.model import OperationError


class WireError(OperationError):
    """Bytes that are not what this version writes, or a value that cannot be written: what was found and expected."""
