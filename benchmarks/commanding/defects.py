"""Defects to plant in the node, each of a kind that systems in the field have had: the rig must find every one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from sereno.access.actor import Actor
from sereno.device import DeviceRunner
from sereno.hub import consent, execution
from sereno.hub.flight import Flight
from sereno.hub.hold import Hold
from sereno.model import Ack, Command, NoAnswerError, NotConnectedError, RefusedError, Say, TagSpec, new_key
from sereno.store.intents import StoredIntents


def plant_defect(name: str, stack: ExitStack) -> None:
    """Change the program of this process until `stack` closes. Raises KeyError for an unknown name."""
    for patcher in DEFECTS[name][1]():
        stack.enter_context(patcher)


def _replay_executes_again() -> list[Any]:
    intend = StoredIntents.intend

    async def forgetful(
        self: StoredIntents, command: Command, tag: TagSpec | None, old: Any, held: Sequence[Ack] = ()
    ) -> list[Ack] | None:
        return await intend(self, replace(command, key=new_key()), tag, old, held)

    async def nothing(self: StoredIntents, key: str) -> None:  # noqa: ARG001
        return None

    return [patch.object(StoredIntents, "intend", forgetful), patch.object(StoredIntents, "known", nothing)]


def _expiry_ignored() -> list[Any]:
    return [patch.object(execution.Execution, "_left", lambda _self, _command: 60.0)]


def _limits_ignored() -> list[Any]:
    return [patch.object(execution, "writable_value", lambda _spec, value: value)]


def _unknown_repeated() -> list[Any]:
    write = DeviceRunner.write

    async def stubborn(self: DeviceRunner, path: str, value: Any, *, deadline: float | None = None) -> None:
        for _ in range(20):
            try:
                return await write(self, path, value)
            except (NoAnswerError, NotConnectedError, RefusedError):
                await self.link.environment.clock.sleep(0.1)
        return await write(self, path, value, deadline=deadline)

    return [patch.object(DeviceRunner, "write", stubborn)]


def _approved_by_the_same_person() -> list[Any]:
    check = consent._check

    def blind(say: Say, flight: Flight, hold: Hold, actor: Actor) -> None:
        check(say, flight, hold, replace(actor, name="somebody else", kind="person") if say is Say.APPROVE else actor)

    return [patch.object(consent, "_check", blind)]


def _executed_after_the_selection() -> list[Any]:
    wait = Hold._wait

    def longer(self: Hold, seconds: float) -> None:
        wait(self, seconds)
        self.ends += 1.5

    return [patch.object(Hold, "_wait", longer)]


DEFECTS: dict[str, tuple[str, Callable[[], list[Any]]]] = {
    "replay-executes-again": ("double_writes", _replay_executes_again),
    "expiry-ignored": ("late_writes", _expiry_ignored),
    "limits-ignored": ("writes_outside_limits", _limits_ignored),
    "unknown-repeated": ("double_writes", _unknown_repeated),
    "approved-by-the-same-person": ("without_second_person", _approved_by_the_same_person),
    "executed-after-the-selection": ("late_executions", _executed_after_the_selection),
}
"""Name -> the promise that it breaks, and what plants it."""
