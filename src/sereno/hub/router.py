"""The command router: performs the life of commands and answers for what became of them."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace

import structlog

from sereno.access.actor import Actor, Right
from sereno.client import CommandHandler
from sereno.model import (
    Ack,
    AckState,
    Clock,
    Command,
    DeniedError,
    NotFoundError,
    RefusedError,
    SerenoError,
)

from .command_life import Event, Move, Occurrence, Task
from .execution import Authorise, Execution, by_rights
from .flight import Flight, told
from .hub import Hub
from .journal import IntentJournal, MemoryJournal, same_command

DEFAULT_EXPIRY = 10.0
"""Seconds for a command whose envelope has no expiry."""
MAX_REMEMBERED = 4096
log = structlog.get_logger(__name__)


class CommandRouter:
    """Implements CommandPort for the devices of a node. A command goes on whoever stops listening; `close` ends all.

    The same key again is the same command: it joins the one under way or gets the acks of the past one. A key that was
    used for another command is refused.
    """

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        *,
        authorise: Authorise = by_rights,
        journal: IntentJournal | None = None,
        handlers: Mapping[str, CommandHandler] | None = None,
    ) -> None:
        self._clock = clock
        self._journal = journal if journal is not None else MemoryJournal()
        self._execution = Execution(hub, clock, self._journal, authorise)
        self._execution.handlers.update(handlers or {})
        self._flights: dict[str, Flight] = {}
        self._remembered: OrderedDict[str, Command] = OrderedDict()
        self._ends: Counter[AckState] = Counter()
        self._peak = 0
        self._unrecorded = 0
        self._closed = False
        execution = self._execution
        self._tasks: dict[Task, Callable[[Flight], Awaitable[Occurrence]]] = {
            Task.AUTHORISE: execution.authorise,
            Task.CHECK: execution.check,
            Task.RECORD: execution.record,
            Task.WAIT_FOR_TURN: execution.wait_for_turn,
            Task.SEND: execution.send,
            Task.WATCH: execution.watch,
        }

    def register(self, device_path: str, handler: CommandHandler) -> None:
        """Let `handler` execute the commands of a device. Raises ValueError if it has one."""
        if device_path in self._execution.handlers:
            raise ValueError(f"device {device_path!r} has a command handler already")
        self._execution.handlers[device_path] = handler

    def submit(self, command: Command, actor: Actor) -> AsyncIterator[Ack]:
        """See CommandPort. It is under way when this returns, whether the acks are read or not."""
        expires = command.expires or self._clock.wall_ns() + int(DEFAULT_EXPIRY * 1e9)
        command = replace(command, actor=actor.name, expires=expires)
        try:
            flight, earlier = self._known(command)
        except (OSError, SerenoError) as error:
            return told([self._ack(command, AckState.REFUSED, str(error))])
        if earlier:
            return told(earlier)
        if flight is None and self._closed:
            return told([self._ack(command, AckState.REFUSED, "the node is stopping")])
        return (flight or self._take_off(command, actor)).listen()

    async def acks(self, key: str, actor: Actor) -> list[Ack]:
        """See CommandPort. Only for those who may read the target, where the command is still remembered."""
        known = self._remembered.get(key)
        flight = self._flights.get(key)
        found = list(flight.acks) if flight is not None else self._past(key)
        if not found or (known is not None and known.actor != actor.name and not actor.may(Right.READ, known.target)):
            raise NotFoundError(f"no command with the key {key!r}")
        return found

    async def close(self) -> None:
        """Take no more commands and end those under way: not sent yet = cancelled, sent = unknown."""
        self._closed = True
        await self._clock.sleep(0)  # a task that never began could not tell its end
        tasks = [flight.task for flight in self._flights.values() if flight.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)

    def statistics(self) -> dict[str, int]:
        """Commands by their end, those under way, their peak, acks that the journal would not take."""
        ends = {str(state): self._ends[state] for state in AckState if state.final}
        return {**ends, "under_way": len(self._flights), "peak": self._peak, "unrecorded": self._unrecorded}

    def _known(self, command: Command) -> tuple[Flight | None, list[Ack]]:
        """The flight of this key, or its acks of the past. Raises RefusedError if it belongs to another command."""
        known = self._remembered.get(command.key)
        if known is not None and not same_command(known, command):
            raise RefusedError(f"the key {command.key!r} was used for another command; use a fresh one")
        flight = self._flights.get(command.key)
        if flight is not None:
            return flight, []
        earlier = self._past(command.key)
        if earlier:
            self._journal.intend(command, None, None)
        return None, earlier

    def _take_off(self, command: Command, actor: Actor) -> Flight:
        flight = self._flights[command.key] = Flight(command, actor)
        self._peak = max(self._peak, len(self._flights))
        self._remembered[command.key] = command
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        flight.task = asyncio.create_task(self._live(flight), name=f"command {command.key}")
        return flight

    async def _live(self, flight: Flight) -> None:
        occurrence = Occurrence(Event.ASKED)
        try:
            while True:
                move = flight.life.feed(occurrence.event)
                self._tell(flight, move, occurrence)
                if move.task is None:
                    return
                occurrence = await self._perform(move.task, flight)
        finally:
            self._execution.land(flight)
            del self._flights[flight.command.key]

    async def _perform(self, task: Task, flight: Flight) -> Occurrence:
        try:
            return await self._tasks[task](flight)
        except asyncio.CancelledError:
            return Occurrence(Event.STOPPED, "the node stopped")
        except DeniedError as error:
            return Occurrence(Event.REFUSED, f"denied: {error}")
        except RefusedError as error:
            return Occurrence(Event.REFUSED, str(error))
        except Exception as error:
            log.exception("command failed", task=f"{task} {flight.command.target}", key=flight.command.key)
            return Occurrence(Event.BROKEN, f"internal fault, {type(error).__name__}: {error}")

    def _tell(self, flight: Flight, move: Move, occurrence: Occurrence) -> None:
        if move.ack is None:
            return
        ack = self._ack(flight.command, move.ack, occurrence.reason, occurrence.value)
        self._keep(flight, ack)
        if ack.state.final:
            self._ends[ack.state] += 1
        flight.tell(ack)

    def _ack(self, command: Command, state: AckState, reason: str, value: object = None) -> Ack:
        return Ack(key=command.key, state=state, t=self._clock.wall_ns(), reason=reason, value=value)

    def _keep(self, flight: Flight, ack: Ack) -> None:
        """Into the journal before anyone hears it; a command that never got so far is kept with its end."""
        try:
            if ack.state is AckState.ACCEPTED or (ack.state.final and not flight.intended):
                self._keep_start(flight)
            if flight.intended:
                self._journal.record(ack)
        except (OSError, SerenoError):
            self._unrecorded += 1
            log.exception("ack not recorded", key=ack.key, state=ack.state, target=flight.command.target)

    def _keep_start(self, flight: Flight) -> None:
        if not flight.intended:
            flight.intended = self._journal.intend(flight.command, flight.tag, flight.old_value) is None
        if flight.intended:
            for ack in flight.acks:
                self._journal.record(ack)

    def _past(self, key: str) -> list[Ack]:
        """Acks of a command of the past; one that a stop of the node cut off gets its final one now."""
        found = self._journal.acks(key)
        if found and not found[-1].state.final:
            reason = "the node stopped while it was under way; whether it was executed is unknown"
            end = Ack(key=key, state=AckState.UNKNOWN, t=self._clock.wall_ns(), reason=reason)
            self._journal.record(end)
            found = [*found, end]
        return found
