"""What the native server is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sereno.access.actor import Actor, Right, rights_by_verb
from sereno.client import CommandPort, DevicePort, HistoryPort, LockPort, NoLocks, PlannedPort
from sereno.model import Clock, Command

from .door import Door

EventSource = Callable[[Sequence[str], Actor], AsyncIterator[dict[str, Any]]]
"""Events about what globs name, as that actor may see them. Raises SerenoError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativePorts:
    """The plant through its ports, who may come in, and time. Without `history` there is none.

    `events` are further sources by kind of subscription (alarm), beside interface and data_ready; what is missing is
    refused by name. `for_whom`: who comes in is a node that passes commands on, and says on whose behalf.
    `begins`: whether the command with this key, given to the actor, may begin there; raises RefusedError.
    `rights_of`: of which rights a command takes one on its target.
    `node` says who answers, `pages` the address of its HTTP side, if there is one.
    """

    live: PlannedPort
    commands: CommandPort
    devices: DevicePort
    door: Door
    clock: Clock
    rights_of: Callable[[Command], tuple[Right, ...]] = rights_by_verb
    history: HistoryPort | None = None
    locks: LockPort = field(default_factory=NoLocks)
    events: Mapping[str, EventSource] = field(default_factory=dict)
    node: str = "sereno"
    for_whom: bool = False
    begins: Callable[[str, Actor], None] | None = None
    pages: Callable[[], str] = str
