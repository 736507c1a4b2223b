"""The command journal on disk: an intent is durable before the first byte goes out, a final ack before it is told.

Implements the hub's IntentJournal. Its calls block for the disk's flush.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from sereno.model import Ack, AckState, Clock, Command, RefusedError, SystemClock, TagSpec, Verb
from sereno.wire.command import decode_ack, decode_command, encode_ack, encode_command
from sereno.wire.jsonvalue import json_bytes

from .audit import AuditEntry, add_entry
from .engine import Store
from .tables import ACKS, INTENTS

INTENDED = "intended"


class StoredIntents:
    """Intents and acks by key, each with its line in the audit.

    A command that an earlier process began and never finished reads as unknown: it may have been sent.
    """

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._under_way: set[str] = set()

    def intend(self, command: Command, tag: TagSpec | None, old_value: Any) -> list[Ack] | None:
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
                return self._told(command.key, _acks(connection, command.key), connection)
            row = {"key": command.key, "t": now, "target": command.target, "actor": command.actor}
            connection.execute(insert(INTENTS).values(**row, command=envelope, old=old))
            add_entry(connection, _entry(command, now, msgspec.json.decode(old), INTENDED))
            return None

        earlier = self._store.run_now(work)
        if earlier is None:
            self._under_way.add(command.key)
        return earlier

    def record(self, ack: Ack) -> None:
        """Keep an ack. Raises StoreError."""
        self._store.run_now(lambda c: _record(c, ack))
        if ack.state.final:
            self._under_way.discard(ack.key)

    def acks(self, key: str) -> list[Ack]:
        """The acks of a command, by time; empty for a key that is not known. Raises StoreError."""
        return self._store.run_now(lambda c: self._told(key, _acks(c, key), c))

    def _told(self, key: str, acks: list[Ack], connection: Connection) -> list[Ack]:
        if key in self._under_way or (acks and acks[-1].state.final):
            return acks
        intended = connection.scalar(select(INTENTS.c.t).where(INTENTS.c.key == key))
        if intended is None:
            return acks
        reason = "the node stopped before the outcome was known; it may have been carried out"
        t = acks[-1].t if acks else intended
        return [*acks, Ack(key=key, state=AckState.UNKNOWN, t=t, reason=reason)]


def _check_same(known: Command, given: Command) -> None:
    for name in ("target", "verb", "name", "value", "arguments"):
        if getattr(known, name) != getattr(given, name):
            raise RefusedError(
                f"key {known.key!r} belongs to another command ({known.verb} {known.target}); send a fresh key"
            )


def _acks(connection: Connection, key: str) -> list[Ack]:
    rows: Sequence[str] = connection.scalars(select(ACKS.c.ack).where(ACKS.c.key == key).order_by(ACKS.c.id)).all()
    return [decode_ack(row.encode()) for row in rows]


def _record(connection: Connection, ack: Ack) -> None:
    connection.execute(insert(ACKS).values(key=ack.key, ack=encode_ack(ack).decode()))
    if not ack.state.final:
        return
    row = connection.execute(select(INTENTS.c.command, INTENTS.c.old).where(INTENTS.c.key == ack.key)).first()
    if row is not None:
        outcome = f"{ack.state}: {ack.reason}" if ack.reason else ack.state.value
        command = decode_command(row.command.encode())
        add_entry(connection, _entry(command, ack.t, msgspec.json.decode(row.old), outcome))


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
    )
