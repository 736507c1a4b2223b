"""The intent journal: what was commanded, kept before the first byte goes out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sereno.model import Ack, Act, Command, RefusedError, TagSpec

MAX_KEPT = 10_000


class IntentJournal(Protocol):
    """Audit and idempotency in one: commands with their acks, by key. Of one command one call at a time."""

    async def intend(
        self, command: Command, tag: TagSpec | None, old_value: Any, held: Sequence[Ack] = ()
    ) -> list[Ack] | None:
        """Keep the command durably and return None; if its key is known, return its acks so far and keep nothing.

        `tag` and `old_value` (None for a call) say what is about to change. `held` are the acks of a command that
        waits for people. Raises RefusedError if the key belongs to another command, OSError or another OperationError
        if the command cannot be kept: then nothing is sent.
        """

    async def release(self, command: Command, ack: Ack) -> None:
        """A held command, now with this expiry, is about to be sent: durable on return. Raises as `intend`."""

    async def note(self, command: Command, old_value: Any, act: Act) -> None:
        """What somebody did about a held command: durable on return. Raises as `intend`."""

    async def record(self, ack: Ack) -> None:
        """Keep an ack of an intended command; durable before it returns if the ack is final."""

    async def known(self, key: str) -> tuple[Command, list[Ack]] | None:
        """A command as it was kept and its acks, by time; None for a key that is not known."""


@dataclass(slots=True)
class _Entry:
    command: Command
    old_value: Any
    acks: list[Ack] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)


class MemoryJournal:
    """For nodes without a store, and tests: forgets at the end of the process, and the oldest beyond `kept`."""

    def __init__(self, kept: int = MAX_KEPT) -> None:
        self._kept = kept
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def intend(
        self, command: Command, tag: TagSpec | None, old_value: Any, held: Sequence[Ack] = ()
    ) -> list[Ack] | None:
        """See IntentJournal."""
        del tag
        known = self._entries.get(command.key)
        if known is not None:
            if not same_command(known.command, command):
                raise RefusedError(f"the key {command.key!r} was used for another command; use a fresh one")
            return list(known.acks)
        self._entries[command.key] = _Entry(command, old_value, list(held))
        if len(self._entries) > self._kept:
            self._entries.popitem(last=False)
        return None

    async def release(self, command: Command, ack: Ack) -> None:
        """See IntentJournal."""
        known = self._entries.get(command.key)
        if known is not None:
            known.command = command
            known.acks.append(ack)

    async def note(self, command: Command, old_value: Any, act: Act) -> None:
        """See IntentJournal."""
        del old_value
        known = self._entries.get(command.key)
        if known is not None:
            known.acts.append(act)

    async def record(self, ack: Ack) -> None:
        """See IntentJournal."""
        known = self._entries.get(ack.key)
        if known is not None:
            known.acks.append(ack)

    async def known(self, key: str) -> tuple[Command, list[Ack]] | None:
        """See IntentJournal."""
        found = self._entries.get(key)
        return (found.command, list(found.acks)) if found is not None else None


def same_command(a: Command, b: Command) -> bool:
    """True if the envelopes ask for the same by the same actor; expiry, origin and comment do not count."""
    return _asked(a) == _asked(b)


def _asked(command: Command) -> tuple[str, ...]:
    value, arguments = command.value, command.arguments
    plain = value.tolist() if hasattr(value, "tolist") else value
    return (command.actor, command.verb, command.target, command.name, repr(plain), repr(arguments))
