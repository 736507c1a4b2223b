"""A node over the native protocol: the ports in binary frames; what it does not carry goes over the node's HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sereno.access.actor import Actor
from sereno.model import (
    Ack,
    AckState,
    Clock,
    Command,
    DeliveryError,
    NotConnectedError,
    RefusedError,
    TagSpec,
    row_value,
)
from sereno.wire.columns import Block, unpack_columns, unpack_scalar
from sereno.wire.errors import WireError
from sereno.wire.messages import Ask, Asked, Open, Orders, ack_in, order_of, read_acks, read_tags
from sereno.wire.native import Kind, Received
from sereno.wire.packed import Unpacker, pack_value, unpack_value

from ._asked import ASKER
from ._locks import Lock
from ._native_commands import follow
from ._native_link import NativeLink
from ._native_live import NativeSubscription
from ._native_wire import Wire, WirePlan, checked
from ._parse import parse_device
from ._present import block_present, readings
from ._remote import RemoteClient, RemoteNode
from ._values import DeviceStatus, HistoryRequest, Present, Reading, Series

_DEFAULT_LIFETIME = 10.0
_lock, _locks = Unpacker(Lock), Unpacker(list[Lock])


class NativeNode:
    """Implements LivePort, CommandPort, HistoryPort and `devices` of DevicePort. The token says who asks."""

    def __init__(self, link: NativeLink, *, for_whom: bool = False) -> None:
        self.link = link
        self.clock: Clock = link.clock
        self.for_whom = for_whom

    # ---- live values

    async def tags(self, globs: Sequence[str], actor: Actor) -> list[TagSpec]:  # noqa: ARG002 - the token says who
        """See LivePort."""
        return list(await self.ask("tags", reader=read_tags, globs=list(globs)))

    async def read(self, globs: Sequence[str], actor: Actor) -> list[Reading]:  # noqa: ARG002
        """See LivePort. Asked again, nothing but numbers travels."""
        plan, frame = await self._read(tuple(globs))
        if frame.kind == Kind.VALUE:
            row, spec = unpack_scalar(frame.body), plan.tags[0]
            value = row_value(spec, row.value, row.exact, row.quality)
            return [Reading(spec, value, row.quality, row.reason, row.t_source, row.age)]
        return readings(plan.tags, self._columns(plan, frame))

    async def present(self, *globs: str) -> tuple[tuple[TagSpec, ...], Present]:
        """Present values as columns, for many tags at once: declarations, and columns over them."""
        plan, frame = await self._read(globs)
        if frame.kind != Kind.VALUE:
            return plan.tags, block_present(self._columns(plan, frame))
        row = unpack_scalar(frame.body)
        has_exact = plan.tags[0].type.is_exact and row.value.is_integer()
        return plan.tags, Present(
            t_hub=self.clock.wall_ns(),
            index=plan.rows,
            values=np.array([row.value]),
            t_source=np.array([row.t_source], np.int64),
            quality=np.array([row.quality], np.uint16),
            exact_rows=np.array([0] if has_exact else [], np.int32),
            exact_values=np.array([row.exact] if has_exact else [], np.int64),
            ages=np.array([row.age], np.float32),
            reasons={0: row.reason} if row.reason else {},
        )

    async def subscribe(
        self,
        globs: Sequence[str],
        actor: Actor,  # noqa: ARG002
        *,
        min_interval: float = 0.0,
        lossless: bool = False,
    ) -> NativeSubscription:
        """See LivePort; the values turn bad while the connection is lost. Raises RefusedError for lossless ones."""
        if lossless:
            raise RefusedError("a remote subscription cannot be lossless; ask for history, or run at the node")
        return await self.watch(globs, interval=min_interval)

    async def watch(self, globs: Sequence[str], **how: Any) -> NativeSubscription:
        """A subscription with the fields of `wire.messages.SubscribeTo`: kind, interval, absolute, relative, period."""
        subscription = NativeSubscription(self.link, tuple(globs), how)
        await subscription.open()
        return subscription

    # ---- commands

    def _asked(self) -> Asked | None:
        """On whose behalf, where the server wants to know."""
        asker = ASKER.get()
        return Asked(asker.name, asker.kind, list(asker.roles)) if self.for_whom and asker.name else None

    async def submit(self, command: Command, actor: Actor) -> AsyncIterator[Ack]:  # noqa: ARG002
        """See CommandPort. Sent again after a lost connection, within its lifetime: the same key is the same command.

        Raises NotConnectedError if it was never sent, DeniedError for a wrong token.
        """
        lifetime = (command.expires - self.clock.wall_ns()) / 1e9 if command.expires else _DEFAULT_LIFETIME
        body = pack_value(Orders([order_of(command, lifetime, self._asked())]))
        sent, told = False, set[AckState]()
        while True:
            try:
                wire = await self.link.ready()
                acks = follow(wire, body)
                sent = True
                async for _, ack in acks:
                    if ack.state.final or ack.state not in told:
                        told.add(ack.state)
                        yield ack
                    if ack.state.final:
                        return
                return
            except DeliveryError as error:
                if not sent:
                    raise
                if command.expires and self.clock.wall_ns() > command.expires:
                    yield self._unknown(command, error)
                    return
                if isinstance(error, NotConnectedError) and self.link.wire is None:
                    await self.clock.sleep(0.05)

    async def submit_all(self, commands: Sequence[Command], selected: Callable[[str], Awaitable[None]]) -> list[Ack]:
        """The final acks of commands that go in one frame and at the same time, in their order.

        `selected` is called with the key of each that waits to be let go.
        """
        lifetimes = [(c.expires - self.clock.wall_ns()) / 1e9 if c.expires else _DEFAULT_LIFETIME for c in commands]
        body = pack_value(Orders([order_of(c, s, self._asked()) for c, s in zip(commands, lifetimes, strict=True)]))
        final: dict[int, Ack] = {}
        try:
            async for position, ack in follow(await self.link.ready(), body):
                if ack.state is AckState.SELECTED:
                    await selected(ack.key)
                elif ack.state.final:
                    final[position] = ack
        except DeliveryError as error:
            if not final and isinstance(error, NotConnectedError):
                raise
            missing = {n: self._unknown(c, error) for n, c in enumerate(commands) if n not in final}
            final.update(missing)
        return [final.get(n) or self._unknown(c, "the acks ended") for n, c in enumerate(commands)]

    async def acks(self, key: str, actor: Actor) -> list[Ack]:  # noqa: ARG002
        """See CommandPort."""
        return [ack_in(one) for one in await self.ask("acks", reader=read_acks, key=key)]

    def _unknown(self, command: Command, why: object) -> Ack:
        return Ack(key=command.key, state=AckState.UNKNOWN, t=self.clock.wall_ns(), reason=str(why))

    # ---- history and devices

    async def query(self, request: HistoryRequest, actor: Actor) -> list[Series]:  # noqa: ARG002
        """See HistoryPort."""
        given = {"tags": list(request.tags), "start": request.start, "end": request.end, "points": request.points}
        found = await self.ask("history", **given)
        names = Series.__dataclass_fields__
        return [_series({k: v for k, v in one.items() if k in names}) for one in found]

    async def devices(self, actor: Actor) -> list[DeviceStatus]:  # noqa: ARG002
        """See DevicePort."""
        return [parse_device(one) for one in await self.ask("devices")]

    # ---- locks

    async def lock(self, device: str, actor: Actor, *, seconds: float = 0.0, holder: str = "") -> Lock:  # noqa: ARG002
        """See LockPort; it ends with this connection at the latest."""
        found: Lock = await self.ask("lock", reader=_lock, device=device, seconds=seconds)
        return found

    async def unlock(self, device: str, actor: Actor, *, force: bool = False) -> Lock:  # noqa: ARG002
        """See LockPort."""
        found: Lock = await self.ask("unlock", reader=_lock, device=device, force=force)
        return found

    async def locks(self, actor: Actor) -> list[Lock]:  # noqa: ARG002
        """See LockPort."""
        found: list[Lock] = await self.ask("locks", reader=_locks)
        return found

    def gone(self, holder: str) -> None:
        """See LockPort: the server sees it by itself."""

    async def ask(self, what: str, *, reader: Any = unpack_value, **given: Any) -> Any:
        """One of the server's operations by name."""
        wire = await self.link.ready()
        return reader(checked(await wire.ask(Kind.ASK, 0, pack_value(Ask(what, given)))).body)

    # ---- reads

    async def _read(self, globs: tuple[str, ...]) -> tuple[WirePlan, Received]:
        wire = self.link.wire or await self.link.ready()
        plan = wire.plans.get(globs)
        if plan is not None:
            frame = await wire.ask(Kind.READ, plan.number)
            if frame.kind != Kind.FAILED:
                return plan, frame
            wire.plans.pop(globs, None)  # the tags behind it have changed
        plan = await self._make_ready(wire, globs)
        return plan, checked(await wire.ask(Kind.READ, plan.number))

    async def _make_ready(self, wire: Wire, globs: tuple[str, ...]) -> WirePlan:
        number = wire.plan_number()
        answer = checked(await wire.ask(Kind.OPEN, number, pack_value(Open(list(globs)))))
        tags = read_tags(answer.body)
        rows = np.array([p for p, tag in enumerate(tags) if tag.is_row], np.int32)
        plan = wire.plans[globs] = WirePlan(number, tags, rows)
        return plan

    def _columns(self, plan: WirePlan, frame: Received) -> Block:
        if frame.kind != Kind.COLUMNS:
            raise WireError(f"{self.link.url} answered a read with a frame of kind {frame.kind}")
        return unpack_columns(frame.flags, frame.body, len(plan.tags), plan.rows)


def _series(fields: dict[str, Any]) -> Series:
    series = Series(**{**fields, **{name: tuple(fields.get(name, ())) for name in ("labels", "converted")}})
    return series if series.objects is None else replace(series, objects=tuple(series.objects))


class NativeClient(RemoteClient):
    """A Client over the native protocol. Traces, overrides and guards go over the node's HTTP, if it has that."""

    def __init__(self, native: NativeNode, pages: RemoteNode, actor: Actor) -> None:
        super().__init__(pages, actor)
        self.native = native
        self.live = native
        self.commands = native
        self.history = native
        self.lock_port = native

    async def may_begin(self, key: str) -> None:
        """See RemoteClient."""
        await self.native.ask("begins", key=key)

    async def devices(self) -> list[DeviceStatus]:
        """All devices, by path."""
        return await self.native.devices(self.actor)

    async def close(self) -> None:
        """Close all connections."""
        await super().close()
        await self.native.link.close()
