"""The outbox: deliveries by way, one at a time each, tried again, kept before and after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Protocol

import structlog

from sereno.model import Clock, OperationError, SerenoError
from sereno.store.errors import StoreError
from sereno.store.notices import FAILED, SENT, Delivery

from .way import TIMEOUT, Message, Way

AGAIN = (10.0, 60.0, 300.0, 900.0)
"""Seconds after a failed attempt; after the last one the delivery has failed."""
MOST = 1000
"""Deliveries that may wait for one way."""
log = structlog.get_logger(__name__)


class Kept(Protocol):
    """Where deliveries are kept. Raises StoreError."""

    async def save(self, delivery: Delivery) -> None:
        """How it stands now."""


class Outbox:
    """Sends what `put` gives it. `ended` is called for each delivery that has ended, well or not.

    `compose` makes the message when it is sent: what is true then, and a link that is good from then on.
    """

    def __init__(
        self,
        ways: Mapping[str, Way],
        kept: Kept,
        clock: Clock,
        compose: Callable[[Delivery], Awaitable[Message]],
        ended: Callable[[Delivery], None],
    ) -> None:
        self._ways = ways
        self._kept = kept
        self._clock = clock
        self._compose = compose
        self._ended = ended
        self._waiting: dict[str, list[Delivery]] = {name: [] for name in ways}
        self._wake = {name: asyncio.Event() for name in ways}
        self.problems: dict[str, str] = dict.fromkeys(ways, "")
        self.sent: dict[str, int] = dict.fromkeys(ways, 0)
        self.failed: dict[str, int] = dict.fromkeys(ways, 0)

    def put(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        """Send these, when they are due. Those of a way that is gone, or beyond MOST, have failed and are returned."""
        refused = []
        for delivery in deliveries:
            waiting = self._waiting.get(delivery.way)
            if delivery.state != FAILED and waiting is not None and len(waiting) < MOST:
                waiting.append(delivery)
                self._wake[delivery.way].set()
                continue
            found = "too many wait" if waiting is not None else f"there is no way {delivery.way!r}"
            delivery.outcome = delivery.outcome or found
            delivery.state, delivery.done = FAILED, self._clock.wall_ns()
            refused.append(delivery)
            self._ended(delivery)
        return refused

    def statistics(self) -> dict[str, int]:
        """Counters since the start, over all ways."""
        return {
            "sent": sum(self.sent.values()),
            "failed_attempts": sum(self.failed.values()),
            "waiting": sum(map(len, self._waiting.values())),
            "ways_failing": sum(map(bool, self.problems.values())),
        }

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for name in self._ways:
                tasks.create_task(self._work(name), name=f"notices by {name}")

    async def attempt(self, name: str, message: Message) -> str:
        """Send one message now; what became of it. Raises OperationError."""
        try:
            async with self._clock.timeout(TIMEOUT):
                said = await self._ways[name].send(message)
        except Exception as error:
            expected = isinstance(error, SerenoError | OSError | TimeoutError)
            if not expected:
                log.exception("a way of telling failed", task=f"notices by {name}")
            words = str(error) or (f"no answer within {TIMEOUT:g} s" if expected else type(error).__name__)
            self.failed[name] += 1
            self._tell(name, words)
            raise OperationError(words) from error
        self.sent[name] += 1
        self._tell(name, "")
        return said

    async def _work(self, name: str) -> None:
        waiting, wake = self._waiting[name], self._wake[name]
        while True:
            wake.clear()
            delivery = min(waiting, key=lambda one: (one.due, one.id), default=None)
            pause = 3600.0 if delivery is None else self._pause(delivery)
            if delivery is None or pause > 0:
                with suppress(TimeoutError):
                    async with self._clock.timeout(min(pause, 30.0) if delivery else pause):
                        await wake.wait()
                continue
            await self._send(delivery)
            if delivery.done:
                waiting.remove(delivery)
                self._ended(delivery)

    def _pause(self, delivery: Delivery) -> float:
        """Seconds until it is due; no more than there ever are between two attempts, if the clock was set back."""
        longest = AGAIN[min(delivery.attempts, len(AGAIN)) - 1] if delivery.attempts else 0.0
        now = self._clock.wall_ns()
        delivery.due = min(delivery.due, now + round(longest * 1e9))
        return (delivery.due - now) / 1e9

    async def _send(self, delivery: Delivery) -> None:
        delivery.attempts += 1
        await self._save(delivery)
        try:
            delivery.outcome = await self.attempt(delivery.way, await self._compose(delivery))
        except OperationError as error:
            delivery.outcome = str(error)
            self._after_failure(delivery)
        else:
            delivery.state, delivery.done = SENT, self._clock.wall_ns()
        await self._save(delivery)

    def _after_failure(self, delivery: Delivery) -> None:
        now = self._clock.wall_ns()
        if delivery.attempts > len(AGAIN):
            delivery.state, delivery.done = FAILED, now
        else:
            delivery.due = now + round(AGAIN[delivery.attempts - 1] * 1e9)

    async def _save(self, delivery: Delivery) -> None:
        """A notice goes out also while nothing can be kept: a full disk is what people should hear of."""
        if delivery.id:
            try:
                await self._kept.save(delivery)
            except StoreError as error:
                log.error("a notice cannot be kept", reason=str(error))

    def _tell(self, name: str, problem: str) -> None:
        if bool(problem) is not bool(self.problems[name]):
            if problem:
                log.error("a way of telling fails", way=name, reason=problem)
            else:
                log.info("a way of telling works again", way=name)
        self.problems[name] = problem
