"""Guards as a port: declared rules that issue one declared command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from sereno.access.actor import Actor
from sereno.wire.jsonvalue import json_value

from ._json import iso_time
from ._times import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStatus:
    """A guard as it is. `state` armed, pending, fired or retrying; `verdict` true, false, unknown, or waiting at first.

    Its command is a value for the tag `target`, or with `call` that command of the device `target`.
    `acted` counts since the start of the node; `last` ns UTC, 0 = never; `outcome` what became of the last command;
    `failed` how many in a row were not done while the condition has held. `retry`: it repeats those.
    """

    name: str
    when: str
    target: str
    value: Any
    actor: str
    hold: float
    cooldown: float
    stale: str
    state: str
    verdict: str
    acted: int = 0
    last: int = 0
    outcome: str = ""
    retry: bool = False
    failed: int = 0
    call: str = ""
    arguments: tuple[Any, ...] = ()

    @property
    def command(self) -> str:
        """In words: dome/shutter = 0, or dome/roof close()."""
        if self.call:
            return f"{self.target} {self.call}({', '.join(map(str, self.arguments))})"
        return f"{self.target} = {self.value}"


class GuardPort(Protocol):
    """Guards."""

    async def guards(self, actor: Actor) -> list[GuardStatus]:
        """Those whose target the actor may read, by name."""


class NoGuards:
    """A GuardPort of a plant that declares none."""

    async def guards(self, actor: Actor) -> list[GuardStatus]:
        """None."""
        del actor
        return []


def guard_json(status: GuardStatus) -> dict[str, Any]:
    """A guard; durations in seconds."""
    more = {"value": json_value(status.value), "arguments": list(status.arguments), "last": iso_time(status.last)}
    return {**asdict(status), **more}


def parse_guard(data: Mapping[str, Any]) -> GuardStatus:
    """The other way."""
    names = GuardStatus.__dataclass_fields__
    known = {name: value for name, value in data.items() if name in names}
    known["arguments"] = tuple(known.get("arguments") or ())
    return GuardStatus(**{**known, "last": parse_time(known["last"]) if known["last"] else 0})
