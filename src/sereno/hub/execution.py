"""The tasks of a command's life, as they are done: checks, intent, turn, sending, readback."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias, TypeVar

import msgspec

from sereno.access.actor import Actor, Right, rights_by_verb
from sereno.client import (
    ACCEPTED,
    ASKED_BY,
    ASKER,
    BEFORE_IT_BEGINS,
    BEING_DONE,
    LET_IT_BEGIN,
    Asker,
    CommandHandler,
    ReadingHandler,
    iso_time,
    number_in_order,
)
from sereno.model import (
    Access,
    Ack,
    AckState,
    Clock,
    Command,
    DeliveryError,
    DeniedError,
    ExpiredError,
    Marks,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    OperationError,
    Override,
    RefusedError,
    SerenoError,
    TagSpec,
    Verb,
)
from sereno.wire.errorvalue import error_fields

from .agreement import unchanged
from .checks import writable_value
from .command_life import Event, Occurrence
from .flight import Flight
from .hold import Hold
from .hub import Hub
from .interlock import Interlocks
from .journal import IntentJournal
from .paths import near_spellings
from .present import show
from .rates import Rates
from .readback import ReadbackWatch
from .table import not_found

T = TypeVar("T")
Rights: TypeAlias = tuple[Right, ...]
Authorise = Callable[[Actor, Command, Rights], None]
"""Raises DeniedError unless the actor has one of the rights on the command's target."""
Renew = Callable[[Actor], Awaitable[Actor]]
"""The actor with the rights of this moment. Raises DeniedError for one who is shut out."""
Permit = Callable[[Command], Awaitable[None]]
"""Whether a command may begin now, from whoever knows that. Raises RefusedError."""
Marked = Callable[[str], Mapping[str, Marks]]
"""The named commands of a device, by its path, that wait for people, have an interlock or take their time."""
WRITE_GRACE = 30.0
"""Seconds that a driver may take for a write beyond its expiry before the outcome is called unknown."""
CALL_GRACE = 600.0
"""The same for a named command whose marks do not say."""


class _BarredError(RefusedError):
    """What was checked before is so no longer, and the device has not begun."""


def _until(override: Override) -> str:
    end = iso_time(override.expires)
    return override.actor if end is None else f"{override.actor}, until {end[:19]}Z"


def by_rights(actor: Actor, command: Command, rights: Rights) -> None:
    """See Authorise: by the actor's roles."""
    if not any(actor.may(right, command.target) for right in rights):
        raise DeniedError(f"{actor.name} may not {rights[0]} {command.target}")


def unmarked(device: str) -> Mapping[str, Marks]:
    """For nodes whose named commands are like any other."""
    del device
    return {}


async def as_it_was(actor: Actor) -> Actor:
    """For nodes without accounts: rights do not change."""
    return actor


async def permitted(command: Command) -> None:
    """For nodes that know it themselves."""
    del command


class Execution:
    """Does the tasks of flights. Each gives what happened; RefusedError and DeniedError become refusals."""

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        journal: IntentJournal,
        authorise: Authorise,
        *,
        renew: Renew = as_it_was,
        marked: Marked = unmarked,
        permit: Permit = permitted,
    ) -> None:
        self.handlers: dict[str, CommandHandler] = {}
        self._marked = marked
        self._permit = permit
        self.writing: dict[str, Flight] = {}
        self._hub = hub
        self._clock = clock
        self._journal = journal
        self._authorise = authorise
        self._renew = renew
        self._interlocks = Interlocks(hub)
        self._rates = Rates(hub, clock)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def authorise(self, flight: Flight) -> Occurrence:
        """Expiry, target, rights, in this order."""
        command = flight.command
        if self._left(command) <= 0:
            return self._expired("before it was looked at")
        if command.verb is Verb.WRITE:
            self._find_tag(flight)
        else:
            self._find_device(flight)
        self._authorise(flight.actor, command, self.rights_of(command))
        return Occurrence(Event.ALLOWED)

    def rights_of(self, command: Command) -> Rights:
        """The rights of which one is needed on its target: what only reads is also for those who may read."""
        if self._reads(command):
            return Right.READ, Right.CALL
        return rights_by_verb(command)

    def _reads(self, command: Command) -> bool:
        if command.verb is Verb.WRITE:
            return False
        handler: object = self.handlers.get(command.target)
        return isinstance(handler, ReadingHandler) and handler.reads(command.name)

    async def check(self, flight: Flight) -> Occurrence:
        """Maintenance, access, value, expected old value, one write at a time, rate, interlock, in this order."""
        command, spec = flight.command, flight.tag
        self._check_in_service(flight)
        if spec is None:
            return await self._check_call(flight)
        if not spec.access.writable:
            raise RefusedError(f"{spec.path} is read only")
        if spec.device not in self.handlers:
            raise RefusedError(f"no device of this node takes commands for {spec.path}")
        flight.handler = self.handlers[spec.device]
        flight.value = writable_value(spec, command.value)
        flight.old_value = self._old_value(spec)
        self._check_expected(spec, command, flight.old_value)
        other = self.writing.get(spec.path)
        if other is not None:
            raise _held(other, spec.path, same=other.value == flight.value)
        flight.remark = self._check_plant(spec, flight)
        self.writing[spec.path] = flight
        return await self._hold(flight, spec.setpoint) if spec.setpoint.marked else Occurrence(Event.PASSED)

    async def await_people(self, flight: Flight) -> Occurrence:
        """Until somebody decides, or its time is over."""
        assert flight.hold is not None, "a selected command is held"
        return await flight.hold.decision()

    async def check_again(self, flight: Flight) -> Occurrence:
        """Rights, maintenance, what was seen and the plant, as they are when people let it go; its expiry begins anew.

        What a second person agreed to is the step from the old value to the new one: the old one must still be there.
        """
        spec, hold = flight.tag, flight.hold
        assert hold is not None, "only what was held is released"
        expires = self._clock.wall_ns() + hold.patience
        flight.command = command = replace(flight.command, expires=expires)
        flight.actor = await self._renew(flight.actor)
        self._authorise(flight.actor, command, self.rights_of(command))
        self._check_in_service(flight)
        if spec is None:
            flight.remark = self._check_named(flight)
            return Occurrence(Event.PASSED)
        now = self._old_value(spec)
        self._check_expected(spec, command, now)
        if hold.needs_approval and not unchanged(spec, flight.old_value, now):
            raise RefusedError(f"{spec.path} is {show(now, spec)}, it was {show(flight.old_value, spec)} when selected")
        flight.remark = self._check_plant(spec, flight)
        return Occurrence(Event.PASSED)

    async def record(self, flight: Flight) -> Occurrence:
        """Make the intent durable; of what was held, that it goes. Its place among those to the device is taken."""
        flight.number = number_in_order()
        if flight.hold is not None:
            accepted = self._ack(flight, AckState.ACCEPTED, flight.remark)
            await _kept(self._journal.release(flight.command, accepted))
            flight.recorded_ahead = AckState.ACCEPTED
        elif not await self._intend(flight):
            return Occurrence(Event.LOST, "recorded before, when the node stopped; whether it was executed is unknown")
        return Occurrence(Event.RECORDED, flight.remark)

    async def wait_for_turn(self, flight: Flight) -> Occurrence:
        """One write at a time to a device; what may have changed meanwhile is checked again."""
        spec = flight.tag
        if spec is not None:
            turn = self._turns[spec.device]
            try:
                async with self._clock.timeout(max(0.0, self._left(flight.command))):
                    await turn.acquire()
            except TimeoutError:
                return self._expired(f"while it waited for {spec.device}")
            flight.turn = turn
            self._check_expected(spec, flight.command, self._old_value(spec))
            flight.remark = self._check_plant(spec, flight)
        else:
            flight.remark = self._check_named(flight)
        self._check_in_service(flight)
        if self._left(flight.command) <= 0:
            return self._expired("before it could be sent")
        return Occurrence(Event.ADMITTED)

    async def send(self, flight: Flight) -> Occurrence:
        """Hand it to the device. What a lost reply means is decided here: unknown."""
        try:
            with self._asking(flight):
                return await (self._call(flight) if flight.tag is None else self._write(flight, flight.tag))
        except _BarredError as error:
            return Occurrence(Event.REFUSED, str(error))
        except ExpiredError as error:
            return Occurrence(Event.EXPIRED, f"{error}; never sent")
        except NotConnectedError as error:
            return Occurrence(Event.UNSENT, f"not sent: {error}")
        except (DeliveryError, OSError) as error:
            return Occurrence(Event.LOST, f"sent, and no conclusive reply: {str(error) or 'timed out'}")
        except NotFoundError as error:
            return Occurrence(Event.DECLINED, str(error))
        except OperationError as error:
            details = msgspec.structs.asdict(error_fields(error))
            return Occurrence(Event.DECLINED, f"device refused: {error}", details=details)
        finally:
            flight.give_up_turn()

    async def watch(self, flight: Flight) -> Occurrence:
        """Wait for the readback."""
        assert flight.watch is not None, "a command that awaits its readback has a watch"
        outcome = await flight.watch.wait()
        event = {True: Event.MATCHED, False: Event.DIFFERED, None: Event.UNSEEN}[outcome.reached]
        words = "; ".join(part for part in (outcome.words, flight.remark) if part)
        return Occurrence(event, words, outcome.value)

    def land(self, flight: Flight) -> None:
        """Free what the command held."""
        flight.land()
        place = _place(flight)
        if self.writing.get(place) is flight:
            del self.writing[place]

    async def _check_call(self, flight: Flight) -> Occurrence:
        """A named command that is marked holds its name, as a set-point does."""
        place = _place(flight)
        flight.remark = self._check_named(flight)
        marks = self._marks(flight)
        if not marks.marked:
            return Occurrence(Event.PASSED)
        other = self.writing.get(place)
        if other is not None:
            raise _held(other, place, same=other.command.arguments == flight.command.arguments)
        self.writing[place] = flight
        return await self._hold(flight, marks)

    async def _hold(self, flight: Flight, marks: Marks) -> Occurrence:
        """Let it wait, on record, so that it has an end whatever happens to the node."""
        hold = Hold(marks, self._clock, flight.command.expires - self._clock.wall_ns())
        if not await self._intend(flight, self._ack(flight, AckState.SELECTED, hold.words)):
            raise RefusedError("a command with this key was selected before the node stopped; use a fresh one")
        flight.recorded_ahead = AckState.SELECTED
        flight.hold = hold
        return Occurrence(Event.PICKED, hold.words)

    async def _intend(self, flight: Flight, selected: Ack | None = None) -> bool:
        """Into the journal; False if it was there before."""
        what = (flight.command, flight.tag, flight.old_value)
        intend = self._journal.intend
        earlier = await _kept(intend(*what) if selected is None else intend(*what, [*flight.acks, selected]))
        flight.intended = earlier is None
        return flight.intended

    def _ack(self, flight: Flight, state: AckState, reason: str) -> Ack:
        return Ack(key=flight.command.key, state=state, t=self._clock.wall_ns(), reason=reason)

    async def _write(self, flight: Flight, spec: TagSpec) -> Occurrence:
        assert flight.handler is not None, "checked commands have a handler"
        readback = self._readback_of(spec)
        if readback is not None:
            flight.watch = ReadbackWatch(self._hub, spec, readback, flight.value)
        self._rates.sent(spec)
        left = max(0.0, self._left(flight.command))
        async with self._clock.timeout(left + WRITE_GRACE):
            await flight.handler.write(spec.path, flight.value, deadline=self._clock.monotonic() + left)
        if flight.watch is None:
            words = "confirmed by the device; it cannot be read back"
            return Occurrence(Event.CONFIRMED, f"{words}; {flight.remark}" if flight.remark else words)
        flight.watch.written()
        self._overtake(flight, spec)
        return Occurrence(Event.AWAITS_READBACK, f"sent, waiting for the readback of {flight.watch.path}")

    def _overtake(self, flight: Flight, spec: TagSpec) -> None:
        """What was told otherwise before, by another set-point of the same readback, ends now."""
        assert flight.watch is not None, "only what is read back overtakes"
        words = f"overtaken by {spec.path} = {show(flight.value, spec)} of {flight.command.actor}"
        for other in self.writing.values():
            if other is flight or other.watch is None or other.watch.handle != flight.watch.handle:
                continue
            if other.value != flight.value:
                other.watch.overtaken(words)

    async def _call(self, flight: Flight) -> Occurrence:
        assert flight.handler is not None, "checked commands have a handler"
        command = flight.command
        left = max(0.0, self._left(command))
        grace = self._marks(flight).timeout or CALL_GRACE
        try:
            async with self._clock.timeout(left + grace):
                deadline = self._clock.monotonic() + left
                result = await flight.handler.call(command.name, command.arguments, deadline=deadline)
        except TimeoutError:
            raise NoAnswerError(f"unconfirmed, {command.name} has not returned for {grace:g} s") from None
        return Occurrence(Event.CONFIRMED, "", result)

    @contextmanager
    def _asking(self, flight: Flight) -> Iterator[None]:
        """Who asks is known to the device while it executes, and how to ask whether it still may."""
        asker = flight.actor.asker or flight.actor
        token = ASKED_BY.set(asker.name)
        who = ASKER.set(Asker(asker.name, asker.person, asker.kind, asker.role_names))
        check = BEFORE_IT_BEGINS.set(lambda: self._check_at_begin(flight))
        permit = LET_IT_BEGIN.set(lambda: self._let_begin(flight))
        number = ACCEPTED.set(flight.number)
        try:
            yield
        finally:
            ACCEPTED.reset(number)
            LET_IT_BEGIN.reset(permit)
            BEFORE_IT_BEGINS.reset(check)
            ASKER.reset(who)
            ASKED_BY.reset(token)

    async def _let_begin(self, flight: Flight) -> None:
        try:
            await self._permit(flight.command)
        except RefusedError as error:
            raise _BarredError(str(error)) from None

    def _check_at_begin(self, flight: Flight) -> None:
        """Maintenance and interlock, when the device has become free for it."""
        spec = flight.tag
        try:
            self._check_in_service(flight)
            if spec is None:
                flight.remark = self._check_named(flight)
            else:
                flight.remark = self._interlocks.check(spec.setpoint.interlock, spec.path)
        except RefusedError as error:
            raise _BarredError(str(error)) from None

    def _check_in_service(self, flight: Flight) -> None:
        device = flight.command.target if flight.tag is None else flight.tag.device
        override = self._hub.out_of_service(device)
        if override is not None:
            raise RefusedError(f"{override.path} is out for maintenance: {override.reason} ({_until(override)})")
        lock = self._hub.lock_on(device)
        if lock is not None and not lock.admits(flight.command.actor) and not self._reads(flight.command):
            raise RefusedError(f"{lock.device} is locked by {lock.actor}")

    def _find_tag(self, flight: Flight) -> None:
        path = flight.command.target
        handle = self._hub.table.paths.get(path)
        if handle is None:
            raise RefusedError(str(not_found("tag", path, self._hub.nearest(path, flight.actor))))
        flight.tag = self._hub.spec(handle)

    def _find_device(self, flight: Flight) -> None:
        path = flight.command.target
        flight.handler = self.handlers.get(path)
        if flight.handler is None:
            visible = [p for p in self.handlers if flight.actor.may(Right.READ, p)]
            raise RefusedError(str(not_found("device that takes commands", path, near_spellings(path, visible))))
        if not flight.command.name:
            raise RefusedError(f"a call of {path} needs the name of its command")

    def _readback_of(self, spec: TagSpec) -> int | None:
        """Handle of the tag that proves the write; None where there is none."""
        if spec.setpoint.readback != "self":
            return self._hub.table.handle(spec.setpoint.readback)
        return None if spec.access is Access.WRITE else self._hub.table.handle(spec.path)

    def _check_expected(self, spec: TagSpec, command: Command, now: object) -> None:
        if command.expected is not None and not unchanged(spec, command.expected, now):
            raise RefusedError(f"{spec.path} is {show(now, spec)}, you saw {show(command.expected, spec)}")

    def _check_plant(self, spec: TagSpec, flight: Flight) -> str:
        """What depends on the live values; a remark on them."""
        self._rates.check(spec, self._shown_by(spec), flight.value)
        return self._interlocks.check(spec.setpoint.interlock, spec.path)

    def _check_named(self, flight: Flight) -> str:
        """The interlock of a named command; a remark on what it was judged by."""
        return self._interlocks.check(self._marks(flight).interlock, _place(flight))

    def _marks(self, flight: Flight) -> Marks:
        """What is said of a named command now; devices may take a name in any case."""
        called = flight.command.name.casefold()
        marked = self._marked(flight.command.target).items()
        return next((marks for name, marks in marked if name.casefold() == called), Marks())

    def _shown_by(self, spec: TagSpec) -> int | None:
        """Handle of the tag that shows the present value."""
        return self._hub.table.handle(spec.path) if spec.access is not Access.WRITE else self._readback_of(spec)

    def _old_value(self, spec: TagSpec) -> object:
        handle = self._shown_by(spec)
        return None if handle is None else self._hub.readings.one(handle).value

    def _left(self, command: Command) -> float:
        return (command.expires - self._clock.wall_ns()) / 1e9

    def _expired(self, when: str) -> Occurrence:
        return Occurrence(Event.EXPIRED, f"its time was over {when}; never sent")


async def _kept(keeping: Awaitable[T]) -> T:
    """Raises RefusedError if the journal cannot keep it: then it is not sent."""
    try:
        return await keeping
    except RefusedError:
        raise
    except (OSError, SerenoError) as error:
        raise RefusedError(f"the command could not be recorded, so it is not sent: {error}") from error


def call_place(device: str, name: str) -> str:
    """What a named command holds. Devices may take a name in any case, so its case makes no difference."""
    return f"{device}/{name.casefold()}()"


def _place(flight: Flight) -> str:
    return call_place(flight.command.target, flight.command.name) if flight.tag is None else flight.tag.path


def _held(other: Flight, place: str, *, same: bool) -> RefusedError:
    """Why it has to be refused; `same` = the other one, which is under way, does what this one would do."""
    name = other.command.actor or "somebody"
    if other.hold is not None and other.hold.open:
        return RefusedError(f"{place} is selected by {name} for another command, which {other.hold.words}")
    error = RefusedError(f"another command to {place} is under way, of {name}")
    if same:
        vars(error)[BEING_DONE] = True
    return error
