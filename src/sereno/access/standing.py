"""Somebody who was there a while ago: with the rights of this moment, or shut out."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from sereno.store import people, ways_in

from .actor import Actor
from .roles import roles_named


def standing(connection: Connection, actor: Actor, now: int) -> Actor | None:
    """The same actor at `now` (ns UTC); None if the person is gone or shut out, or the token has ended.

    Actors that have no account (agents, nodes) stay as they are.
    """
    if actor.kind not in ("person", "token"):
        return actor
    user = people.user_named(connection, actor.person)
    if user is None or user.disabled:
        return None
    roles = roles_named(connection, user.roles)
    if actor.kind == "person":
        return replace(actor, roles=roles)
    named = (row for row in ways_in.all_tokens(connection) if f"{row.user}:{row.name}" == actor.name)
    live = [row for row in named if row.expires > now and actor.roles == roles_named(connection, [row.role])]
    return replace(actor, bound=roles) if live else None
