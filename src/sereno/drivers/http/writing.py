"""Telling every member of a fleet something, once each: what became of it is known for every single one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from sereno.model import Clock, DeliveryError, NoAnswerError, NotConnectedError, RefusedError

from .tags import HttpTagConfig

OK = "ok"
TAKEN = range(200, 300)
UNKNOWN = (504,)
"""Statuses of a member that does not know itself what became of it."""
NAMED = 5
_MOST = 4096


class Teller(Protocol):
    """Sends one request and gives the status. Raises NotConnectedError if nothing was sent, NoAnswerError."""

    async def tell(self, method: str, url: str, body: bytes, most: int) -> int:
        """Never repeated."""


@dataclass(frozen=True, slots=True)
class Order:
    """One request to a member, below its address."""

    method: str
    path: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it at one member. `sent`: something may have reached it; `known`: and it is known what."""

    words: str
    sent: bool = True
    known: bool = True

    @property
    def ok(self) -> bool:
        """It took all of it."""
        return self.words == OK


def orders_of(config: HttpTagConfig, value: Any) -> list[Order]:
    """The requests that set a tag to a value: one, or one for each element where the path has an {i}."""
    if "{i}" in config.write:
        return [_order(config, config.write.replace("{i}", str(i)), one) for i, one in enumerate(value)]
    return [_order(config, config.write, value)]


def _order(config: HttpTagConfig, path: str, value: Any) -> Order:
    plain = _plain(value)
    if "{value}" in path:
        return Order(config.method, path.replace("{value}", str(plain)))
    return Order(config.method, path, msgspec.json.encode({config.field: plain} if config.field else plain))


def _plain(value: Any) -> Any:
    """Whole numbers without a fraction, as members count in them."""
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


class Telling:
    """Tells all members at once, at most `at_once` at a time, each its orders one after another up to the first fault.

    `until` is the monotonic time after which nothing more is sent; `check` is called for each member when its turn has
    come, and what it raises keeps it from being told.
    """

    def __init__(
        self,
        teller: Teller,
        clock: Clock,
        *,
        timeout: float,
        at_once: int,
        until: float | None,
        check: Callable[[], None],
    ) -> None:
        self._teller = teller
        self._clock = clock
        self._timeout = timeout
        self._until = until
        self._check = check
        self._room = asyncio.Semaphore(at_once)

    async def all(self, members: Mapping[str, str], orders: Sequence[Order]) -> dict[str, Outcome]:
        """By member: what became of it. Never raises for a member."""
        found = await asyncio.gather(*(self._one(base, orders) for base in members.values()))
        return dict(zip(members, found, strict=True))

    async def _one(self, base: str, orders: Sequence[Order]) -> Outcome:
        async with self._room:
            try:
                self._check()
            except RefusedError as error:
                return Outcome(str(error), sent=False)
            for number, order in enumerate(orders):
                outcome = await self._order(base, order)
                if not outcome.ok:
                    before = f"{number} of {len(orders)} parts were taken, then: " if number else ""
                    return Outcome(f"{before}{outcome.words}", outcome.sent or number > 0, outcome.known)
        return Outcome(OK)

    async def _order(self, base: str, order: Order) -> Outcome:
        if self._until is not None and self._clock.monotonic() >= self._until:
            return Outcome("its time was over before it was sent", sent=False)
        try:
            async with self._clock.timeout(self._timeout):
                status = await self._teller.tell(order.method, f"{base}{order.path}", order.body, _MOST)
        except TimeoutError:
            return Outcome(f"no answer within {self._timeout:g} s", known=False)
        except NotConnectedError as error:
            return Outcome(str(error), sent=False)
        except DeliveryError as error:
            return Outcome(str(error), known=False)
        if status in TAKEN:
            return Outcome(OK)
        return Outcome(f"status {status}", known=status not in UNKNOWN)


def judge(outcomes: Mapping[str, Outcome]) -> None:
    """Returns if every member took it. Raises NotConnectedError, NoAnswerError, RefusedError, naming who did not."""
    failed = {name: outcome for name, outcome in outcomes.items() if not outcome.ok}
    if not failed:
        return
    words = f"{len(outcomes) - len(failed)} of {len(outcomes)} took it; {_words(failed)}"
    if any(not outcome.known for outcome in failed.values()):
        raise NoAnswerError(words)
    if not any(outcome.sent for outcome in outcomes.values()):
        raise NotConnectedError(words)
    raise RefusedError(words)


def _words(failed: Mapping[str, Outcome]) -> str:
    named = [f"{name} ({outcome.words})" for name, outcome in list(failed.items())[:NAMED]]
    more = len(failed) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
