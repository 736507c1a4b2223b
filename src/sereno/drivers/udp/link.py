"""UdpLink: one socket that hears many sensors, and gives each reading to its sensor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sereno.access.insecure import Network, lies_in, parse_address
from sereno.device import Environment, Link, Listener

from .protocol import Datagram, is_signed, parse_datagram
from .tags import UdpConfig, split_source
from .tally import Tally

MOST_ADDRESSES = 10_000
"""So many addresses are remembered with what is to be done with them; beyond it, it is worked out again."""
OWN_COUNTS = ("datagrams", "outside", "unknown", "malformed", "spoofed", "crowded_out")
Reader: TypeAlias = "Callable[[float, int, int], None]"


@dataclass(eq=False)
class Sensor:
    """One sensor as it is heard: its counts, and who wants its readings: value, ns UTC of receipt, and the
    how many-th it is."""

    name: str
    source: str
    key: bytes = b""
    tally: Tally = field(default_factory=Tally)
    readers: list[Reader] = field(default_factory=list)

    @property
    def words(self) -> str:
        """What people call it."""
        return self.name or self.source or "any"

    def is_from(self, host: str, port: int) -> bool:
        """True if what comes from there may be of this sensor."""
        if not self.source:
            return True
        wanted, wanted_port = split_source(self.source)
        return parse_address(wanted) == parse_address(host) and wanted_port in (None, port)


class UdpLink(Link):
    """Up while its socket is open. What nobody declared is counted and left."""

    def __init__(self, config: UdpConfig, environment: Environment) -> None:
        super().__init__(config.url, environment)
        self.pipelines = True
        self.counters = dict.fromkeys(OWN_COUNTS, 0)
        self.port = 0
        self._address = config.address
        self._allow: tuple[Network, ...] = config.allowed
        self._sensors: dict[tuple[str, str], Sensor] = {}
        self._named: dict[str, list[Sensor]] = {}
        self._nameless: list[Sensor] = []
        self._known: dict[Any, tuple[bool, Sensor | None]] = {}
        self._listener: Listener | None = None
        self._clock = environment.clock

    def sensor(self, name: str, source: str) -> Sensor:
        """The sensor of this name or source, shared by all devices of the link."""
        made = self._sensors.get((name, source))
        if made is None:
            made = self._sensors[name, source] = Sensor(name, source)
            if name:
                named = self._named.setdefault(name, [])
                named.append(made)
                named.sort(key=lambda one: not one.source)
            else:
                self._nameless.append(made)
                self._nameless.sort(key=lambda one: (not one.source, split_source(one.source)[1] is None))
            self._known.clear()
        return made

    async def connect(self) -> None:
        """See Link."""
        host, port = self._address
        self._listener = await self.environment.transports.datagrams(lambda: _Receiver(self), host, port)
        self.port = self._listener.port

    async def close(self) -> None:
        """See Link."""
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.close()

    def _find(self, name: str, address: Any) -> Sensor | None:
        """The sensor of this name at this address, else any of this name."""
        named = self._named.get(name)
        if not named:
            return None
        if len(named) == 1:
            return named[0]
        return next((one for one in named if one.is_from(address[0], address[1])), named[0])

    def received(self, data: bytes, address: Any) -> None:
        """One datagram: to its sensor, or counted as what it is."""
        self.counters["datagrams"] += 1
        allowed, nameless = self._known.get(address) or self._look_at(address)
        if self.taps:
            self.trace("rx", data, f"{address[0]}:{address[1]} {data[:60].decode('ascii', 'replace')}")
        if not allowed:
            self.counters["outside"] += 1
            return
        try:
            datagram = parse_datagram(data)
        except ValueError:
            self._count("malformed", nameless)
            return
        sensor = self._find(datagram.name, address) if datagram.name else nameless
        if sensor is None:
            self.counters["unknown"] += 1
        elif not self._is_genuine(sensor, datagram, address):
            self._count("spoofed", sensor)
        elif sensor.tally.take(datagram.sequence, self._clock.monotonic(), signed=bool(sensor.key)):
            now = self._clock.wall_ns()
            for take in sensor.readers:
                take(datagram.value, now, sensor.tally.received)

    def _is_genuine(self, sensor: Sensor, datagram: Datagram, address: Any) -> bool:
        if sensor.name and sensor.source and not sensor.is_from(address[0], address[1]):
            return False
        return not sensor.key or is_signed(datagram, sensor.key)

    def _look_at(self, address: Any) -> tuple[bool, Sensor | None]:
        """Whether an address may send, and whose its nameless datagrams are."""
        host, port = address[0], address[1]
        nameless = next((one for one in self._nameless if one.is_from(host, port)), None)
        found = lies_in(host, self._allow), nameless
        if len(self._known) >= MOST_ADDRESSES:
            self._known.clear()
        self._known[address] = found
        return found

    def _count(self, what: str, sensor: Sensor | None) -> None:
        if sensor is None:
            self.counters[what] += 1
        else:
            setattr(sensor.tally, what, getattr(sensor.tally, what) + 1)


class _Receiver(asyncio.DatagramProtocol):
    """The socket's protocol."""

    def __init__(self, link: UdpLink) -> None:
        self._link = link

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """See asyncio."""
        self._link.received(data, addr)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if exc is not None:
            self._link.lost(f"the socket was lost: {exc}")
