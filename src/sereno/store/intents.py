"""The command journal on disk: an intent is durable before the first byte goes out, a final ack before it is told.

Implements the hub's IntentJournal, in the store's thread: a flush of the disk does not hold up the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from sereno.model import Ack, Act, Clock, Command, RefusedError, SystemClock, TagSpec, Verb, end_of_cut_off
from sereno.wire.command import decode_ack, decode_command, encode_ack, encode_command
from sereno.wire.jsonvalue import json_bytes, json_value

from .audit import AuditEntry, add_entry
from .engine import Store
from .tables import ACKS, INTENTS

INTENDED = "intended"
SELECTED = "command.select"


class StoredIntents:
    """Intents and acks by key, each command with its begin and its end in the audit.

    Acks on the way are written together with the final one: two flushes a command, one more for each act of people.
    A command that an earlier process began and never finished has its end when it is next asked for: cancelled if it
    waited for people, else unknown, for it may have been sent.
    """

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._under_way: dict[str, list[Ack]] = {}

    async def intend(
        self, command: Command, tag: TagSpec | None, old_value: Any, held: Sequence[Ack] = ()
    ) -> list[Ack] | None:
        """Keep the command; the earlier acks instead if its key is known.

        Raises StoreError, WireError, or RefusedError if the key belongs to another command: nothing is kept then.
        """
        del tag
        envelope, old = encode_command(command).decode(), json_bytes(old_value).decode()
        now = self._clock.wall_ns()

        def work(connection: Connection) -> list[Ack] | None:
            known = connection.scalar(select(INTENTS.c.command).where(INTENTS.c.key == command.key))
            if known is not None:
                _check_same(decode_command(known.encode()), decode_command(envelope.encode()))
                return self._told(connection, command.key)
            row = {"key": command.key, "t": now, "target": command.target, "actor": command.actor}
            connection.execute(insert(INTENTS).values(**row, command=envelope, old=old))
            entry = _entry(command, now, msgspec.json.decode(old), INTENDED)
            if held:
                entry = replace(entry, action=SELECTED, outcome=f"selected: {held[-1].reason}")
            add_entry(connection, entry)
            _keep(connection, held)
            self._under_way[command.key] = []
            return None

        return await self._store.run(work)

    async def release(self, command: Command, ack: Ack) -> None:
        """A command that waited goes, with its expiry of now; durable on return. Raises StoreError."""
        envelope, now = encode_command(command).decode(), self._clock.wall_ns()

        def work(connection: Connection) -> None:
            old = connection.scalar(select(INTENTS.c.old).where(INTENTS.c.key == command.key))
            connection.execute(update(INTENTS).where(INTENTS.c.key == command.key).values(command=envelope))
            add_entry(connection, _entry(command, now, msgspec.json.decode(old or "null"), INTENDED))
            _keep(connection, [*self._under_way.pop(command.key, ()), ack])
            self._under_way[command.key] = []

        await self._store.run(work)

    async def note(self, command: Command, old_value: Any, act: Act) -> None:
        """What somebody did about a command that waits, signed where it was signed. Raises StoreError, WireError."""
        known = _entry(command, act.t, json_value(old_value), "done")
        entry = replace(
            known, actor=act.actor, origin=act.origin, action=f"command.{act.say}", comment=act.comment,
            new=json_value(known.new),
        )  # fmt: skip
        await self._store.run(lambda c: add_entry(c, entry, act.signature))

    async def record(self, ack: Ack) -> None:
        """Keep an ack; a final one is durable on return, with all before it. Raises StoreError."""
        before = self._under_way.get(ack.key)
        if before is not None and not ack.state.final:
            before.append(ack)
            return

        def work(connection: Connection) -> None:
            _record(connection, [*(before or ()), ack])
            self._under_way.pop(ack.key, None)

        await self._store.run(work)

    async def known(self, key: str) -> tuple[Command, list[Ack]] | None:
        """A command and its acks, by time; None for a key that is not known. Raises StoreError."""

        def work(connection: Connection) -> tuple[Command, list[Ack]] | None:
            row = connection.scalar(select(INTENTS.c.command).where(INTENTS.c.key == key))
            return None if row is None else (decode_command(row.encode()), self._told(connection, key))

        return await self._store.run(work)

    def _told(self, connection: Connection, key: str) -> list[Ack]:
        if key in self._under_way:
            return [*_kept(connection, key), *self._under_way[key]]
        acks = _kept(connection, key)
        if acks and acks[-1].state.final:
            return acks
        state, reason = end_of_cut_off(acks)
        end = Ack(key=key, state=state, t=self._clock.wall_ns(), reason=reason)
        _record(connection, [end])
        return [*acks, end]


def _check_same(known: Command, given: Command) -> None:
    for name in ("actor", "target", "verb", "name", "value", "arguments"):
        if getattr(known, name) != getattr(given, name):
            raise RefusedError(
                f"key {known.key!r} belongs to another command ({known.verb} {known.target}); send a fresh key"
            )


def _keep(connection: Connection, acks: Sequence[Ack]) -> None:
    for ack in acks:
        connection.execute(insert(ACKS).values(key=ack.key, ack=encode_ack(ack).decode()))


def _kept(connection: Connection, key: str) -> list[Ack]:
    rows: Sequence[str] = connection.scalars(select(ACKS.c.ack).where(ACKS.c.key == key).order_by(ACKS.c.id)).all()
    return [decode_ack(row.encode()) for row in rows]


def _record(connection: Connection, acks: list[Ack]) -> None:
    _keep(connection, acks)
    end = acks[-1]
    row = connection.execute(select(INTENTS.c.command, INTENTS.c.old).where(INTENTS.c.key == end.key)).first()
    if row is not None and end.state.final:
        outcome = f"{end.state}: {end.reason}" if end.reason else end.state.value
        command = decode_command(row.command.encode())
        add_entry(connection, _entry(command, end.t, msgspec.json.decode(row.old), outcome))


def _entry(command: Command, t: int, old: Any, outcome: str) -> AuditEntry:
    called = command.verb is Verb.CALL
    return AuditEntry(
        t=t,
        actor=command.actor,
        origin=command.origin,
        action=f"call {command.name}"[:64] if called else command.verb.value,
        target=command.target,
        old=old,
        new=list(command.arguments) if called else command.value,
        outcome=outcome,
        comment=command.comment,
        command=command.key,
    )
