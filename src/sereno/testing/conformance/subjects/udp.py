"""The udp driver, against two sensors of a network in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar

from sereno.device import Driver, DriverTag, MemoryTransports, Transports
from sereno.drivers.udp.driver import UdpDriver
from sereno.drivers.udp.protocol import make_datagram
from sereno.drivers.udp.tags import UdpConfig, UdpTagConfig
from sereno.model import Clock, TagSpec
from sereno.testing.conformance import Subject

PORT = 5000
PERIOD = 0.4
_SENDS = "a sensor only sends: nothing can be written to it"


class UdpSubject(Subject):
    """Two sensors, told apart by their names."""

    driver: ClassVar[type[Driver]] = UdpDriver
    exempt: ClassVar[Mapping[str, str]] = {
        "writes_and_reads_back": _SENDS,
        "sends_nothing_without_connection": _SENDS,
        "sends_nothing_expired": _SENDS,
        "leaves_a_lost_write_unknown": _SENDS,
        "tells_a_loss_once": "there is no connection that could be lost: the value of a silent sensor turns stale",
        "publishes_nothing_unanswered": "batches go on, and what has not come for too long is marked stale in them",
        "refuses_late_answers": "nothing is asked: late datagrams are told by their sequence numbers",
        "can_be_watched": "the taps see every datagram, and there is only one direction",
    }

    def __init__(self) -> None:
        self._level = 1

    @asynccontextmanager
    async def far_end(self, transports: Transports, clock: Clock) -> AsyncIterator[int]:
        """See Subject."""
        assert isinstance(transports, MemoryTransports)
        self._level = 1
        sending = asyncio.create_task(self._send(transports, clock), name="sensors")
        try:
            yield PORT
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending

    async def _send(self, network: MemoryTransports, clock: Clock) -> None:
        while True:
            network.send(make_datagram(float(self._level), "level"), PORT)
            network.send(make_datagram(5.0, "speed"), PORT)
            await clock.sleep(PERIOD)

    def config(self, port: int) -> Any:
        """See Subject."""
        return UdpConfig.model_validate({"url": f"udp://127.0.0.1:{port}", "insecure": True})

    def tags(self, device: str) -> Sequence[DriverTag]:
        """See Subject; neither can be written."""
        return tuple(
            DriverTag(TagSpec(path=f"{device}/{name}"), UdpTagConfig.model_validate({"sensor": name, "rate": 2.5}))
            for name in ("level", "speed")
        )

    def put(self, level: int) -> None:
        """See Subject."""
        self._level = level

    def speed(self) -> int:
        """See Subject."""
        return 5

    def writes(self) -> int:
        """See Subject."""
        return 0
