"""Live values for people, at their own rhythm: intervals of subscriptions are seconds of their clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from sereno.access.actor import Actor
from sereno.client import PlannedPort, Reading, ReadPlan, Subscription, Update
from sereno.hub.hub import Hub
from sereno.model import Clock, TagSpec


def live_at(hub: Hub, clock: Clock) -> PlannedPort:
    """The hub; with intervals by `clock` where that is not the hub's own."""
    return hub if clock is hub.clock else _LiveAt(hub, clock)


class _LiveAt:
    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock

    async def tags(self, globs: Sequence[str], actor: Actor) -> list[TagSpec]:
        """See LivePort."""
        return await self._hub.tags(globs, actor)

    async def read(self, globs: Sequence[str], actor: Actor) -> list[Reading]:
        """See LivePort."""
        return await self._hub.read(globs, actor)

    async def subscribe(
        self, globs: Sequence[str], actor: Actor, *, min_interval: float = 0.0, lossless: bool = False
    ) -> Subscription:
        """See LivePort."""
        found = await self._hub.subscribe(globs, actor, lossless=lossless)
        return _SubscriptionAt(found, self._clock, min_interval)

    def plan(self, globs: Sequence[str], actor: Actor) -> ReadPlan:
        """See PlannedPort."""
        return self._hub.plan(globs, actor)

    def watch_tags(self, callback: Callable[[], None]) -> Callable[[], None]:
        """See PlannedPort."""
        return self._hub.watch_tags(callback)

    def watch_ready(self, callback: Callable[[str, int], None]) -> Callable[[], None]:
        """See PlannedPort."""
        return self._hub.watch_ready(callback)


class _SubscriptionAt:
    """A subscription that is asked for its next update when the interval is over; meanwhile it merges or queues."""

    def __init__(self, inner: Subscription, clock: Clock, interval: float) -> None:
        self._inner = inner
        self._updates = aiter(inner)
        self._clock = clock
        self._interval = interval
        self._due = float("-inf")

    @property
    def tags(self) -> tuple[TagSpec, ...]:
        """See Subscription."""
        return self._inner.tags

    def __aiter__(self) -> AsyncIterator[Update]:
        return self

    async def __anext__(self) -> Update:
        wait = self._due - self._clock.monotonic()
        if self._interval and wait > 0:
            await self._clock.sleep(wait)
        update = await anext(self._updates)
        self._due = self._clock.monotonic() + self._interval
        return update

    async def close(self) -> None:
        """See Subscription."""
        await self._inner.close()

    def statistics(self) -> dict[str, int]:
        """See Subscription."""
        return self._inner.statistics()
