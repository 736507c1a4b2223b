"""INDI cameras: states, cooler, binning, and the image as the FITS file that comes."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from sereno.device import setting
from sereno.device.instruments import Camera, CameraState, CameraStatus, FrameKind, Picture
from sereno.model import DeviceError, NoAnswerError
from sereno.wire.fits import decode_header

from .client import ALERT, BUSY, IndiClient, Property
from .instrument import IndiInstrument
from .late import STRANGE, Asked, Whose, moment, offset, whose
from .protocol import Blob

_FRAMES = {
    FrameKind.LIGHT: "FRAME_LIGHT",
    FrameKind.DARK: "FRAME_DARK",
    FrameKind.BIAS: "FRAME_BIAS",
    FrameKind.FLAT: "FRAME_FLAT",
}
EARLY = 0.5
"""Seconds, or a tenth of the exposure, that an image may come before its exposure is over by our clock."""
EXPOSURE, EXPOSURE_VALUE = "CCD_EXPOSURE", "CCD_EXPOSURE_VALUE"
TEMPERATURE, TEMPERATURE_VALUE = "CCD_TEMPERATURE", "CCD_TEMPERATURE_VALUE"


class IndiCamera(IndiInstrument, Camera):
    """A camera behind INDI."""

    needs: ClassVar[tuple[str, ...]] = (EXPOSURE, "CCD_INFO")
    chip: str = setting("CCD1", description="The property that images come by")

    _before: int = -1
    _asked: Asked = Asked()
    _asked_at: float = -math.inf
    _owed: int = 0
    _owed_until: float = 0.0
    _usual: float = 0.0
    _judged: tuple[int, Whose] = -1, Whose.OWN
    _due: float = 0.0
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
        self._judged = -1, Whose.OWN
        if indi.state(EXPOSURE) == BUSY:
            self._owe()

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
            ready=self._has_come(indi) and not await self._is_late(indi),
        )

    async def do_expose(self, seconds: float, frame: FrameKind) -> None:
        """See Camera."""
        indi = self.indi
        if "CCD_FRAME_TYPE" in indi.properties:
            await self.tell("CCD_FRAME_TYPE", {_FRAMES[frame]: True})
        least = indi.find(EXPOSURE).members[EXPOSURE_VALUE].low
        if self._has_not_come(indi):
            self._owe()
        seconds, now = max(seconds, least), self._now()
        self._before = indi.blob(self.chip)[0]
        self._asked = asked = Asked(seconds, frame, after=min(now - self._asked_at, STRANGE))
        self._due, self._asked_at = now + seconds - max(EARLY, seconds / 10), now

        def accepted(known: Property) -> bool:
            if known.state == BUSY:
                self._asked = replace(asked, begun=moment(known.stamp))
            return known.state == BUSY or indi.blob(self.chip)[0] > self._before

        await self.tell(EXPOSURE, {EXPOSURE_VALUE: seconds}, accepted=accepted)

    async def do_fetch(self) -> Picture:
        """See Camera."""
        indi = self.indi
        blob = indi.blob(self.chip)[1]
        if blob is None or not self._has_come(indi):
            raise NoAnswerError("no image has come")
        self._before = -1
        form = blob.format.removesuffix(".z")
        if form not in (".fits", ".fit"):
            raise DeviceError("format", f"the image is {blob.format or 'of no format'}, expected .fits or .fits.z")
        data = await asyncio.to_thread(blob.data)
        self._learn_offset(data)
        return Picture(fits=data)

    def _has_come(self, indi: IndiClient) -> bool:
        """The image of the last exposure is there; one that came before it could be over is of an aborted one."""
        known = indi.properties.get(self.chip)
        return known is not None and 0 <= self._before < known.images and known.came >= self._due

    def _has_not_come(self, indi: IndiClient) -> bool:
        """An exposure was begun, and nothing has come since."""
        return self._before >= 0 and indi.blob(self.chip)[0] == self._before

    def _owe(self) -> None:
        """One more image of before may come yet."""
        self._owed += 1
        self._owed_until = self._now() + self.readout

    async def _is_late(self, indi: IndiClient) -> bool:
        """What has come is of an exposure before, and not what is waited for."""
        came, blob = indi.blob(self.chip)
        if self._now() > self._owed_until:
            self._owed = 0
        if not self._owed or blob is None or self._judged == (came, Whose.UNKNOWN):
            return False
        asked = self._asked
        found = await asyncio.to_thread(_whose, blob, asked, self._usual)
        if self._asked is not asked:
            return True
        if self._judged[0] == came:  # by the scan and by who waits for the image
            return found is Whose.BEFORE
        self._judged = came, found
        if found is Whose.BEFORE:
            self._owed -= 1
            self._before = came
            self.log.warning("an image of an exposure before came late; it is not taken")
            return True
        if found is Whose.OWN:
            self._owed = 0  # they come in their order
        else:
            self.log.warning("an image may be that of an exposure before: its header does not tell")
        return False

    def _learn_offset(self, data: bytes) -> None:
        """From an image that is not in doubt."""
        if self._owed:
            return
        with suppress(ValueError):  # told when the file is written
            found = offset(decode_header(data)[0], self._asked)
            self._usual = self._usual if found is None else found

    async def do_abort(self) -> None:
        """See Camera: an image that is read out already may come all the same."""
        if self._has_not_come(self.indi):
            self._owe()
        self._before = -1
        await self.tell("CCD_ABORT_EXPOSURE", {"ABORT": True})

    async def do_target(self, temperature: float) -> None:
        """See Camera."""
        near = (BUSY, "Ok")  # a sensor that is near enough is Ok at what it has
        await self.tell(TEMPERATURE, {TEMPERATURE_VALUE: temperature}, accepted=lambda known: known.state in near)
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


def _whose(blob: Blob, asked: Asked, usual: float) -> Whose:
    """Blocks for large images."""
    try:
        said, _ = decode_header(blob.data())
    except ValueError:
        return Whose.OWN  # told when it is fetched
    return whose(said, asked, usual)
