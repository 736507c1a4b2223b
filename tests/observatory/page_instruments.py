"""Instruments for the tests of pages: they do at once what they are told. A plant file names these classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sereno import DeviceError
from sereno.device.instruments import (
    Camera,
    CameraState,
    CameraStatus,
    Dome,
    DomeStatus,
    FilterWheel,
    FrameKind,
    Picture,
    ShutterState,
    Telescope,
    TelescopeState,
    TelescopeStatus,
    WheelState,
    WheelStatus,
)

FILTERS = ("R", "V", "B")
SHAPE = (300, 400)


class Mount(Telescope):
    """A mount that is there at once. Its altitude and azimuth are those of nobody's sky."""

    _now = TelescopeStatus(
        state=TelescopeState.TRACKING,
        right_ascension=5.5,
        declination=20.0,
        altitude=55.0,
        azimuth=120.0,
        tracking=True,
        parked=False,
    )

    async def observe(self) -> TelescopeStatus:
        return self._now

    async def do_slew(self, right_ascension: float, declination: float) -> None:
        if declination < -60:
            raise DeviceError("below_horizon", "it stands below the horizon")
        self._now = replace(self._now, right_ascension=right_ascension, declination=declination)

    async def do_park(self) -> None:
        self._now = replace(self._now, state=TelescopeState.PARKED, parked=True, tracking=False)

    async def do_unpark(self) -> None:
        self._now = replace(self._now, state=TelescopeState.IDLE, parked=False)

    async def do_abort(self) -> None:
        self._now = replace(self._now, state=TelescopeState.IDLE, tracking=False)


class Roof(Dome):
    """A dome that turns at once."""

    stands = DomeStatus(shutter=ShutterState.OPEN, azimuth=118.0, turning=False, parked=False)

    async def observe(self) -> DomeStatus:
        return self.stands

    async def do_turn(self, azimuth: float) -> None:
        self.stands = replace(self.stands, azimuth=azimuth)


class Wheel(FilterWheel):
    """Three filters."""

    _at = 0

    async def observe(self) -> WheelStatus:
        return WheelStatus(state=WheelState.IDLE, position=self._at, filters=FILTERS)

    async def do_move(self, position: int) -> None:
        self._at = position


class Eye(Camera):
    """Stars on a sky with a gradient, the same ones each time."""

    _exposed = False
    _aim = 0.0

    async def observe(self) -> CameraStatus:
        height, width = SHAPE
        return CameraStatus(
            state=CameraState.IDLE,
            width=width,
            height=height,
            temperature=-20.0,
            target_temperature=self._aim,
            gain=1.0,
            ready=self._exposed,
        )

    async def do_target(self, temperature: float) -> None:
        self._aim = temperature

    async def do_expose(self, seconds: float, frame: FrameKind) -> None:
        self._exposed = True

    async def do_fetch(self) -> Picture:
        return Picture(pixels=stars())

    async def do_abort(self) -> None:
        self._exposed = False


def stars() -> np.ndarray:
    """Sixty stars of all magnitudes; a bright one at column 31, row 11, counted from 1 at the first of the file."""
    random = np.random.default_rng(7)
    rows, columns = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    image = random.normal(1000.0, 12.0, SHAPE) + columns / 4.0
    places = [(10, 30, 5e4), *((*random.uniform((0, 0), SHAPE), 10 ** random.uniform(2, 4.5)) for _ in range(60))]
    for row, column, flux in places:
        image += flux * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 5.0)
    return np.clip(image, 0, 65535).astype(np.uint16)
