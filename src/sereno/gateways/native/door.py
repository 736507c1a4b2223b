"""Who comes in: from a token to an Actor, and news that rights may have changed."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import structlog

from sereno.access.actor import Actor
from sereno.model import Clock, SerenoError

if TYPE_CHECKING:  # a device server has no accounts, and no database to load
    from sereno.access.accounts import Accounts

_log = structlog.get_logger(__name__)
ELSEWHERE = 0.5
"""Seconds between looks for changes that another process made."""
RECHECK = 30.0
"""Seconds after which tokens are looked at again although nothing changed: they run out by themselves."""


class Door(Protocol):
    """Decides who a token stands for."""

    async def actor(self, token: str, origin: str) -> Actor | None:
        """Who that is at this moment; None if nobody."""

    async def changed(self) -> None:
        """Returns when rights may have changed; call it again for the next time."""

    async def refused(self, actor: str, what: str, target: str, origin: str, why: str) -> None:
        """Put a refusal on record. Never raises."""


class AccountsDoor:
    """The tokens of a node's accounts: the same, with the same rights, as over HTTP."""

    def __init__(self, accounts: Accounts, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._seen = ""

    async def actor(self, token: str, origin: str) -> Actor | None:
        """See Door."""
        return await self._accounts.tokens.actor(token, origin)

    async def changed(self) -> None:
        """See Door."""
        here = asyncio.Event()
        unsubscribe = self._accounts.changes.subscribe(here.set)
        until = self._clock.monotonic() + RECHECK
        try:
            while not here.is_set() and self._clock.monotonic() < until:
                await self._clock.sleep(ELSEWHERE)
                if await self._changed_elsewhere():
                    return
        finally:
            unsubscribe()

    async def refused(self, actor: str, what: str, target: str, origin: str, why: str) -> None:
        """See Door."""
        await self._accounts.refusals.tell(actor, what, target, origin, why, kind=f"native {what}")

    async def _changed_elsewhere(self) -> bool:
        try:
            present = await self._accounts.generation()
        except SerenoError as error:
            _log.error("changes of rights could not be seen", error=str(error))
            return False
        before, self._seen = self._seen, present
        return before not in {"", present}


class TokenDoor:
    """A fixed list of tokens and whom they stand for: a device server without accounts, and tests."""

    def __init__(self, tokens: Mapping[str, Actor]) -> None:
        self._tokens = dict(tokens)

    async def actor(self, token: str, origin: str) -> Actor | None:
        """See Door."""
        found = None
        for known, actor in self._tokens.items():
            if hmac.compare_digest(known.encode(), token.encode("utf-8", "surrogatepass")):
                found = Actor(actor.name, actor.roles, actor.kind, origin, actor.bound)
        return found

    async def changed(self) -> None:
        """See Door: never."""
        await asyncio.get_running_loop().create_future()

    async def refused(self, actor: str, what: str, target: str, origin: str, why: str) -> None:
        """See Door: in the log."""
        _log.warning("refused", actor=actor, what=what, target=target, origin=origin, why=why)
