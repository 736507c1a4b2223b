"""A simulated camera: cools, exposes, reads out, and can stop giving images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from sereno.device.instruments import CameraState
from sereno.model import Clock, DeviceError

from .starfield import VISIBLE, Scene, Sensor, render

AMBIENT = 15.0
COOLING = 60.0
"""Seconds in which two thirds of the way to a temperature are done."""
COLDEST = 45.0
"""Degrees below the ambient temperature that the cooler reaches."""
BINNINGS = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class _Exposure:
    """One exposure, with what was in front of the sensor when it began."""

    number: int
    seconds: float
    light: bool
    begun: float
    wall_ns: int
    binning: int
    scene: Scene


class SimCamera:
    """`scene` tells what is in front of the sensor; the same seed gives the same images."""

    def __init__(
        self, clock: Clock, sensor: Sensor = VISIBLE, scene: Callable[[], Scene] = Scene, *, seed: int = 0
    ) -> None:
        self.clock = clock
        self.sensor = sensor
        self.scene = scene
        self.seed = seed
        self.binning = 1
        self.silent = False
        self.target, self._cooler = 0.0, False
        self._warm, self._changed = AMBIENT, 0.0
        self._exposure: _Exposure | None = None
        self._count = 0
        self._image: NDArray[np.uint16] | None = None

    @property
    def cooler(self) -> bool:
        """The cooler is on."""
        return self._cooler

    @property
    def aim(self) -> float:
        """The temperature that the sensor goes to."""
        return max(self.target, AMBIENT - COLDEST) if self._cooler else AMBIENT

    @property
    def temperature(self) -> float:
        """Of the sensor, degrees Celsius."""
        return self.aim + (self._warm - self.aim) * exp(-(self.clock.monotonic() - self._changed) / COOLING)

    @property
    def cooler_power(self) -> float:
        """Percent."""
        return min(100.0, max(0.0, 100.0 * (AMBIENT - self.aim) / COLDEST)) if self._cooler else 0.0

    def cool(self, on: bool | None = None, target: float | None = None) -> None:
        """Switch the cooler, or let it aim at another temperature. Raises DeviceError."""
        if target is not None and not -100 <= target <= 50:
            raise DeviceError("invalid_value", f"{target:g} degC, expected -100 to 50")
        now = self.temperature
        self._cooler = self._cooler if on is None else on
        self.target = self.target if target is None else target
        self._warm, self._changed = now, self.clock.monotonic()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of an image, binned."""
        return self.sensor.width // self.binning, self.sensor.height // self.binning

    def bin(self, binning: int) -> None:
        """Put so many pixels together. Raises DeviceError."""
        if binning not in BINNINGS:
            raise DeviceError("invalid_value", f"binning {binning}, expected one of {', '.join(map(str, BINNINGS))}")
        self.binning = binning

    @property
    def elapsed(self) -> float:
        """Seconds since the begin of the exposure."""
        return 0.0 if self._exposure is None else self.clock.monotonic() - self._exposure.begun

    @property
    def state(self) -> CameraState:
        """What it does; reading goes on for ever in one that has stopped giving images."""
        if self._exposure is None or self.ready:
            return CameraState.IDLE
        return CameraState.EXPOSING if self.elapsed < self._exposure.seconds else CameraState.READING

    @property
    def ready(self) -> bool:
        """An image can be had."""
        exposure = self._exposure
        return exposure is not None and not self.silent and self.elapsed >= exposure.seconds + self.sensor.readout

    @property
    def progress(self) -> float:
        """Percent of the exposure."""
        if self._exposure is None or self.ready:
            return 100.0 if self.ready else 0.0
        whole = self._exposure.seconds
        return min(100.0, 100.0 * self.elapsed / whole) if whole else 100.0

    @property
    def last(self) -> tuple[float, int]:
        """Seconds and begin (ns UTC) of the last exposure. Raises DeviceError."""
        if self._exposure is None:
            raise DeviceError("invalid_operation", "no exposure has been made")
        return self._exposure.seconds, self._exposure.wall_ns

    def expose(self, seconds: float, *, light: bool = True) -> None:
        """Begin an exposure. Raises DeviceError."""
        if not 0 <= seconds <= 86400:
            raise DeviceError("invalid_value", f"{seconds:g} s, expected 0 to 86400")
        if self.state is not CameraState.IDLE:
            raise DeviceError("invalid_operation", "an exposure is under way")
        self._count += 1
        now = self.clock.monotonic(), self.clock.wall_ns()
        self._exposure = _Exposure(self._count, seconds, light, *now, self.binning, self.scene())
        self._image = None

    def abort(self) -> None:
        """Give up the exposure."""
        self._exposure = self._image = None

    def image(self) -> NDArray[np.uint16]:
        """The image that is ready, in lines. Raises DeviceError."""
        exposure = self._exposure
        if exposure is None or not self.ready:
            raise DeviceError("invalid_operation", "there is no image")
        if self._image is None:
            rng = np.random.default_rng([self.seed, self.sensor.seed, exposure.number])
            self._image = render(
                self.sensor, exposure.scene, exposure.seconds, rng, light=exposure.light,
                temperature=self.temperature, binning=exposure.binning, star_seed=self.seed,
            )  # fmt: skip
        return self._image
