"""The http driver, against a fleet of one member in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from sereno.device import Driver, DriverTag, Transports
from sereno.drivers.http.driver import HttpDriver
from sereno.drivers.http.tags import HttpConfig, HttpTagConfig
from sereno.model import Clock, TagSpec
from sereno.testing.conformance import Subject

_READS = "totals over a fleet are read only: nothing can be written to them"
_TOLD = "a sweep in which nobody answered is published: as bad values that say who did not, and why"


class HttpSubject(Subject):
    """A member with two numbers."""

    driver: ClassVar[type[Driver]] = HttpDriver
    exempt: ClassVar[Mapping[str, str]] = {
        "writes_and_reads_back": _READS,
        "sends_nothing_without_connection": _READS,
        "sends_nothing_expired": _READS,
        "leaves_a_lost_write_unknown": _READS,
        "tells_a_loss_once": "members come and go, and the fleet stays: who is missing is told with every sweep",
        "publishes_nothing_unanswered": _TOLD,
        "refuses_late_answers": f"every question has a connection of its own; {_TOLD}",
    }

    def __init__(self) -> None:
        self._level = 1

    @asynccontextmanager
    async def far_end(self, transports: Transports, clock: Clock) -> AsyncIterator[int]:
        """See Subject."""
        del clock
        self._level = 1
        listener = await transports.listen(lambda: _Member(self), "127.0.0.1", 0)
        try:
            yield listener.port
        finally:
            await listener.close()

    def config(self, port: int) -> Any:
        """See Subject."""
        return HttpConfig.model_validate({"members": {"one": f"127.0.0.1:{port}"}, "timeout": 1.0})

    def tags(self, device: str) -> Sequence[DriverTag]:
        """See Subject; neither can be written."""
        return tuple(
            DriverTag(
                TagSpec(path=f"{device}/{name}"),
                HttpTagConfig.model_validate({"get": "/values", "pick": name, "reduce": "sum"}),
            )
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

    def body(self) -> bytes:
        """What the member says."""
        return json.dumps({"level": self._level, "speed": self.speed()}).encode()


class _Member(asyncio.Protocol):
    """Answers every question with the same, and hangs up."""

    def __init__(self, subject: HttpSubject) -> None:
        self._subject = subject
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        del data
        body = self._subject.body()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        self._transport.close()
