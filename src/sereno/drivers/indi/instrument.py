"""What all kinds of INDI instruments share: the connection, and asking whether somebody is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator

from sereno.device import setting
from sereno.device.instruments import Instrument
from sereno.model import DeliveryError, DeviceError, NoAnswerError, NotConnectedError

from .client import IndiClient, Property
from .protocol import Address, checked_url

Url = Annotated[str, AfterValidator(checked_url)]
CONNECTION = "CONNECTION"
_TOLD = (
    ("DRIVER_INFO", "DRIVER_NAME", ""),
    ("DRIVER_INFO", "DRIVER_VERSION", "driver version "),
    ("FIRMWARE_INFO", "FIRMWARE_VERSION", "firmware "),
)
_LONGEST = 120


class IndiInstrument(Instrument):
    """A device of an INDI server."""

    needs: ClassVar[tuple[str, ...]] = ()

    url: Url = setting(description="Where the device is: indi://HOST:PORT/DEVICE NAME")
    timeout: float = setting(5.0, unit="s", low=0.1, high=60, description="How long an answer may take")
    connect_timeout: float = setting(
        20.0, unit="s", low=1, high=600, description="How long the device may take to come"
    )
    hang_up: bool = setting(False, description="Tell the device to disconnect when the node ends")

    _client: IndiClient | None = None

    @property
    def indi(self) -> IndiClient:
        """The device. Raises NotConnectedError before it is connected."""
        if self._client is None:
            raise NotConnectedError(f"{self.url} is not connected")
        return self._client

    @property
    def remarks(self) -> tuple[str, ...]:
        """See Device: what the device has said of its driver and its firmware until now."""
        return () if self._client is None else tuple(_versions(self._client))

    async def startup(self) -> None:
        """See Device: find the device on its server, have it connect, and wait for what its kind needs."""
        around = self.surroundings
        client = IndiClient(Address(self.url), around.clock, self.reconnect)
        try:
            await client.open(around.transports)
            await client.learn(CONNECTION, timeout=self.timeout)
            if not client.is_on(CONNECTION, "CONNECT"):
                await client.tell(
                    CONNECTION, {"CONNECT": True}, timeout=self.connect_timeout, accepted=lambda _: _connected(client)
                )
            await client.learn(*self.needs, timeout=self.connect_timeout)
            self._client = client
            await self.learn(client)
        except BaseException:
            self._client = None
            client.close()
            raise

    async def learn(self, indi: IndiClient) -> None:
        """Set and ask what is done once per connection."""

    async def shutdown(self) -> None:
        """See Device: hang up; the device itself stays connected for others unless told otherwise."""
        client, self._client = self._client, None
        try:
            await super().shutdown()
            if client is not None and self.hang_up:
                with suppress(DeliveryError, DeviceError):
                    await client.tell(CONNECTION, {"DISCONNECT": True}, timeout=self.timeout)
        finally:
            if client is not None:
                client.close()

    async def there(self) -> IndiClient:
        """The device, which has just answered. Raises NoAnswerError, NotConnectedError."""
        indi = self.indi
        await indi.ping(self.timeout)
        if not indi.is_on(CONNECTION, "CONNECT"):
            self.reconnect("somebody disconnected it from the server")
            raise NoAnswerError("somebody disconnected it from the server")
        return indi

    async def tell(
        self, name: str, members: Mapping[str, Any], *, accepted: Callable[[Property], bool] | None = None
    ) -> None:
        """Have the device take values. Raises DeviceError, NoAnswerError, NotConnectedError."""
        await self.indi.tell(name, members, timeout=self.timeout, accepted=accepted)


def _connected(client: IndiClient) -> bool:
    return client.is_on(CONNECTION, "CONNECT")


def _versions(client: IndiClient) -> list[str]:
    """What the device has said of its driver until now, as far as it does."""
    said = [(words, client.value(name, member)) for name, member, words in _TOLD]
    told = [f"{words}{' '.join(value.split())[:_LONGEST]}" for words, value in said if isinstance(value, str) and value]
    return [", ".join(told)] if told else []
