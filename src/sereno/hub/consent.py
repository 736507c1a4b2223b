"""What people do about commands that wait for them: who may, with which signature, and on record before it counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from sereno.access.actor import Actor, Right
from sereno.client import WaitingCommand, WaitsFor, not_waiting
from sereno.model import Act, Clock, DeniedError, OperationError, RefusedError, Say, SerenoError, Signature

from .command_life import Event
from .flight import Flight
from .hold import Hold
from .journal import IntentJournal

Authenticate = Callable[[str, str, str], Awaitable[str]]
"""From name, password and origin to the printed name of a person. Raises DeniedError."""
PEOPLE = ("person", "token")
"""Kinds of actors behind whom a person stands."""


async def nobody_signs(name: str, password: str, origin: str) -> str:
    """For nodes without accounts."""
    del password, origin
    raise DeniedError(f"{name} cannot sign here: this node keeps no passwords")


class _Proof(NamedTuple):
    """What makes a signature."""

    password: str
    meaning: str


class Consent:
    """Implements WaitingPort over the commands under way. An act counts when it is on record, and never after time."""

    def __init__(
        self, flights: Mapping[str, Flight], clock: Clock, journal: IntentJournal, authenticate: Authenticate
    ) -> None:
        self._flights = flights
        self._clock = clock
        self._journal = journal
        self._authenticate = authenticate

    async def waiting(self, actor: Actor) -> list[WaitingCommand]:
        """See WaitingPort."""
        held = [(flight, flight.hold) for flight in self._flights.values() if flight.hold is not None]
        found = [_told(flight, hold, actor) for flight, hold in held if hold.open and _sees(actor, flight)]
        return sorted(found, key=lambda one: one.since)

    async def execute(self, key: str, actor: Actor, *, password: str = "", meaning: str = "") -> None:
        """See WaitingPort."""
        flight, hold = self._held(key, actor)
        signature = await self._signed(Say.EXECUTE, flight, hold, actor, _Proof(password, meaning))
        async with hold.desk:
            await self._keep(Say.EXECUTE, flight, hold, actor, signature=signature)
            flight.actor = actor
            hold.decide(Event.RELEASED)

    async def approve(
        self, key: str, actor: Actor, *, password: str = "", meaning: str = "", comment: str = ""
    ) -> None:
        """See WaitingPort."""
        flight, hold = self._held(key, actor)
        signature = await self._signed(Say.APPROVE, flight, hold, actor, _Proof(password, meaning))
        async with hold.desk:
            await self._keep(Say.APPROVE, flight, hold, actor, comment=comment, signature=signature)
            hold.approve(actor.name)

    async def decline(self, key: str, actor: Actor, *, reason: str) -> None:
        """See WaitingPort."""
        flight, hold = self._held(key, actor)
        if not reason.strip():
            raise RefusedError("say why the command is declined")
        async with hold.desk:
            await self._keep(Say.DECLINE, flight, hold, actor, comment=reason)
            hold.decide(Event.REFUSED, f"declined by {actor.name}: {reason}")

    async def cancel(self, key: str, actor: Actor) -> None:
        """See WaitingPort."""
        flight, hold = self._held(key, actor)
        async with hold.desk:
            await self._keep(Say.CANCEL, flight, hold, actor)
            hold.decide(Event.WITHDRAWN, f"withdrawn by {actor.name}")

    def _held(self, key: str, actor: Actor) -> tuple[Flight, Hold]:
        flight = self._flights.get(key)
        if flight is None or flight.hold is None or not _sees(actor, flight):
            raise not_waiting(key)
        return flight, flight.hold

    async def _signed(self, say: Say, flight: Flight, hold: Hold, actor: Actor, proof: _Proof) -> Signature | None:
        """The signature where one is asked for. Permission comes before the password is looked at."""
        _check(say, flight, hold, actor)
        if not hold.meanings:
            return None
        if actor.kind != "person":
            raise DeniedError(f"{actor.name} cannot sign: only a person who is signed in can")
        if proof.meaning not in hold.meanings or not proof.password:
            raise RefusedError(f"sign with your password and a meaning: {', '.join(hold.meanings)}")
        name = await self._authenticate(actor.name, proof.password, actor.origin)
        return Signature(name=name, meaning=proof.meaning, t=self._clock.wall_ns())

    async def _keep(
        self,
        say: Say,
        flight: Flight,
        hold: Hold,
        actor: Actor,
        *,
        comment: str = "",
        signature: Signature | None = None,
    ) -> None:
        """Check once more, nothing else being decided meanwhile, and put it on record."""
        _check(say, flight, hold, actor)
        t = self._clock.wall_ns()
        act = Act(say=say, actor=actor.name, t=t, origin=actor.origin, comment=comment, signature=signature)
        try:
            await self._journal.note(flight.command, flight.old_value, act)
        except (OSError, SerenoError) as error:
            raise OperationError(f"{say} could not be recorded, so it does not count: {error}") from error


def _check(say: Say, flight: Flight, hold: Hold, actor: Actor) -> None:
    """Raises RefusedError if this is not what the command waits for, DeniedError if the actor may not do it."""
    target = flight.command.target
    if not hold.open or flight.stopped:
        raise RefusedError(f"the command to {target} does not wait any more")
    if say in (Say.EXECUTE, Say.CANCEL):
        if not _own(actor, flight):
            raise DeniedError(f"only {flight.command.actor} may {say} this command to {target}")
        if say is Say.EXECUTE and hold.waits_for is not WaitsFor.EXECUTION:
            raise RefusedError(f"the command to {target} {hold.words}")
        return
    if actor.kind not in PEOPLE or not actor.may(Right.APPROVE, target):
        raise DeniedError(f"{actor.name} may not {say} commands to {target}")
    if actor.person == flight.actor.person:
        raise DeniedError(f"{actor.name} may not {say} a command of {flight.command.actor}: it takes a second person")
    if say is Say.APPROVE and hold.waits_for is not WaitsFor.APPROVAL:
        raise RefusedError(f"the command to {target} {hold.words}")


def _own(actor: Actor, flight: Flight) -> bool:
    """Its own actor, or the person who answers for it."""
    return actor.name == flight.command.actor or (actor.kind == "person" and actor.name == flight.actor.person)


def _sees(actor: Actor, flight: Flight) -> bool:
    return _own(actor, flight) or actor.may(Right.READ, flight.command.target)


def _told(flight: Flight, hold: Hold, actor: Actor) -> WaitingCommand:
    command = flight.command
    return WaitingCommand(
        key=command.key,
        target=command.target,
        verb=command.verb,
        name=command.name,
        arguments=command.arguments,
        value=command.value,
        old=flight.old_value,
        actor=command.actor,
        since=hold.since,
        until=hold.until,
        waits_for=hold.waits_for,
        sign=hold.meanings,
        approved_by=hold.approved_by,
        comment=command.comment,
        may=tuple(say for say in Say if _may(say, flight, hold, actor)),
    )


def _may(say: Say, flight: Flight, hold: Hold, actor: Actor) -> bool:
    try:
        _check(say, flight, hold, actor)
    except (RefusedError, DeniedError):
        return False
    return not (hold.meanings and say in (Say.EXECUTE, Say.APPROVE) and actor.kind != "person")
