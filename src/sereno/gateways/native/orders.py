"""Commands from the wire: checked, named after who gives them."""

from __future__ import annotations

import re
from dataclasses import replace

from sereno.access.actor import Actor, Role
from sereno.model import Clock, Command, RefusedError
from sereno.wire.command import finite_value
from sereno.wire.messages import Order

LONGEST = 600.0
MAX_ORDERS = 4096
_KEY = re.compile(r"[A-Za-z0-9_.:-]{8,200}\Z")


def command_of(order: Order, actor: Actor, clock: Clock) -> Command:
    """The command that an actor gives. Raises RefusedError, WireError for what is not finite."""
    fault = _fault(order)
    if fault:
        raise RefusedError(fault)
    return Command(
        target=order.target,
        verb=order.verb,
        value=finite_value(order.value),
        name=order.name,
        arguments=tuple(finite_value(order.arguments)),
        actor=actor.name,
        via="native",
        origin=actor.origin,
        expected=finite_value(order.expected),
        expires=clock.wall_ns() + int(order.lifetime * 1e9),
        comment=order.comment,
        key=order.key,
    )


def on_behalf(order: Order, actor: Actor, *, believed: bool) -> Actor:
    """The actor, asking for whom the order says. Raises RefusedError where that is not believed."""
    if order.asker is None:
        return actor
    if not believed:
        raise RefusedError("the token says who asks; on whose behalf is heard from nobody here")
    asked = order.asker
    return replace(actor, asker=Actor(asked.name, tuple(Role(name, ()) for name in asked.roles), asked.kind))


def _fault(order: Order) -> str:
    if not 0 < len(order.target) <= 200 or len(order.name) > 200 or len(order.comment) > 1000:
        return "expected a target and a name of at most 200 characters and a comment of at most 1000"
    if not _KEY.match(order.key):
        return f"key {order.key[:40]!r}, expected 8 to 200 of A-Z, a-z, 0-9, '_', '.', ':', '-'"
    if len(order.arguments) > 100:
        return f"{len(order.arguments)} arguments, at most 100"
    if not 0 < order.lifetime <= LONGEST:
        return f"a lifetime of {order.lifetime:g} s, expected more than 0 and at most {LONGEST:g}"
    return ""
