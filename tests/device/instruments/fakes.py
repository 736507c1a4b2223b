"""Instruments of a family that is two variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from sereno.device.instruments import (
    Camera,
    CameraState,
    CameraStatus,
    ConditionsStatus,
    FilterWheel,
    FrameKind,
    InstrumentFamily,
    ObservingConditions,
    Picture,
    Switch,
    SwitchChannel,
    SwitchStatus,
    Telescope,
    TelescopeState,
    TelescopeStatus,
    WheelState,
    WheelStatus,
)
from sereno.model import DeviceError, NoAnswerError


class FakeTelescope(Telescope):
    """Arrives when it is told so."""

    at: tuple[float, float] = 0.0, 0.0
    does: TelescopeState = TelescopeState.IDLE

    async def observe(self) -> TelescopeStatus:
        return TelescopeStatus(
            state=self.does, right_ascension=self.at[0], declination=self.at[1], altitude=None, azimuth=None,
            tracking=self.does is TelescopeState.TRACKING, parked=False,
        )  # fmt: skip

    async def do_slew(self, right_ascension: float, declination: float) -> None:
        if declination < -60:
            raise DeviceError("below_horizon", "that is below the horizon")
        self.at, self.does = (right_ascension, declination), TelescopeState.SLEWING


class FakeWheel(FilterWheel):
    """Is there at once."""

    at: int = 0

    async def observe(self) -> WheelStatus:
        return WheelStatus(state=WheelState.IDLE, position=self.at, filters=("clear", "red", "blue"))

    async def do_move(self, position: int) -> None:
        self.at = position


class FakeCamera(Camera):
    """Ready `late` seconds after its exposure; `gone`: so many questions stay without an answer."""

    late: float = 1.0
    gone: int = 0
    ends: float = 0.0
    does: CameraState = CameraState.IDLE

    async def observe(self) -> CameraStatus:
        if self.gone:
            self.gone -= 1
            raise NoAnswerError("nothing")
        now = self.surroundings.clock.monotonic()
        ready = bool(self.ends) and now >= self.ends + self.late
        busy = bool(self.ends) and now < self.ends
        state = CameraState.EXPOSING if busy else self.does
        return CameraStatus(state=state, width=4, height=3, ready=ready, temperature=-10.0)

    async def do_expose(self, seconds: float, frame: FrameKind) -> None:
        self.ends = self.surroundings.clock.monotonic() + seconds

    async def do_fetch(self) -> Picture:
        return Picture(np.arange(12, dtype=np.uint16).reshape(3, 4), cards={"GAIN": 2.0})

    async def do_abort(self) -> None:
        self.ends = 0.0


class FakeConditions(ObservingConditions):
    """Has a thermometer."""

    async def observe(self) -> ConditionsStatus:
        return ConditionsStatus(temperature=11.5)


class FakeSwitch(Switch):
    """Two switches and a gauge."""

    values: list[float]

    async def startup(self) -> None:
        self.values = [0.0, 0.25]
        self.declare(
            [
                SwitchChannel(name="Flat lamp", writable=True),
                SwitchChannel(name="Heater", writable=True, low=0, high=0.5, step=0.01),
            ]
        )

    async def observe(self) -> SwitchStatus:
        return SwitchStatus(values=tuple(self.values))

    async def do_set(self, number: int, value: float) -> None:
        self.values[number] = value


FAMILY = InstrumentFamily(
    "fake",
    {"telescope": FakeTelescope, "filterwheel": FakeWheel, "camera": FakeCamera, "switch": FakeSwitch},
)


async def until(client: Any, path: str, value: Any) -> Any:
    """Wait, in virtual time, until a tag has this value."""
    for _ in range(400):
        reading = await client.get(path)
        if reading.value == value:
            return reading
        await client.clock.sleep(0.05)
    raise AssertionError(f"{path} is {reading.value!r} ({reading.quality}), not {value!r}")
