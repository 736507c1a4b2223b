"""The fleet: gateways that answer or lie as they are told, the inventory, and what each of them really said."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sereno.device import Listener, Transports
from sereno.model import Clock

from .lies import LIES, OWN_OF_INVENTORY, Told, honest, wrong_inventory

VECTOR, NUMBER = "/compteur_bille", "/temperature"
PATHS = (VECTOR, NUMBER)
TOTALS = "totals"
"""What a gateway is told, as its lies may be about."""
STEP = 0.001
"""Seconds between two pieces of a stream."""


@dataclass
class Gateway:
    """One of the fleet. `lie` "" = honest, for the path `on` or TOTALS; `said` are its honest answers, by path."""

    number: int
    listener: Listener | None = None
    lie: str = ""
    on: str = ""
    seen: int = 0
    said: dict[str, list[Any]] = field(default_factory=dict)
    totals: list[tuple[int, int]] = field(default_factory=list)
    """What it was told after this sweep: lane and total."""

    @property
    def address(self) -> str:
        assert self.listener is not None
        return f"127.0.0.1:{self.listener.port}"


class World:
    """`count` gateways, of which `present` are in the inventory."""

    def __init__(self, count: int, clock: Clock, transports: Transports) -> None:
        self.clock = clock
        self.gateways = [Gateway(n) for n in range(count)]
        self.present: set[int] = set(range(count))
        self.inventory_lie = ""
        self.changes: set[int] | None = None
        """Who is present as soon as the inventory has been asked for: a change in mid-sweep."""
        self.served: list[frozenset[int] | None] = []
        """What the inventory said honestly in this sweep; None for a lie."""
        self.told: Counter[str] = Counter()
        self.longest: Counter[str] = Counter()
        """Bytes of the longest answer, and inventory, before it was hung up on."""
        self.open = 0
        self._transports = transports
        self._inventory: Listener | None = None
        self.turn = 0

    @property
    def url(self) -> str:
        assert self._inventory is not None
        return f"http://127.0.0.1:{self._inventory.port}/inventory"

    async def start(self) -> None:
        """Listen."""
        self._inventory = await self._listen(self._ask_inventory)
        for gateway in self.gateways:
            gateway.listener = await self._listen(partial(self._ask, gateway))

    async def close(self) -> None:
        """Hang up on everybody."""
        for listener in [self._inventory, *(gateway.listener for gateway in self.gateways)]:
            if listener is not None:
                await listener.close()

    def next_sweep(self) -> None:
        """Forget what was said; the values are others from now on."""
        self.turn += 1
        self.served.clear()
        for gateway in self.gateways:
            gateway.said = {path: [] for path in PATHS}
            gateway.totals = []

    def honest_again(self) -> None:
        """Nobody lies any more."""
        self.inventory_lie, self.changes = "", None
        for gateway in self.gateways:
            gateway.lie = ""

    def truth(self, gateway: Gateway, path: str) -> Any:
        """What a gateway answers when it does not lie: never what another one says, or itself in another sweep."""
        first = 1 + gateway.number + 100 * self.turn
        return [first, 2 * first, 3 * first] if path == VECTOR else {"value": first + 0.5}

    def _ask(self, gateway: Gateway, path: str) -> Told:
        told = path.startswith(f"{VECTOR}/")
        lying = gateway.lie and gateway.on in ("", TOTALS if told else path)
        if told:
            lane, total = path.split("/")[2:]
            gateway.totals.append((int(lane), int(total)))
            return LIES[gateway.lie](None) if lying else honest("ok")
        true = self.truth(gateway, path)
        if lying:
            self.told[gateway.lie] += 1
            return LIES[gateway.lie](true)
        gateway.said[path].append(true)
        return honest(true)

    def _ask_inventory(self, _: str) -> Told:
        members = {f"gw{n:02d}": self.gateways[n].address for n in sorted(self.present)}
        if self.inventory_lie:
            self.served.append(None)
            self.told[f"inventory {self.inventory_lie}"] += 1
            own = self.inventory_lie in OWN_OF_INVENTORY
            return wrong_inventory(self.inventory_lie, members) if own else LIES[self.inventory_lie](members)
        self.served.append(frozenset(self.present))
        if self.changes is not None:
            self.present, self.changes = self.changes, None
        return honest(members)

    async def _listen(self, route: Any) -> Listener:
        return await self._transports.listen(lambda: Connection(self, route), "127.0.0.1", 0)


class Connection(asyncio.Protocol):
    """One question, and what it is answered with."""

    def __init__(self, world: World, route: Any) -> None:
        self._world = world
        self._route = route
        self._asked = b""
        self._written = 0
        self._paused = False

    def connection_made(self, transport: Any) -> None:
        """See asyncio.Protocol."""
        self._world.open += 1
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        del exc
        self._world.open -= 1
        what = "inventory" if self._asked.startswith(b"GET /inventory") else "answer"
        self._world.longest[what] = max(self._world.longest[what], self._written)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._paused = True

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._paused = False

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        whole = b"\r\n\r\n" in self._asked
        self._asked += data
        if not whole and b"\r\n\r\n" in self._asked:
            told = self._route(self._asked.split(b" ", 2)[1].decode())
            self._go_on(list(told.parts), told)

    def _go_on(self, parts: list[bytes], told: Told) -> None:
        if self._transport.is_closing():
            return
        if parts and told.pause:
            self._world.clock.call_later(told.pause, partial(self._late, parts, told))
            return
        for part in parts:
            self._write(part)
        self._end(told)

    def _late(self, parts: list[bytes], told: Told) -> None:
        if not self._transport.is_closing():
            self._write(parts[0])
            rest = parts[1:]
            self._go_on(rest, told) if rest else self._end(told)

    def _end(self, told: Told) -> None:
        if told.then == "close":
            self._transport.close()
        elif told.then == "reset":
            reset = getattr(self._transport, "reset", self._transport.abort)
            reset()
        elif told.then == "stream":
            self._stream(told.stream)

    def _stream(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        if not self._paused:
            self._write(data)
        self._world.clock.call_later(STEP, partial(self._stream, data))

    def _write(self, data: bytes) -> None:
        self._written += len(data)
        self._transport.write(data)
