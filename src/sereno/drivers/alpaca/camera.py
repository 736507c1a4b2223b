"""Alpaca cameras: states, cooler, binning, and the image by imagebytes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

from sereno.device import setting
from sereno.device.instruments import Camera, CameraState, CameraStatus, FrameKind, Picture
from sereno.model import NoAnswerError

from .client import AlpacaClient, Asking
from .instrument import AlpacaInstrument
from .protocol import counts

_STATES = (
    CameraState.IDLE, CameraState.WAITING, CameraState.EXPOSING, CameraState.READING, CameraState.READING,
    CameraState.ERROR,
)  # fmt: skip
_OPEN = (FrameKind.LIGHT, FrameKind.FLAT)
SETTINGS_AGE = 10.0
"""Seconds for which settings that only a command changes are believed; another client may have commanded."""


@dataclass(frozen=True, slots=True)
class _Settings:
    """What only a command changes."""

    target_temperature: float | None
    cooler: bool | None
    width: int
    height: int
    binning: int
    gain: float | None
    electrons_per_count: float | None


class AlpacaCamera(AlpacaInstrument, Camera):
    """A camera behind Alpaca."""

    alpaca_kind: ClassVar[str] = "camera"
    image_timeout: float = setting(60.0, unit="s", low=1, high=600, description="How long fetching an image may take")

    _size: tuple[int, int] = 0, 0
    _cools: bool = False
    _tells_power: bool = False
    _aborts: bool = False
    _shortest: float = 0.0
    _set: _Settings | None = None
    _asked_at: float = 0.0
    _commanded: int = 0

    async def learn(self, alpaca: AlpacaClient) -> None:
        """See AlpacaInstrument."""
        self._forget_settings()
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
        settings = await self._set_to(alpaca)
        return CameraStatus(
            state=_STATES[code],
            progress=await alpaca.optional("percentcompleted") if busy else None,
            temperature=await alpaca.shown("ccdtemperature"),
            target_temperature=settings.target_temperature,
            cooler=settings.cooler,
            cooler_power=await alpaca.shown("coolerpower") if self._tells_power else None,
            width=settings.width,
            height=settings.height,
            binning=settings.binning,
            gain=settings.gain,
            electrons_per_count=settings.electrons_per_count,
            ready=await alpaca.truth("imageready"),
        )

    async def _set_to(self, alpaca: Asking) -> _Settings:
        """The settings, asked for anew after each command of ours and when they are `SETTINGS_AGE` old."""
        now, commanded = self.surroundings.clock.monotonic(), self._commanded
        known = self._set
        if known is None or now - self._asked_at >= SETTINGS_AGE:
            known = _Settings(
                target_temperature=await alpaca.optional("setccdtemperature") if self._cools else None,
                cooler=await alpaca.truth("cooleron") if self._cools else None,
                width=int(await alpaca.number("numx")),
                height=int(await alpaca.number("numy")),
                binning=int(await alpaca.number("binx")),
                gain=await alpaca.optional("gain"),
                electrons_per_count=_positive(await alpaca.optional("electronsperadu")),
            )
            if commanded == self._commanded:
                self._set, self._asked_at = known, now
        return known

    async def do_expose(self, seconds: float, frame: FrameKind) -> None:
        """See Camera."""
        await self._command("startexposure", Duration=max(seconds, self._shortest), Light=frame in _OPEN)

    async def do_fetch(self) -> Picture:
        """See Camera."""
        pixels = await self.alpaca.image(self._size[0] * self._size[1], self.image_timeout)
        return Picture(await asyncio.to_thread(counts, pixels))

    async def do_abort(self) -> None:
        """See Camera."""
        await self.alpaca.put("abortexposure" if self._aborts else "stopexposure")

    async def do_target(self, temperature: float) -> None:
        """See Camera."""
        await self._command("setccdtemperature", SetCCDTemperature=temperature)

    async def do_cooler(self, on: bool) -> None:
        """See Camera."""
        await self._command("cooleron", CoolerOn=on)

    async def do_binning(self, binning: int) -> None:
        """See Camera: the whole sensor, binned."""
        await self._command("binx", BinX=binning)
        await self._command("biny", BinY=binning)
        await self._command("startx", StartX=0)
        await self._command("starty", StartY=0)
        await self._command("numx", NumX=self._size[0] // binning)
        await self._command("numy", NumY=self._size[1] // binning)

    async def _command(self, member: str, **values: Any) -> None:
        try:
            await self.alpaca.put(member, **values)
        finally:
            self._forget_settings()

    def _forget_settings(self) -> None:
        """What was asked for before a command is over counts no longer, nor does what is being asked for now."""
        self._set = None
        self._commanded += 1


def _positive(value: float | None) -> float | None:
    """None for the 0 or NaN of a camera that does not know."""
    return value if value is not None and value > 0 else None
