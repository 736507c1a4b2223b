"""Memory: where the memorised values of devices outlive a restart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Memory(Protocol):
    """Values by device path and tag name, built of what JSON has."""

    async def recall(self, device: str) -> Mapping[str, Any]:
        """What was kept of a device. Raises SerenoError or OSError when that cannot be told."""

    def keep(self, device: str, name: str, value: Any) -> None:
        """Keep a value, soon. Called in the loop; must not block."""


class NoMemory:
    """Nothing outlives a restart."""

    async def recall(self, device: str) -> Mapping[str, Any]:
        """See Memory."""
        del device
        return {}

    def keep(self, device: str, name: str, value: Any) -> None:
        """See Memory."""
