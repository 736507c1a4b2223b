"""Facade: commands to a derived device, handed on to the devices behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.client import CommandPort
from sereno.model import (
    Ack,
    AckState,
    Clock,
    Command,
    ExpiredError,
    NoAnswerError,
    NotFoundError,
    RefusedError,
    Verb,
)

PATIENCE = 10.0
"""Seconds for a forwarded command that came without a deadline."""


def nothing_reads(device: str, name: str) -> bool:
    """For plants where nobody says what only reads."""
    del device, name
    return False


class Facade:
    """A CommandHandler. `writes` maps own tags to the tags behind them, `calls` own commands to (device, command).

    What it forwards is a command of its own: checked against rights, limits and interlocks of the tag behind, and on
    record, in the name of the agent "derive/<device>", which may do just that. `reads` says of a device's command
    whether it only reads.
    """

    def __init__(
        self,
        device: str,
        writes: Mapping[str, str],
        calls: Mapping[str, tuple[str, str]],
        commands: CommandPort,
        clock: Clock,
        *,
        reads: Callable[[str, str], bool] = nothing_reads,
    ) -> None:
        self._device = device
        self._writes = dict(writes)
        self._calls = dict(calls)
        self._commands = commands
        self._clock = clock
        self._reads = reads
        name = f"derive/{device}"
        allowed = [Permission(Right.WRITE, target) for target in self._writes.values()]
        allowed += [Permission(Right.CALL, target) for target, _ in self._calls.values()]
        self._actor = Actor(name, (Role(name, tuple(allowed)),), "agent", "derived")

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:
        """See CommandHandler."""
        target = self._writes.get(path)
        if target is None:
            raise RefusedError(f"{path} is computed and forwards no commands; write to its sources")
        await self._forward(Command(target=target, value=value, **self._envelope(path, deadline)))

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """See CommandHandler."""
        if name not in self._calls:
            raise NotFoundError(
                f"{self._device} forwards no command {name!r}, it has: {', '.join(self._calls) or 'none'}"
            )
        target, behind = self._calls[name]
        envelope = self._envelope(f"{self._device} {name}", deadline)
        ack = await self._forward(Command(target=target, verb=Verb.CALL, name=behind, arguments=arguments, **envelope))
        return ack.value

    def reads(self, name: str) -> bool:
        """See ReadingHandler: as the command that it is handed on to."""
        behind = self._calls.get(name)
        return behind is not None and self._reads(*behind)

    def _envelope(self, asked: str, deadline: float | None) -> dict[str, Any]:
        left = PATIENCE if deadline is None else max(0.0, deadline - self._clock.monotonic())
        return {
            "actor": self._actor.name,
            "origin": "derived",
            "comment": f"forwarded from {asked}",
            "expires": self._clock.wall_ns() + int(left * 1e9),
        }

    async def _forward(self, command: Command) -> Ack:
        last: Ack | None = None
        async for ack in self._commands.submit(command, self._actor):
            last = ack
        if last is None or last.state is AckState.UNKNOWN:
            raise NoAnswerError(f"{command.target}: {last.reason if last else 'no ack came'}")
        if last.state in (AckState.TIMED_OUT, AckState.CANCELLED):
            raise ExpiredError(f"{command.target}: {last.reason or last.state}")
        if last.state is not AckState.DONE:
            raise RefusedError(f"{command.target}: {last.reason or last.state}")
        return last
