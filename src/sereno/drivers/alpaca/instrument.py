"""What all kinds of Alpaca instruments share: the connection, and how it is ended."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, ClassVar

from pydantic import AfterValidator

from sereno.device import HttpClient, setting
from sereno.device.instruments import Instrument
from sereno.model import DeliveryError, DeviceError, NoAnswerError, NotConnectedError

from .client import AlpacaClient
from .protocol import Address, checked_url

Url = Annotated[str, AfterValidator(checked_url)]
KEEP = 2
"""Connections to a server that stay open: one for the scan, one for a command."""
_LONGEST = 120


class AlpacaInstrument(Instrument):
    """A device of an Alpaca server."""

    alpaca_kind: ClassVar[str] = ""

    url: Url = setting(description="Where the device is: http://HOST:PORT/NUMBER")
    timeout: float = setting(5.0, unit="s", low=0.1, high=60, description="How long an answer may take")
    hang_up: bool = setting(False, description="Tell the device to disconnect when the node ends")

    _http: HttpClient | None = None
    _client: AlpacaClient | None = None

    @property
    def alpaca(self) -> AlpacaClient:
        """The device. Raises NotConnectedError before it is connected."""
        if self._client is None:
            raise NotConnectedError(f"{self.url} is not connected")
        return self._client

    async def startup(self) -> None:
        """See Device: connect, and learn what does not change."""
        around = self.surroundings
        self._http = HttpClient(around.transports, around.clock, keep=KEEP)
        me = around.random.randrange(1, 0xFFFF)
        self._client = AlpacaClient(
            self._http,
            Address(self.url),
            self.alpaca_kind,
            me=me,
            timeout=self.timeout,
            clock=around.clock,
            lost=self.reconnect,
            trace=self.trace,
        )
        try:
            await self._client.put("connected", Connected=True)
            self.remark(*await _versions(self._client))
            await self.learn(self._client)
        except BaseException:
            await self._end()
            raise

    async def learn(self, alpaca: AlpacaClient) -> None:
        """Ask for what stays as it is while the device is connected."""

    async def shutdown(self) -> None:
        """See Device: hang up; the device itself stays connected for others unless told otherwise."""
        try:
            await super().shutdown()
            if self.hang_up and self._client is not None:
                with suppress(DeliveryError, DeviceError, OSError):
                    await self._client.put("connected", Connected=False)
        finally:
            await self._end()

    async def _end(self) -> None:
        http, self._http, self._client = self._http, None, None
        if http is not None:
            await http.close()


async def _versions(alpaca: AlpacaClient) -> list[str]:
    """What the device says of its driver, as far as it does. Raises NotConnectedError."""
    told: list[str] = []
    for member, words in (("driverinfo", ""), ("driverversion", "driver version "), ("interfaceversion", "interface ")):
        try:
            if said := " ".join(str(await alpaca.get(member)).split())[:_LONGEST]:
                told.append(f"{words}{said}")
        except DeviceError:
            continue
        except NoAnswerError:  # the instrument is of use without; it is not asked for more of it
            break
    return [", ".join(told)] if told else []
