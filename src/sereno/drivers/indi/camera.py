"""INDI cameras: states, cooler, binning, and the image as the FITS file that comes."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from sereno.device import setting
from sereno.device.instruments import Camera, CameraState, CameraStatus, FrameKind, Picture
from sereno.model import DeviceError, NoAnswerError

from .client import ALERT, BUSY, IndiClient
from .instrument import IndiInstrument

_FRAMES = {
    FrameKind.LIGHT: "FRAME_LIGHT",
    FrameKind.DARK: "FRAME_DARK",
    FrameKind.BIAS: "FRAME_BIAS",
    FrameKind.FLAT: "FRAME_FLAT",
}
EXPOSURE, EXPOSURE_VALUE = "CCD_EXPOSURE", "CCD_EXPOSURE_VALUE"
TEMPERATURE, TEMPERATURE_VALUE = "CCD_TEMPERATURE", "CCD_TEMPERATURE_VALUE"


class IndiCamera(IndiInstrument, Camera):
    """A camera behind INDI."""

    needs: ClassVar[tuple[str, ...]] = (EXPOSURE, "CCD_INFO")
    chip: str = setting("CCD1", description="The property that images come by")

    _before: int = -1
    _aim: float | None = None

    async def learn(self, indi: IndiClient) -> None:
        """See IndiInstrument: images come on this connection, and as FITS."""
        await indi.learn(self.chip, timeout=self.connect_timeout)
        await indi.images()
        if "UPLOAD_MODE" in indi.properties:
            await self.tell("UPLOAD_MODE", {"UPLOAD_CLIENT": True})
        if "CCD_TRANSFER_FORMAT" in indi.properties:
            await self.tell("CCD_TRANSFER_FORMAT", {"FORMAT_FITS": True})
        self._before = -1

    async def observe(self) -> CameraStatus:
        """See Instrument."""
        indi = await self.there()
        binning = int(indi.number("CCD_BINNING", "HOR_BIN") or 1)
        state, left = indi.state(EXPOSURE), indi.number(EXPOSURE, EXPOSURE_VALUE)
        busy = state == BUSY
        doing = CameraState.READING if busy and not left else CameraState.EXPOSING if busy else CameraState.IDLE
        has_cooler = "CCD_COOLER" in indi.properties
        return CameraStatus(
            state=CameraState.ERROR if state == ALERT and self._before >= 0 else doing,
            exposure_left=left if busy else None,
            temperature=indi.number(TEMPERATURE, TEMPERATURE_VALUE),
            target_temperature=self._aim,
            cooler=indi.is_on("CCD_COOLER", "COOLER_ON") if has_cooler else None,
            cooler_power=indi.number("CCD_COOLER_POWER", "CCD_COOLER_VALUE"),
            width=self._size(indi, "CCD_MAX_X", "WIDTH") // binning,
            height=self._size(indi, "CCD_MAX_Y", "HEIGHT") // binning,
            binning=binning,
            gain=indi.number("CCD_GAIN", "GAIN"),
            ready=self._before >= 0 and indi.blob(self.chip)[0] > self._before,
        )

    async def do_expose(self, seconds: float, frame: FrameKind) -> None:
        """See Camera."""
        indi = self.indi
        if "CCD_FRAME_TYPE" in indi.properties:
            await self.tell("CCD_FRAME_TYPE", {_FRAMES[frame]: True})
        least = indi.find(EXPOSURE).members[EXPOSURE_VALUE].low
        self._before = indi.blob(self.chip)[0]
        await self.tell(
            EXPOSURE,
            {EXPOSURE_VALUE: max(seconds, least)},
            accepted=lambda known: known.state == BUSY or indi.blob(self.chip)[0] > self._before,
        )

    async def do_fetch(self) -> Picture:
        """See Camera."""
        came, blob = self.indi.blob(self.chip)
        if blob is None or came <= self._before:
            raise NoAnswerError("no image has come")
        self._before = -1
        form = blob.format.removesuffix(".z")
        if form not in (".fits", ".fit"):
            raise DeviceError("format", f"the image is {blob.format or 'of no format'}, expected .fits or .fits.z")
        return Picture(fits=await asyncio.to_thread(blob.data))

    async def do_abort(self) -> None:
        """See Camera."""
        self._before = -1
        await self.tell("CCD_ABORT_EXPOSURE", {"ABORT": True})

    async def do_target(self, temperature: float) -> None:
        """See Camera."""
        await self.tell(TEMPERATURE, {TEMPERATURE_VALUE: temperature})
        self._aim = temperature

    async def do_cooler(self, on: bool) -> None:
        """See Camera."""
        await self.tell("CCD_COOLER", {"COOLER_ON" if on else "COOLER_OFF": True})

    async def do_binning(self, binning: int) -> None:
        """See Camera."""
        await self.tell("CCD_BINNING", {"HOR_BIN": binning, "VER_BIN": binning})

    @staticmethod
    def _size(indi: IndiClient, whole: str, part: str) -> int:
        return int(indi.number("CCD_FRAME", part) or indi.number("CCD_INFO", whole) or 0)
