"""The gateways on the network: each listens on a port of its own, one more tells the inventory."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from sereno.device import Listener, SocketTransports, Transports
from sereno.model import Clock, SystemClock

from .circuit import Circuit

PERIOD = 0.25
QUIET = 0.2
"""Seconds without a question before marbles roll: so that a sweep sees all of them, and none twice."""
MOST_HEAD = 8192
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,6})(?:\r\n|$)", re.IGNORECASE)
Route = Callable[[str, str, bytes], Any]
"""Of a method, a path and a body: what is answered, None for what is not known."""
WAYS_TO_WRITE = ("GET", "PUT", "POST")


class Fleet:
    """All gateways of one circuit. `down` are numbers of those that hang up on everybody."""

    def __init__(self, circuit: Circuit, clock: Clock, transports: Transports | None = None) -> None:
        self.circuit = circuit
        self.down: set[int] = set()
        self.asked = 0
        self._clock = clock
        self._transports: Transports = transports or SocketTransports()
        self._listeners: list[Listener] = []
        self._last_asked = clock.monotonic()

    @property
    def inventory_port(self) -> int:
        """Where GET /inventory tells who belongs to the fleet."""
        return self._listeners[0].port

    @property
    def inventory(self) -> dict[str, dict[str, str]]:
        """Name -> PLC and address of its gateway."""
        ports = [listener.port for listener in self._listeners[1:]]
        return {
            f"gw{i + 1:02d}": {"API": f"plc{i + 1:02d}", "RASP_catch": f"127.0.0.1:{p}"} for i, p in enumerate(ports)
        }

    async def start(self, port: int) -> None:
        """Listen; the inventory at `port`, 0 chooses one. Raises OSError when it is taken."""
        self._listeners.append(await self._listen(self._inventory_route, port, lambda: False))
        for i in range(len(self.circuit)):
            self._listeners.append(await self._listen(partial(self.answer, i), 0, partial(self._is_down, i)))

    async def close(self) -> None:
        """Hang up on everybody."""
        while self._listeners:
            await self._listeners.pop().close()

    async def run(self) -> None:
        """Let marbles roll between sweeps, until cancelled."""
        while True:
            await self._clock.sleep(PERIOD)
            if self._clock.monotonic() - self._last_asked >= QUIET:
                self.circuit.roll(PERIOD)

    def answer(self, gateway: int, method: str, path: str, body: bytes) -> Any:
        """What a gateway says; None for what it does not know.

        Totals are told as the first fleets told them, by GET /compteur_bille/LANE/TOTAL, or by PUT and POST.
        """
        self.asked += 1
        self._last_asked = self._clock.monotonic()
        circuit = self.circuit
        if path == "/deconnection" and method in WAYS_TO_WRITE:
            circuit.disconnect(gateway)
            return {"value": "ok"}
        if path.startswith("/compteur_bille/"):
            return self._told(gateway, method, path.split("/")[2:], body)
        return self._said(gateway, path) if method == "GET" else None

    def _told(self, gateway: int, method: str, words: list[str], body: bytes) -> Any:
        try:
            lane = int(words[0])
            total = int(words[1]) if method == "GET" else int(json.loads(body)["value"])
        except (ValueError, IndexError, KeyError, TypeError):
            return None
        return {"value": total} if self.circuit.tell(gateway, lane, total) else None

    def _said(self, gateway: int, path: str) -> Any:
        circuit = self.circuit
        connected = circuit.connections[gateway]
        known = {
            "/multi_possible": [int(connected > n) for n in range(3)],
            "/checkplusde3": [int(connected > 3), 0, 0],
            "/compteur_bille": circuit.marbles(gateway),
            "/temperature": {"value": circuit.temperature(gateway)},
            "/connections": {"value": connected},
            "/totals": circuit.totals[gateway],
        }
        return known.get(path)

    def _is_down(self, gateway: int) -> bool:
        return gateway in self.down

    def _inventory_route(self, method: str, path: str, body: bytes) -> Any:
        del method, body
        return self.inventory if path == "/inventory" else None

    async def _listen(self, route: Route, port: int, down: Callable[[], bool]) -> Listener:
        return await self._transports.listen(lambda: _Connection(route, down), "127.0.0.1", port)


class _Connection(asyncio.Protocol):
    """One client: requests one after another."""

    def __init__(self, route: Route, down: Callable[[], bool]) -> None:
        self._route = route
        self._down = down
        self._rest = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = transport
        if self._down():
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            head, rest = self._rest[:end], self._rest[end + 4 :]
            length = _length(head)
            if len(rest) < length:
                break
            self._rest = rest[length:]
            self._reply(head.split(b"\r\n", 1)[0].decode("latin-1").split(" "), rest[:length])
        if len(self._rest) > MOST_HEAD:
            self._transport.abort()

    def _reply(self, words: list[str], body: bytes) -> None:
        if self._down():
            self._transport.abort()
            return
        found = self._route(words[0], words[1], body) if len(words) == 3 else None
        status, said = ("404 Not Found", b"{}") if found is None else ("200 OK", json.dumps(found).encode())
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n\r\n"
        self._transport.write(head.encode() + said)


def _length(head: bytes) -> int:
    found = _LENGTH.search(head)
    return min(int(found[1]), MOST_HEAD) if found else 0


@asynccontextmanager
async def run_gateways(
    count: int, *, port: int = 0, marbles: int = 20, seed: int | None = None, clock: Clock | None = None
) -> AsyncIterator[Fleet]:
    """A fleet that listens and rolls. Raises OSError when the port is taken, ValueError for a count that is none."""
    clock = clock or SystemClock()
    fleet = Fleet(Circuit(count, marbles, random.Random(seed)), clock)  # noqa: S311 - repeatable
    try:
        await fleet.start(port)
        rolling = asyncio.create_task(fleet.run(), name="marbles")
        try:
            yield fleet
        finally:
            rolling.cancel()
            with suppress(asyncio.CancelledError):
                await rolling
    finally:
        await fleet.close()
