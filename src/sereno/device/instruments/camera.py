"""Camera: exposes, and leaves each image as a raw FITS file before it says that there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from numpy.typing import NDArray

from sereno.device.authoring.declare import bounds, command, on_write, setting, tag
from sereno.model import DeliveryError, DeviceError

from .imagefile import Taken, image_bytes, image_name, save_image
from .instrument import LOOK, Instrument

Seconds = Annotated[float, bounds(0, 86400, unit="s")]
ASKED_EVERY = 0.25
"""Seconds between two questions once an exposure should be over."""
TRIES = 3
"""How often an image is fetched before it counts as lost."""


class CameraState(Enum):
    """What a camera does; waiting = for a shutter or a trigger."""

    IDLE = "idle"
    WAITING = "waiting"
    EXPOSING = "exposing"
    READING = "reading"
    ERROR = "error"


class FrameKind(Enum):
    """What an image is taken for; the shutter stays closed for dark and bias."""

    LIGHT = "light"
    DARK = "dark"
    BIAS = "bias"
    FLAT = "flat"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """How a camera is. `ready`: the image of the last exposure can be fetched."""

    state: CameraState
    progress: float | None = None
    exposure_left: float | None = None
    temperature: float | None = None
    target_temperature: float | None = None
    cooler: bool | None = None
    cooler_power: float | None = None
    width: int
    height: int
    binning: int = 1
    gain: float | None = None
    electrons_per_count: float | None = None
    ready: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What a family fetched: pixels in rows, or a whole FITS file; `cards` are what else it knows, by keyword."""

    pixels: NDArray[Any] | None = None
    fits: bytes = b""
    cards: Mapping[str, Any] = field(default_factory=dict)


class Camera(Instrument):
    """A camera. `exposure_id` counts the exposures begun, `images` the files written, `image` names the newest."""

    images_folder: str = setting("", description="Where images are written; else images in the node's data folder")
    readout: float = setting(120.0, unit="s", low=1, description="How long after an exposure its image may take")

    activity: CameraState = tag(name="state", scan=LOOK, description="What the camera does")
    progress: float = tag(unit="%", scan=LOOK, decimals=0, description="Of the exposure, or of reading it out")
    exposure_left: float = tag(unit="s", scan=LOOK, decimals=1, description="Until the shutter closes")
    temperature: float = tag(unit="degC", scan=LOOK, decimals=1, description="Of the sensor")
    target_temperature: float = tag(
        unit="degC", scan=LOOK, decimals=1, write=True, description="What the cooler aims at"
    )
    cooler: bool = tag(scan=LOOK, write=True, description="The cooler is on")
    cooler_power: float = tag(unit="%", scan=LOOK, decimals=0, description="How hard the cooler works")
    width: int = tag(scan=LOOK, description="Pixels of a line, binned")
    height: int = tag(scan=LOOK, description="Lines, binned")
    binning: int = tag(scan=LOOK, write=True, write_low=1, description="Pixels put together, in both directions")
    gain: float = tag(scan=LOOK, description="As the camera counts it")
    electrons_per_count: float = tag(scan=LOOK, description="At this gain")
    exposure_id: int = tag(default=0, description="How many exposures were begun since the start")
    images: int = tag(default=0, description="How many images were written since the start")
    image: str = tag(default="", description="The newest image, in the folder of this camera")
    trouble: str = tag(default="", description="Why the last exposure gave no image; empty if it did")

    _exposure: Taken | None = None
    _ends: float = 0.0
    _begun: float = 0.0
    _following: asyncio.Task[None] | None = None
    _reading: bool = False

    async def observe(self) -> CameraStatus:
        """See Instrument."""
        raise NotImplementedError

    async def do_expose(self, seconds: float, frame: FrameKind) -> None:
        """Begin an exposure. Raises DeviceError."""
        raise NotImplementedError

    async def do_fetch(self) -> Picture:
        """The image that is ready. Raises DeliveryError, DeviceError."""
        raise NotImplementedError

    async def do_abort(self) -> None:
        """Stop exposing, without an image."""
        raise NotImplementedError

    async def do_target(self, temperature: float) -> None:
        """Let the cooler aim at this, in degrees Celsius."""
        raise NotImplementedError

    async def do_cooler(self, on: bool) -> None:
        """Switch the cooler."""
        raise NotImplementedError

    async def do_binning(self, binning: int) -> None:
        """Put so many pixels together in both directions."""
        raise NotImplementedError

    async def shutdown(self) -> None:
        """See Device: an exposure under way is given up; families call this too."""
        if self._exposure is not None:
            await self._give_up("the connection to the camera ended during the exposure")
        await self._unfollow()
        await super().shutdown()

    def where(self) -> Path:
        """The folder that images are written to."""
        return Path(self.images_folder) if self.images_folder else self.folder / "images"

    def show(self, status: CameraStatus) -> None:
        """See Instrument: the state counts the image in, until its file is there."""
        state = status.state
        if self._reading:
            state = CameraState.READING
        elif self._exposure is not None and state is CameraState.IDLE:
            state = CameraState.READING if self._now() >= self._ends else CameraState.EXPOSING
        elif self._exposure is None and self.value("trouble"):
            state = CameraState.ERROR  # until it is aborted, or exposes again
        progress, left = self._own_progress(status)
        super().show(replace(status, state=state, progress=progress, exposure_left=left))

    @command
    async def expose(self, seconds: Seconds, frame: FrameKind = FrameKind.LIGHT) -> None:
        """Begin an exposure; `image` and `images` change when its file is there."""
        if self._exposure is not None:
            raise DeviceError("busy", "an exposure is under way; abort ends it")
        await self.do_expose(seconds, frame)
        self.exposure_id = number = self.exposure_id + 1
        self.trouble = ""
        self._begun = self._now()
        self._ends = self._begun + seconds
        self._exposure = Taken(number, seconds, frame.value, self.surroundings.clock.wall_ns())
        self._following = asyncio.create_task(self._follow(self._exposure), name=f"exposure of {self.path}")
        await self.look_again()

    @command
    async def abort(self) -> None:
        """Stop exposing, without an image; also takes back an error."""
        if self._exposure is not None:
            await self._give_up("aborted")
        await self.do_abort()
        self.trouble = ""
        await self.look_again()

    @on_write("target_temperature")
    async def _set_target(self, value: float) -> None:
        await self.do_target(value)
        await self.look_again()

    @on_write("cooler")
    async def _set_cooler(self, value: bool) -> None:
        await self.do_cooler(value)
        await self.look_again()

    @on_write("binning")
    async def _set_binning(self, value: int) -> None:
        await self.do_binning(value)
        await self.look_again()

    def _now(self) -> float:
        return self.surroundings.clock.monotonic()

    def _own_progress(self, status: CameraStatus) -> tuple[float, float]:
        """Percent done and seconds left: what the camera does not tell of an exposure is told by the clock."""
        if self._exposure is None:
            return status.progress or 0.0, 0.0
        left = max(0.0, self._ends - self._now())
        whole = self._exposure.seconds
        done = 100.0 * (1.0 - left / whole) if whole else 100.0
        return (
            done if status.progress is None else status.progress,
            left if status.exposure_left is None else status.exposure_left,
        )

    async def _give_up(self, why: str) -> None:
        self._exposure, self._reading = None, False
        await self._unfollow()
        self.trouble = why

    async def _unfollow(self) -> None:
        following, self._following = self._following, None
        if following is not None:
            following.cancel()
            await asyncio.wait([following])

    async def _follow(self, exposure: Taken) -> None:
        """Wait for the end of an exposure and write its file. The end of the task says so in the tags."""
        try:
            status = await self._ready(exposure)
            self._reading = True
            self.activity = CameraState.READING
            name = await self._written(exposure, status)
            self.image, self.images = name, self.images + 1
        except Exception as error:  # noqa: BLE001 - the end of a task: told by its tags
            self.log.warning("no image", task="exposure", exposure=exposure.number, error=str(error))
            self.trouble = str(error) or type(error).__name__
        self._exposure, self._reading = None, False
        try:
            await self.look_again()
        except Exception as error:  # noqa: BLE001 - the end of a task: the next scan tells
            self.log.warning("cannot look at the camera", task="exposure", error=str(error))

    async def _ready(self, exposure: Taken) -> CameraStatus:
        clock = self.surroundings.clock
        await clock.sleep(exposure.seconds)
        last = clock.monotonic() + self.readout
        while True:
            with suppress(DeliveryError, OSError):  # told by the scan; it may come back
                status = await self.observe()
                if status.state is CameraState.ERROR:
                    raise DeviceError("camera_error", "the camera is in an error")
                if status.ready:
                    return status
            if clock.monotonic() >= last:
                raise DeviceError("no_image", f"no image {self.readout:g} s after the exposure")
            await clock.sleep(ASKED_EVERY)

    async def _written(self, exposure: Taken, status: CameraStatus) -> str:
        """Fetch the image and leave it in the folder; the name of its file."""
        for left in reversed(range(TRIES)):
            try:
                picture = await self.do_fetch()
                break
            except DeliveryError:
                if not left:
                    raise
                await self.surroundings.clock.sleep(1.0)
        facts = {"XBINNING": status.binning, "YBINNING": status.binning, "CCD-TEMP": status.temperature}
        facts |= {"GAIN": status.gain, "EGAIN": status.electrons_per_count, **picture.cards}
        name = image_name(self.path, exposure)
        data = await asyncio.to_thread(image_bytes, picture.pixels, picture.fits, exposure, self.path, facts)
        return await asyncio.to_thread(save_image, self.where(), name, data)
