"""A command under way: its life, its acks, and everyone who listens to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, TypeVar

from sereno.access.actor import Actor
from sereno.client import CommandHandler
from sereno.model import Ack, AckState, Command, TagSpec

from .command_life import CommandLife
from .hold import Hold
from .readback import ReadbackWatch

T = TypeVar("T")


class Flight:
    """One command from its request to its final ack. Listeners come and go without any effect on it."""

    def __init__(self, command: Command, actor: Actor) -> None:
        self.command = command
        self.actor = actor
        self.life = CommandLife()
        self.acks: list[Ack] = []
        self.intended = False
        self.number = 0
        self.recorded_ahead: AckState | None = None
        self.hold: Hold | None = None
        self.tag: TagSpec | None = None
        self.old_value: Any = None
        self.remark = ""
        self.value: Any = None
        self.handler: CommandHandler | None = None
        self.turn: asyncio.Lock | None = None
        self.watch: ReadbackWatch | None = None
        self.task: asyncio.Task[None] | None = None
        self.stopped = False
        self._step: asyncio.Future[Any] | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def tell(self, ack: Ack) -> None:
        """Add an ack and wake the listeners."""
        self.acks.append(ack)
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def listen(self) -> AsyncIterator[Ack]:
        """All acks from the first on, ending with the final one."""
        told = 0
        while True:
            while told < len(self.acks):
                ack = self.acks[told]
                told += 1
                yield ack
                if ack.state.final:
                    return
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            try:
                await future
            finally:
                if future in self._waiting:
                    self._waiting.remove(future)

    async def perform(self, work: Coroutine[Any, Any, T], *, breakable: bool) -> T:
        """Do a step of it. Raises CancelledError if it was stopped before, or while a breakable step ran."""
        if self.stopped:
            work.close()
            raise asyncio.CancelledError
        if not breakable:
            return await work
        step: asyncio.Task[T] = asyncio.create_task(work)
        self._step = step
        try:
            return await step
        finally:
            self._step = None

    def stop(self) -> None:
        """Break it off where it can be; its task still tells its end."""
        self.stopped = True
        if self._step is not None:
            self._step.cancel()

    def give_up_turn(self) -> None:
        """Let the next command to the device go."""
        if self.turn is not None:
            self.turn.release()
            self.turn = None

    def land(self) -> None:
        """Free what the command held."""
        self.give_up_turn()
        if self.watch is not None:
            self.watch.close()
            self.watch = None


async def told(acks: Sequence[Ack]) -> AsyncIterator[Ack]:
    """Acks that are known already, as a stream."""
    for ack in acks:
        yield ack
