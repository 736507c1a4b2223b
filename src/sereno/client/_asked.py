"""Who asks: for handlers of commands that must know, such as those that a stop is on record of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count

ASKED_BY: ContextVar[str] = ContextVar("asked_by", default="")
"""The actor of the command that is executed, while a CommandHandler is called for it; empty outside of that."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked for a command, as the node knows it. `person` answers for the actor: the owner of a token, else itself.

    `kind` and `roles` as those of an actor; of a token only roles that its owner has too.
    """

    name: str = ""
    person: str = ""
    kind: str = ""
    roles: tuple[str, ...] = ()


ASKER: ContextVar[Asker] = ContextVar("asker", default=Asker())  # noqa: B039 - it cannot be changed
"""As ASKED_BY, with all that is known of them, also in an agent's own process."""


def _nothing() -> None:
    """For commands that nobody checks."""


async def _granted() -> None:
    """For commands that nobody needs to be asked about."""


_numbers = count(1)


def number_in_order() -> int:
    """Higher than any before: tells which of two commands came first."""
    return next(_numbers)


ACCEPTED: ContextVar[int] = ContextVar("accepted", default=0)
"""The `number_in_order` of the command that is executed, from when it was accepted; 0 where nobody numbers them."""
BEFORE_IT_BEGINS: ContextVar[Callable[[], None]] = ContextVar("before_it_begins", default=_nothing)
"""To be called by a CommandHandler in the loop when a command has waited for all it waits for, right before it begins.

Raises RefusedError where what was checked before is so no longer: then nothing may be sent.
"""
LET_IT_BEGIN: ContextVar[Callable[[], Awaitable[None]]] = ContextVar("let_it_begin", default=_granted)
"""To be awaited right before BEFORE_IT_BEGINS is called, where a device's code begins with a command.

In an agent's own process it asks the node. Raises RefusedError where the command may not begin.
"""
