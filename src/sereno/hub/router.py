"""The command router: performs the life of commands and answers for what became of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import structlog

from sereno.access.actor import Actor, Right
from sereno.client import BEING_DONE, CommandHandler, WaitingPort
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
from sereno.wire.errorvalue import error_fields

from .command_life import Event, Move, Occurrence, Task
from .consent import Authenticate, Consent, nobody_signs
from .execution import Authorise, Execution, Marked, Permit, Renew, as_it_was, by_rights, permitted, unmarked
from .flight import Flight, told
from .hub import Hub
from .journal import IntentJournal, MemoryJournal, same_command
from .on_record import OnRecord
from .questions import PER_SECOND, Questions

DEFAULT_EXPIRY = 10.0
"""Seconds for a command whose envelope has no expiry."""
_BREAKABLE = frozenset((Task.AWAIT_PEOPLE, Task.WAIT_FOR_TURN, Task.SEND, Task.WATCH))
"""What a stop of the node breaks off; the others are short, and an intent is either on record or not."""
log = structlog.get_logger(__name__)


class CommandRouter:
    """Implements CommandPort for the devices of a node. A command goes on whoever stops listening; `close` ends all.

    The same key again is the same command: it joins the one under way or gets the acks of the past one. A key that was
    used for another command is refused. `consent` is where people act on commands that wait for them.
    """

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        *,
        authorise: Authorise = by_rights,
        authenticate: Authenticate = nobody_signs,
        renew: Renew = as_it_was,
        journal: IntentJournal | None = None,
        handlers: Mapping[str, CommandHandler] | None = None,
        marked: Marked = unmarked,
        permit: Permit = permitted,
    ) -> None:
        self._clock = clock
        journal = journal if journal is not None else MemoryJournal()
        self._record = OnRecord(journal, clock)
        self._execution = Execution(hub, clock, journal, authorise, renew=renew, marked=marked, permit=permit)
        self._execution.handlers.update(handlers or {})
        self._questions = Questions(clock.monotonic)
        self._flights: dict[str, Flight] = {}
        self.consent: WaitingPort = Consent(self._flights, clock, journal, authenticate)
        self._ends: Counter[AckState] = Counter()
        self._peak = 0
        self._closed = False
        execution = self._execution
        self._tasks: dict[Task, Callable[[Flight], Coroutine[Any, Any, Occurrence]]] = {
            Task.AUTHORISE: execution.authorise,
            Task.CHECK: execution.check,
            Task.AWAIT_PEOPLE: execution.await_people,
            Task.CHECK_AGAIN: execution.check_again,
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

    def replace(self, device_path: str, handler: CommandHandler) -> None:
        """Let `handler` execute the commands of a device from now on, whoever did so before."""
        self._execution.handlers[device_path] = handler

    def forget(self, device_path: str) -> None:
        """The device takes no more commands."""
        self._execution.handlers.pop(device_path, None)

    def rights_of(self, command: Command) -> tuple[Right, ...]:
        """The rights of which its actor needs one on its target, as things are now."""
        return self._execution.rights_of(command)

    def busy_with(self, concerns: Callable[[str], bool]) -> list[str]:
        """Commands under way whose target (a tag or device) `concerns` says yes to, in words."""
        flights = [flight for flight in self._flights.values() if concerns(flight.command.target)]
        return [f"the command of {flight.command.actor} to {flight.command.target}" for flight in flights]

    def submit(self, command: Command, actor: Actor) -> AsyncIterator[Ack]:
        """See CommandPort. It is under way when this returns, whether the acks are read or not."""
        expires = command.expires or self._clock.wall_ns() + int(DEFAULT_EXPIRY * 1e9)
        command = replace(command, actor=actor.name, expires=expires)
        flight = self._flights.get(command.key)
        if flight is not None and not same_command(flight.command, command):
            reason = f"the key {command.key!r} was used for another command; use a fresh one"
            return told([self._ack(command, AckState.REFUSED, reason)])
        if flight is None and self._closed:
            return told([self._ack(command, AckState.REFUSED, "the node is stopping")])
        if flight is None and not self._may_ask(command, actor):
            reason = f"{actor.name} asks too much; at most {PER_SECOND:g} commands a second"
            return told([self._ack(command, AckState.REFUSED, reason)])
        return (flight or self._take_off(command, actor)).listen()

    def _may_ask(self, command: Command, actor: Actor) -> bool:
        """Who may only read may not fill the record, not even with what is denied."""
        if actor.may(Right.CALL, command.target) or Right.READ not in self.rights_of(command):
            return True
        return self._questions.admits(actor.name)

    async def acks(self, key: str, actor: Actor) -> list[Ack]:
        """See CommandPort. Only for those who may read the target, and for who sent it."""
        flight = self._flights.get(key)
        if flight is not None and flight.acks:
            found: tuple[Command, list[Ack]] | None = (flight.command, list(flight.acks))
        else:
            found = await self._record.past(key)
        if found is None or (found[0].actor != actor.name and not actor.may(Right.READ, found[0].target)):
            raise NotFoundError(f"no command with the key {key!r}")
        return found[1]

    async def close(self) -> None:
        """Take no more commands and end those under way: not sent yet = cancelled, sent = unknown."""
        self._closed = True
        flights = list(self._flights.values())
        for flight in flights:
            flight.stop()
        await asyncio.gather(*(flight.task for flight in flights if flight.task is not None))

    def statistics(self) -> dict[str, int]:
        """Commands by their end, those under way, their peak, acks that the journal would not take."""
        ends = {str(state): self._ends[state] for state in AckState if state.final}
        return {**ends, "under_way": len(self._flights), "peak": self._peak, "unrecorded": self._record.unrecorded}

    def _take_off(self, command: Command, actor: Actor) -> Flight:
        flight = self._flights[command.key] = Flight(command, actor)
        self._peak = max(self._peak, len(self._flights))
        flight.task = asyncio.create_task(self._live(flight), name=f"command {command.key}")
        return flight

    async def _live(self, flight: Flight) -> None:
        occurrence = Occurrence(Event.ASKED)
        try:
            if await self._told_before(flight):
                return
            while True:
                move = flight.life.feed(occurrence.event)
                await self._tell(flight, move, occurrence)
                if move.task is None:
                    return
                occurrence = await self._perform(move.task, flight)
        finally:
            self._execution.land(flight)
            del self._flights[flight.command.key]

    async def _told_before(self, flight: Flight) -> bool:
        """True if the key is of the past: then the flight tells what is on record, or why it is refused."""
        try:
            earlier = await self._record.earlier(flight.command)
        except (OSError, SerenoError) as error:
            earlier = [self._ack(flight.command, AckState.REFUSED, str(error))]
        for ack in earlier:
            flight.tell(ack)
        return bool(earlier)

    async def _perform(self, task: Task, flight: Flight) -> Occurrence:
        if flight.stopped and task is Task.SEND:
            return Occurrence(Event.UNSENT, "not sent: the node stopped")
        try:
            return await flight.perform(self._tasks[task](flight), breakable=task in _BREAKABLE)
        except asyncio.CancelledError:
            return Occurrence(Event.STOPPED, "the node stopped")
        except DeniedError as error:
            return Occurrence(Event.REFUSED, f"denied: {error}")
        except RefusedError as error:
            details = msgspec.structs.asdict(error_fields(error)) if vars(error).get(BEING_DONE) else None
            return Occurrence(Event.REFUSED, str(error), details=details)
        except Exception as error:
            log.exception("command failed", task=f"{task} {flight.command.target}", key=flight.command.key)
            return Occurrence(Event.BROKEN, f"internal fault, {type(error).__name__}: {error}")

    async def _tell(self, flight: Flight, move: Move, occurrence: Occurrence) -> None:
        if move.ack is None:
            return
        ack = self._ack(flight.command, move.ack, occurrence.reason, occurrence.value)
        if occurrence.details is not None and ack.state in (AckState.FAILED, AckState.REFUSED):
            ack = replace(ack, details=occurrence.details)
        await self._record.keep(flight, ack)
        if ack.state.final:
            self._ends[ack.state] += 1
        flight.tell(ack)

    def _ack(self, command: Command, state: AckState, reason: str, value: object = None) -> Ack:
        return Ack(key=command.key, state=state, t=self._clock.wall_ns(), reason=reason, value=value)
