"""Alpaca cameras: states, cooler, binning, and the image by imagebytes."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from sereno.device import setting
from sereno.device.instruments import Camera, CameraState, CameraStatus, FrameKind, Picture
from sereno.model import NoAnswerError

from .client import AlpacaClient
from .instrument import AlpacaInstrument
from .protocol import counts

_STATES = (
    CameraState.IDLE, CameraState.WAITING, CameraState.EXPOSING, CameraState.READING, CameraState.READING,
    CameraState.ERROR,
)  # fmt: skip
_OPEN = (FrameKind.LIGHT, FrameKind.FLAT)


class AlpacaCamera(AlpacaInstrument, Camera):
    """A camera behind Alpaca."""

    alpaca_kind: ClassVar[str] = "camera"
    image_timeout: float = setting(60.0, unit="s", low=1, high=600, description="How long fetching an image may take")

    _size: tuple[int, int] = 0, 0
    _cools: bool = False
    _tells_power: bool = False
    _aborts: bool = False
    _shortest: float = 0.0

    async def learn(self, alpaca: AlpacaClient) -> None:
        """See AlpacaInstrument."""
        self._size = int(await alpaca.number("cameraxsize")), int(await alpaca.number("cameraysize"))
        self._cools = await alpaca.may("cansetccdtemperature")
        self._tells_power = await alpaca.may("cangetcoolerpower")
        self._aborts = await alpaca.may("canabortexposure")
        self._shortest = await alpaca.optional("exposuremin") or 0.0

    async def observe(self) -> CameraStatus:
        """See Instrument."""
        alpaca = await self.alpaca.snapshot()
        code = int(await alpaca.number("camerastate"))
        if code not in range(len(_STATES)):
            raise NoAnswerError(f"camerastate {code}")
        busy = _STATES[code] in (CameraState.EXPOSING, CameraState.READING)
        binning = int(await alpaca.number("binx"))
        return CameraStatus(
            state=_STATES[code],
            progress=await alpaca.optional("percentcompleted") if busy else None,
            temperature=await alpaca.optional("ccdtemperature"),
            target_temperature=await alpaca.optional("setccdtemperature") if self._cools else None,
            cooler=await alpaca.truth("cooleron") if self._cools else None,
            cooler_power=await alpaca.optional("coolerpower") if self._tells_power else None,
            width=int(await alpaca.number("numx")),
            height=int(await alpaca.number("numy")),
            binning=binning,
            gain=await alpaca.optional("gain"),
            ready=await alpaca.truth("imageready"),
        )

    async def do_expose(self, seconds: float, frame: FrameKind) -> None:
        """See Camera."""
        await self.alpaca.put("startexposure", Duration=max(seconds, self._shortest), Light=frame in _OPEN)

    async def do_fetch(self) -> Picture:
        """See Camera."""
        pixels = await self.alpaca.image(self._size[0] * self._size[1], self.image_timeout)
        return Picture(await asyncio.to_thread(counts, pixels))

    async def do_abort(self) -> None:
        """See Camera."""
        await self.alpaca.put("abortexposure" if self._aborts else "stopexposure")

    async def do_target(self, temperature: float) -> None:
        """See Camera."""
        await self.alpaca.put("setccdtemperature", SetCCDTemperature=temperature)

    async def do_cooler(self, on: bool) -> None:
        """See Camera."""
        await self.alpaca.put("cooleron", CoolerOn=on)

    async def do_binning(self, binning: int) -> None:
        """See Camera: the whole sensor, binned."""
        alpaca = self.alpaca
        await alpaca.put("binx", BinX=binning)
        await alpaca.put("biny", BinY=binning)
        await alpaca.put("startx", StartX=0)
        await alpaca.put("starty", StartY=0)
        await alpaca.put("numx", NumX=self._size[0] // binning)
        await alpaca.put("numy", NumY=self._size[1] // binning)
