"""What a known peer asks for: reads at once from the table, the rest as tasks of its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from sereno.access.actor import Actor, Right
from sereno.client import ReadPlan
from sereno.model import Ack, AckState, Command, DeniedError, NotFoundError, RefusedError, SerenoError
from sereno.wire.columns import HEAD, VALUE, pack_columns, pack_head
from sereno.wire.errors import WireError
from sereno.wire.messages import AckOf, Order, ack_out, read_ask, read_open, read_orders
from sereno.wire.native import HEADER, MAGIC, VERSION, Flag, Kind, Received, head, pack
from sereno.wire.packed import pack_value
from sereno.wire.tracing import following

from .asking import ANSWERS, check_globs
from .entries import COMMANDS
from .feeds import Feeds
from .orders import MAX_ORDERS, command_of, on_behalf

if TYPE_CHECKING:
    from .connection import Connection

MAX_PLANS = 4096
_READ_FLAGS = Flag.WHOLE | Flag.AGES


class Requests:
    """The requests of one connection. Each is looked up in the table of who may ask for what."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ports = connection.house.ports
        assert connection.actor is not None
        self._actor: Actor = connection.actor
        self._plans: dict[int, tuple[tuple[str, ...], ReadPlan, bool]] = {}
        self._feeds = Feeds(connection)
        self._takers: dict[int, tuple[str, Callable[[Received], None]]] = {
            Kind.READ: ("read", self._read),
            Kind.OPEN: ("open", self._open),
            Kind.COMMAND: ("command", self._command),
            Kind.SUBSCRIBE: ("subscribe", self._feeds.subscribe),
            Kind.UNSUBSCRIBE: ("unsubscribe", self._feeds.unsubscribe),
        }

    def take(self, frame: Received) -> None:
        """Do what a frame asks, or begin to."""
        connection = self._connection
        if frame.kind == Kind.BEAT:
            return
        connection.house.figures.requests += 1
        try:
            if frame.kind == Kind.ASK:
                self._ask(frame)
                return
            what, taker = self._takers[frame.kind]
            if what not in connection.may:
                raise DeniedError(f"denied: {self._actor.name} has no right to {what} here")
            taker(frame)
        except KeyError:
            connection.bye(f"frame of kind {frame.kind}, which a client does not send")
        except (SerenoError, ValueError) as error:
            connection.fail(frame.id, error)

    def close(self) -> None:
        """The connection has ended."""
        self._plans.clear()
        self._ports.locks.gone(self._connection.name)
        self._feeds.close()

    # ---- reads

    def _open(self, frame: Received) -> None:
        globs = check_globs(read_open(frame.body).tags)
        if len(self._plans) >= MAX_PLANS and frame.extra not in self._plans:
            raise RefusedError(f"more than {MAX_PLANS} reads made ready; use a number again")
        plan = self._plan(frame.extra, globs)
        self._connection.answer(frame.id, plan.tags)

    def _plan(self, number: int, globs: tuple[str, ...]) -> ReadPlan:
        plan = self._ports.live.plan(globs, self._actor)
        single = len(plan.tags) == 1 and plan.tags[0].is_row
        self._plans[number] = globs, plan, single
        return plan

    def _read(self, frame: Received) -> None:
        found = self._plans.get(frame.extra)
        if found is None:
            raise NotFoundError(f"no read was made ready under the number {frame.extra}")
        globs, plan, single = found
        if not plan.fresh:
            before = plan.tags
            plan = self._plan(frame.extra, globs)
            if plan.tags != before:
                del self._plans[frame.extra]
                raise NotFoundError(f"other tags are behind the read number {frame.extra} now; make it ready again")
        if single:
            self._send_row(frame.id, plan)
        else:
            self._send_columns(frame.id, plan)

    def _send_row(self, number: int, plan: ReadPlan) -> None:
        value, t_source, exact, age, quality, words = plan.row()
        raw = words.encode("utf-8", "replace")[:1000] if words else b""
        header = HEADER.pack(MAGIC, VERSION, Kind.VALUE, 0, VALUE.size + len(raw), number, 0)
        self._connection.send(header + VALUE.pack(value, t_source, exact, age, quality, len(raw)) + raw)

    def _send_columns(self, number: int, plan: ReadPlan) -> None:
        present = plan.present()
        body = pack_columns(present, _READ_FLAGS, ages=present.ages, object_ages=present.object_ages)
        top = pack_head(present, body, _READ_FLAGS, 0)
        header = head(Kind.COLUMNS, HEAD.size + len(body), number, 0, _READ_FLAGS)
        self._connection.send(b"".join((header, top, body)))

    # ---- commands

    def _command(self, frame: Received) -> None:
        orders = read_orders(frame.body).orders
        if not 0 < len(orders) <= MAX_ORDERS:
            raise RefusedError(f"{len(orders)} commands in a frame, expected 1 to {MAX_ORDERS}")
        if not any(self._actor.may_somewhere(right) for right in COMMANDS) and not all(map(self._reads, orders)):
            raise DeniedError(f"denied: {self._actor.name} has no right to command here")
        self._connection.spawn(frame.id, self._execute(frame.id, orders), "commands")

    def _reads(self, order: Order) -> bool:
        command = command_of(order, self._actor, self._ports.clock)
        return Right.READ in self._ports.rights_of(command)

    async def _execute(self, number: int, orders: list[Order]) -> None:
        """All at once; the last frame says that there are no more."""
        await asyncio.gather(*(self._follow(number, place, order) for place, order in enumerate(orders)))
        self._connection.send(pack(Kind.ACKS, number, 0, pack_value([]), Flag.LAST))

    async def _follow(self, number: int, place: int, order: Order) -> None:
        last: Ack | None = None
        try:
            command = command_of(order, self._actor, self._ports.clock)
            await self._note_denied(command)
            actor = on_behalf(order, self._actor, believed=self._ports.for_whom)
            with following(order.trace):
                acks = self._ports.commands.submit(command, actor)
            async for ack in acks:
                last = ack
                self._tell(number, ack_out(place, ack))
        except (SerenoError, ValueError) as error:
            self._tell(number, self._refusal(place, order.key, error))
            return
        if last is None or not last.state.final:
            self._tell(number, self._end(place, order.key, AckState.UNKNOWN, "the acks ended without a final one"))

    async def _note_denied(self, command: Command) -> None:
        if not any(self._actor.may(right, command.target) for right in self._ports.rights_of(command)):
            origin, verb = self._actor.origin, command.verb.value
            await self._ports.door.refused(self._actor.name, verb, command.target, origin, "denied")

    def _tell(self, number: int, ack: AckOf) -> None:
        try:
            body = pack_value([ack])
        except WireError as error:
            ack.value, ack.reason = None, f"{ack.reason}; its value {error}".lstrip("; ")
            body = pack_value([ack])
        self._connection.send(pack(Kind.ACKS, number, 0, body))

    def _refusal(self, place: int, key: str, error: Exception) -> AckOf:
        return self._end(place, key, AckState.REFUSED, str(error))

    def _end(self, place: int, key: str, state: AckState, why: str) -> AckOf:
        return ack_out(place, Ack(key=key, state=state, t=self._ports.clock.wall_ns(), reason=why))

    # ---- the rest

    def _ask(self, frame: Received) -> None:
        ask = read_ask(frame.body)
        if ask.what not in self._connection.may:
            raise DeniedError(
                f"denied: {self._actor.name} has no right to {ask.what!r:.40} here, or there is no such thing"
            )
        self._connection.spawn(frame.id, self._answer(frame.id, ask.what, ask.given), ask.what)

    async def _answer(self, number: int, what: str, given: dict[str, object]) -> None:
        answer = ANSWERS.get(what)
        if answer is None:
            raise RefusedError(f"{what!r} is not asked for in this way")
        self._connection.answer(number, await answer(self._ports, given, self._actor, self._connection.name))
