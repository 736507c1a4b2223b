"""How long sessions last: plain values, as a plant file says them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce


@dataclass(frozen=True, slots=True)
class RoleLimits:
    """Seconds: a session ends `idle` after its last request and `absolute` after sign-in."""

    idle: float
    absolute: float

    def within(self, other: RoleLimits) -> RoleLimits:
        """The shorter of each."""
        return RoleLimits(min(self.idle, other.idle), min(self.absolute, other.absolute))


POWERFUL = RoleLimits(idle=2 * 3600.0, absolute=12 * 3600.0)
"""For engineers and administrators, where nothing else or less is said."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """As RoleLimits, `roles` have their own; of several roles the shortest counts. Links live `ticket` seconds."""

    idle: float = 8 * 3600.0
    absolute: float = 24 * 3600.0
    ticket: float = 300.0
    roles: Mapping[str, RoleLimits] = field(default_factory=dict)

    def of(self, roles: Iterable[str]) -> RoleLimits:
        """What counts for somebody with these roles."""
        house = RoleLimits(self.idle, self.absolute)
        known = {"engineer": POWERFUL.within(house), "admin": POWERFUL.within(house), **self.roles}
        first, *more = [known.get(role, house) for role in roles] or [house]
        return reduce(RoleLimits.within, more, first)

    @property
    def longest_idle(self) -> float:
        """After which no session can still hold."""
        return max([self.idle, *(one.idle for one in self.roles.values())])
