"""Locks as a port: a device whose commands one actor keeps for itself for a while."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from sereno.access.actor import Actor
from sereno.model import RefusedError

GUARD = "guard/"
"""What actors of guards begin with: a lock is a courtesy among people and programs, and does not stop them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """`device` and all below it take commands of `actor` alone. Times ns UTC; `expires` 0 = with its connection.

    `holder` names the connection that it ends with at the latest.
    """

    device: str
    actor: str
    since: int
    expires: int = 0
    holder: str = ""

    def covers(self, device: str) -> bool:
        """True if `device` is the locked one or below it."""
        return device == self.device or device.startswith(f"{self.device}/")

    def admits(self, actor: str) -> bool:
        """True if the actor's commands pass."""
        return actor == self.actor or actor.startswith(GUARD)


class LockPort(Protocol):
    """Locks. All raise NotFoundError, DeniedError, RefusedError; every act is on record."""

    async def lock(self, device: str, actor: Actor, *, seconds: float = 0.0, holder: str = "") -> Lock:
        """Keep a device for the actor for so many seconds (0 = until it is given back or `holder` is gone).

        Needs a right to command it. Refused if somebody else has it; one's own lock is renewed.
        """

    async def unlock(self, device: str, actor: Actor, *, force: bool = False) -> Lock:
        """Give a device back; with `force` somebody else's, which needs the right `configure` on it."""

    async def locks(self, actor: Actor) -> list[Lock]:
        """Those of devices that the actor may read, by path."""

    def gone(self, holder: str) -> None:
        """A connection has ended, and its locks with it."""


class NoLocks:
    """A LockPort of what has no locks."""

    async def lock(self, device: str, actor: Actor, *, seconds: float = 0.0, holder: str = "") -> Lock:
        """Raises RefusedError."""
        del actor, seconds, holder
        raise RefusedError(f"{device}: there are no locks here; they need the native protocol (tcp://...)")

    async def unlock(self, device: str, actor: Actor, *, force: bool = False) -> Lock:
        """Raises RefusedError."""
        del force
        return await self.lock(device, actor)

    async def locks(self, actor: Actor) -> list[Lock]:
        """None."""
        del actor
        return []

    def gone(self, holder: str) -> None:
        """Nothing."""


def lock_json(lock: Lock) -> dict[str, Any]:
    """A lock as JSON; times in ns UTC."""
    return asdict(lock)
