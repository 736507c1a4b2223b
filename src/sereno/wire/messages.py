"""What the bodies of native frames say, as structures (docs/wire.md). Unknown fields are refused by the server."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import msgspec

from sereno.model import Ack, AckState, Command, TagSpec, Verb

from .errorvalue import ErrorFields
from .packed import Unpacker
from .tracing import present_context


class Hello(msgspec.Struct, forbid_unknown_fields=True):
    """The first frame: who comes, and how often it will be heard at the least (seconds)."""

    token: str = ""
    program: str = ""
    beat: float = 1.0


class Welcome(msgspec.Struct):
    """The server's answer to `Hello`: who you are here, and how often it will be heard at the least.

    `for_whom`: it wants to know with each command on whose behalf it is given, and believes it.
    """

    actor: str
    kind: str = "person"
    rights: list[str] = []
    node: str = ""
    beat: float = 1.0
    connection: str = ""
    pages: str = ""
    for_whom: bool = False


class Asked(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """On whose behalf a command is given: the fields of an Asker."""

    name: str
    kind: str = ""
    roles: list[str] = []


class Open(msgspec.Struct, forbid_unknown_fields=True):
    """A read to be repeated under the frame's `extra` as its number."""

    tags: list[str] = []


class SubscribeTo(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One subscription. `kind`: change, periodic, archive, data_ready, interface, alarm.

    `absolute`, `relative`: changes beyond the larger of the two alone; `interval`: seconds between updates at the
    least; `period`: seconds of periodic and archive.
    """

    sub: int
    tags: list[str] = []
    kind: str = "change"
    interval: float = 0.0
    absolute: float = 0.0
    relative: float = 0.0
    period: float = 0.0


class SubscribeAll(msgspec.Struct, forbid_unknown_fields=True):
    """Several in one frame."""

    subscriptions: list[SubscribeTo]


class Subscribed(msgspec.Struct):
    """What became of one: its tags as they are declared, or the error."""

    sub: int
    tags: tuple[TagSpec, ...] = ()
    error: ErrorFields | None = None


class Unsubscribe(msgspec.Struct, forbid_unknown_fields=True):
    """No more of these."""

    subs: list[int]


class Order(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A command; who gives it is known from the connection. `lifetime`: seconds after which it is not sent.

    `trace`: OpenTelemetry's context, where there is one. `asker`: for a server that wants to know it.
    """

    target: str
    key: str
    verb: Verb = Verb.WRITE
    value: Any = None
    name: str = ""
    arguments: list[Any] = []
    origin: str = ""
    expected: Any = None
    lifetime: float = 10.0
    comment: str = ""
    trace: dict[str, str] = {}
    asker: Asked | None = None


class Orders(msgspec.Struct, forbid_unknown_fields=True):
    """Commands that go at the same time."""

    orders: list[Order]


class AckOf(msgspec.Struct):
    """A step in the life of the order at this position; `more` are fields that an ack has beyond these."""

    position: int
    key: str
    state: AckState
    t: int
    reason: str = ""
    value: Any = None
    more: dict[str, Any] = {}


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """Everything else: `what` names an operation of the server."""

    what: str
    given: dict[str, Any] = {}


read_hello = Unpacker(Hello)
read_welcome = Unpacker(Welcome)
read_open = Unpacker(Open)
read_subscribe = Unpacker(SubscribeAll)
read_subscribed = Unpacker(list[Subscribed])
read_tags = Unpacker(tuple[TagSpec, ...])
read_unsubscribe = Unpacker(Unsubscribe)
read_orders = Unpacker(Orders)
read_acks = Unpacker(list[AckOf])
read_ask = Unpacker(Ask)
read_error = Unpacker(ErrorFields)

_ACK_FIELDS = ("key", "state", "t", "reason", "value")


def order_of(command: Command, lifetime: float, asker: Asked | None = None) -> Order:
    """A command as it travels."""
    return Order(
        target=command.target,
        key=command.key,
        verb=command.verb,
        value=command.value,
        name=command.name,
        arguments=list(command.arguments),
        origin=command.origin,
        expected=command.expected,
        lifetime=lifetime,
        comment=command.comment,
        trace=present_context(),
        asker=asker,
    )


def ack_out(position: int, ack: Ack) -> AckOf:
    """An ack as it travels, with all the fields it has."""
    more = {f.name: value for f in fields(ack) if f.name not in _ACK_FIELDS and (value := getattr(ack, f.name))}
    return AckOf(position, ack.key, ack.state, ack.t, ack.reason, ack.value, more)


def ack_in(found: AckOf) -> Ack:
    """The ack again; fields that this side does not know are left out."""
    known = {f.name for f in fields(Ack)}
    more = {name: value for name, value in found.more.items() if name in known}
    return Ack(key=found.key, state=found.state, t=found.t, reason=found.reason, value=found.value, **more)
