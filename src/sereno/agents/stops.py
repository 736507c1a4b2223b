"""Agents that a person has stopped, remembered over restarts of the node."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol


class Stops(Protocol):
    """Where it is kept: the device of each stopped agent, with by whom and when in words."""

    async def load(self) -> dict[str, str]:
        """As kept last; empty where nothing was. Raises StoreError."""

    async def keep(self, stops: Mapping[str, str]) -> None:
        """Return when it is on the disk; it replaces what was. Raises StoreError."""


class NoStops:
    """Stops of a supervisor that remembers nothing."""

    async def load(self) -> dict[str, str]:
        """None."""
        return {}

    async def keep(self, stops: Mapping[str, str]) -> None:
        """Forget it."""


def stopped_words(who: str, t_ns: int) -> str:
    """By whom and when (ns UTC)."""
    moment = datetime.fromtimestamp(t_ns // 10**9, UTC)
    return f"stopped by {who or 'command'} at {moment:%Y-%m-%dT%H:%M:%S}Z"
