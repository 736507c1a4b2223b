"""Asking many at once: each answer has its own time, and a member that fails costs nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

from sereno.model import Clock, DeliveryError, NoAnswerError

from .protocol import AnswerError, parse_answer


class Getter(Protocol):
    """Gets the body of a URL, of status 200 and at most `most` bytes. Raises DeliveryError with the reason."""

    async def get(self, url: str, most: int) -> bytes:
        """The bytes."""

    async def close(self) -> None:
        """Hang up."""


async def ask(getter: Getter, clock: Clock, url: str, timeout: float, most: int) -> Any:
    """The JSON at a URL within its time. Raises DeliveryError, AnswerError."""
    try:
        async with clock.timeout(timeout):
            return parse_answer(await getter.get(url, most))
    except TimeoutError:
        raise NoAnswerError(f"no answer within {timeout:g} s") from None


class Sweep:
    """Asks every member for every path, at most `at_once` of them at a time. Never raises for a member."""

    def __init__(self, getter: Getter, clock: Clock, *, timeout: float, most: int, at_once: int) -> None:
        self._getter = getter
        self._clock = clock
        self._timeout = timeout
        self._most = most
        self._room = asyncio.Semaphore(at_once)

    async def answers(self, members: Iterable[tuple[str, str]], path: str) -> dict[str, Any]:
        """By member: what it answered, or the exception that says why it did not."""
        asked = [(name, f"{base}{path}") for name, base in members]
        found = await asyncio.gather(*(self._one(url) for _, url in asked))
        return {name: answer for (name, _), answer in zip(asked, found, strict=True)}

    async def _one(self, url: str) -> Any:
        async with self._room:
            try:
                return await ask(self._getter, self._clock, url, self._timeout, self._most)
            except (DeliveryError, AnswerError) as error:
                return error
