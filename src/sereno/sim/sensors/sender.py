"""A sensor: sends what it measures every `dt` seconds as a datagram, and hears nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sereno.drivers.udp.protocol import make_datagram
from sereno.model import Clock

from .signals import Signal

AT_ONCE = 256
"""Datagrams that are sent at once at most when the sensor could not keep its time."""


@dataclass(frozen=True, slots=True)
class Words:
    """How readings are written: with a name, with a sequence number that begins at `first`, signed with a key."""

    name: str = ""
    first: int | None = None
    key: bytes = b""

    def datagram(self, value: float, number: int) -> bytes:
        """The bytes of the reading with this number, counted from 0."""
        return make_datagram(value, self.name, None if self.first is None else self.first + number, self.key)


class Sensor:
    """Sends `most` readings, or until cancelled; `sent` says how many it has sent.

    Reading n is of the time n * dt since the start, and never sent before it.
    """

    def __init__(
        self, signal: Signal, send: Callable[[bytes], None], dt: float, words: Words, *, most: int | None = None
    ) -> None:
        self.sent = 0
        self._signal = signal
        self._send = send
        self._dt = dt
        self._words = words
        self._most = most

    async def run(self, clock: Clock) -> None:
        """Send."""
        begun = clock.monotonic()
        while self._most is None or self.sent < self._most:
            due = int((clock.monotonic() - begun) / self._dt + 1e-9) + 1
            rest = AT_ONCE if self._most is None else self._most - self.sent
            for _ in range(min(due - self.sent, AT_ONCE, rest)):
                self._send(self._words.datagram(self._signal(self.sent * self._dt), self.sent))
                self.sent += 1
            await clock.sleep(max(0.0, begun + self.sent * self._dt - clock.monotonic()))


class Outlet(asyncio.DatagramProtocol):
    """The socket of a sensor. That nobody listens is no error: a sensor does not hear of it."""

    def __init__(self) -> None:
        self.refused = 0

    def error_received(self, exc: Exception) -> None:
        """See asyncio."""
        del exc
        self.refused += 1


async def open_outlet(host: str, port: int) -> tuple[asyncio.DatagramTransport, Outlet]:
    """A socket that sends to this address. Raises OSError for a host that is none."""
    return await asyncio.get_running_loop().create_datagram_endpoint(Outlet, remote_addr=(host, port))
