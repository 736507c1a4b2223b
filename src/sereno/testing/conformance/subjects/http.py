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
from sereno.model import Access, Clock, TagSpec
from sereno.testing.conformance import Subject

_TOLD = "a sweep in which nobody answered is published: as bad values that say who did not, and why"


class HttpSubject(Subject):
    """A member with two numbers."""

    driver: ClassVar[type[Driver]] = HttpDriver
    exempt: ClassVar[Mapping[str, str]] = {
        "tells_a_loss_once": "members come and go, and the fleet stays: who is missing is told with every sweep",
        "publishes_nothing_unanswered": _TOLD,
        "refuses_late_answers": f"every question has a connection of its own; {_TOLD}",
    }

    def __init__(self) -> None:
        self._level, self._speed, self._writes = 1, 5, 0

    @asynccontextmanager
    async def far_end(self, transports: Transports, clock: Clock) -> AsyncIterator[int]:
        """See Subject."""
        del clock
        self._level, self._speed, self._writes = 1, 5, 0
        listener = await transports.listen(lambda: _Member(self), "127.0.0.1", 0)
        try:
            yield listener.port
        finally:
            await listener.close()

    def config(self, port: int) -> Any:
        """See Subject."""
        return HttpConfig.model_validate({"members": {"one": f"127.0.0.1:{port}"}, "timeout": 1.0})

    def tags(self, device: str) -> Sequence[DriverTag]:
        """See Subject."""
        level = HttpTagConfig.model_validate({"get": "/values", "pick": "level", "reduce": "sum"})
        speed = HttpTagConfig.model_validate({"get": "/values", "pick": "speed", "reduce": "same", "write": "/speed"})
        return (
            DriverTag(TagSpec(path=f"{device}/level"), level),
            DriverTag(TagSpec(path=f"{device}/speed", access=Access.READ_WRITE), speed),
        )

    def put(self, level: int) -> None:
        """See Subject."""
        self._level = level

    def speed(self) -> int:
        """See Subject."""
        return self._speed

    def writes(self) -> int:
        """See Subject."""
        return self._writes

    def answer(self, request: bytes) -> bytes:
        """What the member says; what it is told by PUT it holds."""
        if request.startswith(b"PUT /speed "):
            self._speed = int(json.loads(request.partition(b"\r\n\r\n")[2])["value"])
            self._writes += 1
        return json.dumps({"level": self._level, "speed": self.speed()}).encode()


class _Member(asyncio.Protocol):
    """Answers every request with all that it holds, and hangs up."""

    def __init__(self, subject: HttpSubject) -> None:
        self._subject = subject
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        body = self._subject.answer(data)
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        self._transport.close()
