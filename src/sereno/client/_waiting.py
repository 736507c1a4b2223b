"""Commands that wait for people, as a port: execute, approve, decline, cancel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

from sereno.access.actor import Actor
from sereno.model import NotFoundError, Say, Verb
from sereno.wire.jsonvalue import json_value

from ._json import iso_time
from ._times import parse_time


class WaitsFor(StrEnum):
    """Who is to act next: a second person, or the command's own actor."""

    APPROVAL = "approval"
    EXECUTION = "execution"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCommand:
    """A command that waits. `since`, `until` ns UTC; `old` is the value when it was selected.

    `name` and `arguments` are those of a command of a device. `sign`: the meanings to choose from, empty where no
    signature is asked for. `may`: what who asks may do about it.
    """

    key: str
    target: str
    verb: Verb
    value: Any
    old: Any
    actor: str
    since: int
    until: int
    waits_for: WaitsFor
    name: str = ""
    arguments: tuple[Any, ...] = ()
    sign: tuple[str, ...] = ()
    approved_by: str = ""
    comment: str = ""
    may: tuple[Say, ...] = ()


class WaitingPort(Protocol):
    """Commands that wait for people. Each act raises NotFoundError if no such command waits, DeniedError, RefusedError.

    `password` and `meaning` sign the act where a signature is asked for; only persons sign.
    """

    async def waiting(self, actor: Actor) -> list[WaitingCommand]:
        """Those whose target the actor may read, and the actor's own; the one that waits longest first."""

    async def execute(self, key: str, actor: Actor, *, password: str = "", meaning: str = "") -> None:
        """Let one's own command go; all is checked again before it is sent."""

    async def approve(
        self, key: str, actor: Actor, *, password: str = "", meaning: str = "", comment: str = ""
    ) -> None:
        """Agree to the command of somebody else."""

    async def decline(self, key: str, actor: Actor, *, reason: str) -> None:
        """Refuse the command of somebody else."""

    async def cancel(self, key: str, actor: Actor) -> None:
        """Withdraw one's own command."""


class NothingWaits:
    """A WaitingPort of a plant without marked commands."""

    async def waiting(self, actor: Actor) -> list[WaitingCommand]:
        """None."""
        del actor
        return []

    async def execute(self, key: str, actor: Actor, *, password: str = "", meaning: str = "") -> None:
        """Raises NotFoundError."""
        del actor, password, meaning
        raise not_waiting(key)

    async def approve(
        self, key: str, actor: Actor, *, password: str = "", meaning: str = "", comment: str = ""
    ) -> None:
        """Raises NotFoundError."""
        del actor, password, meaning, comment
        raise not_waiting(key)

    async def decline(self, key: str, actor: Actor, *, reason: str) -> None:
        """Raises NotFoundError."""
        del actor, reason
        raise not_waiting(key)

    async def cancel(self, key: str, actor: Actor) -> None:
        """Raises NotFoundError."""
        del actor
        raise not_waiting(key)


def not_waiting(key: str) -> NotFoundError:
    """What to raise where no command of this key waits."""
    return NotFoundError(f"no command with the key {key!r} waits for anybody")


def waiting_json(one: WaitingCommand) -> dict[str, Any]:
    """A command that waits; times ISO 8601."""
    return {
        **asdict(one),
        "value": json_value(one.value),
        "old": json_value(one.old),
        "arguments": [json_value(argument) for argument in one.arguments],
        "since": iso_time(one.since),
        "until": iso_time(one.until),
    }


def parse_waiting(data: Mapping[str, Any]) -> WaitingCommand:
    """The other way; an act that this version does not know is left out."""
    names = WaitingCommand.__dataclass_fields__
    known = {name: value for name, value in data.items() if name in names}
    return WaitingCommand(
        **{
            **known,
            "verb": Verb(known["verb"]),
            "since": parse_time(known["since"]),
            "until": parse_time(known["until"]),
            "waits_for": WaitsFor(known["waits_for"]),
            "arguments": tuple(known.get("arguments") or ()),
            "sign": tuple(known["sign"]),
            "may": tuple(Say(word) for word in known["may"] if word in set(Say)),
        }
    )
