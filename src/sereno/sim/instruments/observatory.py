"""The simulated instruments of one observatory, joined: what the telescope points at is what the cameras see."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from sereno.device.instruments import ShutterState
from sereno.model import Clock

from . import kinds
from .alpaca import SimDevice
from .camera import SimCamera
from .dome import SimDome
from .mount import telescope
from .small import SimConditions, SimFocuser, SimSafety, SimSwitches, SimWheel
from .starfield import INFRARED, VISIBLE, Scene, Sensor
from .telescope import SimTelescope

Pointing: TypeAlias = "tuple[float, float]"
GeoPlace: TypeAlias = "tuple[float, float, float]"
"""Degrees north and east, metres above the sea."""
HERE: GeoPlace = (31.0439, -115.4637, 2800.0)
INFRARED_FILTERS = ("First infrared filter", "J", "H", "K", "dark")
LAMP = 400.0
"""Electrons per second and pixel that the flat lamp gives without a filter."""
PARTS: dict[str, tuple[str, ...]] = {
    "telescope": ("telescope", "conditions", "safety"),
    "cameraVIS": ("cameraVIS", "filterWheel", "focuser", "switch"),
    "cameraNIR": ("cameraNIR", "infraredWheel"),
    "dome": ("dome",),
}
"""What simulators serve that run apart from each other."""


class SimObservatory:
    """All models on one clock. The same seed gives the same stars and the same noise.

    `pointing`, J2000, is for cameras that run apart from their telescope. `roofless`: the dome is somebody else's, so
    that the cameras always see the sky. `shutter`: the dome has one. `place`: where the telescope stands.
    """

    def __init__(
        self, clock: Clock, *, seed: int = 0, roofless: bool = False, shutter: bool = True,
        pointing: Callable[[], Pointing] | None = None, visible: Sensor = VISIBLE, infrared: Sensor = INFRARED,
        place: GeoPlace = HERE,
    ) -> None:  # fmt: skip
        self.clock = clock
        self.roofless = roofless
        self.shutter = shutter
        latitude, longitude, elevation = place
        self.telescope = SimTelescope(clock, latitude=latitude, longitude=longitude, elevation=elevation)
        self.pointing = pointing or self.telescope.pointing
        self.dome = SimDome(clock)
        self.wheel, self.infrared_wheel = SimWheel(clock), SimWheel(clock, INFRARED_FILTERS)
        self.focuser = SimFocuser(clock)
        self.conditions, self.safety, self.switches = SimConditions(), SimSafety(), SimSwitches()
        self.visible = SimCamera(clock, visible, lambda: self.scene(self.wheel), seed=seed)
        self.infrared = SimCamera(clock, infrared, lambda: self.scene(self.infrared_wheel), seed=seed)

    def scene(self, wheel: SimWheel) -> Scene:
        """What is in front of a camera behind this wheel."""
        right_ascension, declination = self.pointing()
        seeing, clouds = self.conditions.now.seeing or 1.0, self.conditions.now.cloud_cover or 0.0
        blur = abs(self.focuser.position - self.focuser.best) / 100.0
        filter_ = wheel.filter
        return Scene(
            right_ascension=right_ascension,
            declination=declination,
            transmission=0.0 if filter_ in ("", "dark") else 1.0 if filter_ == "clear" else 0.4,
            fwhm=2.0 + seeing + blur,
            sky=1.0 + clouds / 20.0,
            lamp=LAMP * self.switches.values[0],
            covered=not self.roofless and self.dome.shutter is ShutterState.CLOSED,
        )

    def devices(self, *actors: str) -> list[SimDevice]:
        """Alpaca devices over the models, all of them or those named."""
        made = [
            telescope(self.telescope),
            kinds.dome(self.dome, shutter=self.shutter),
            kinds.camera(self.visible, "cameraVIS"),
            kinds.camera(self.infrared, "cameraNIR"),
            kinds.wheel(self.wheel, "filterWheel"),
            kinds.wheel(self.infrared_wheel, "infraredWheel"),
            kinds.focuser(self.focuser),
            kinds.conditions(self.conditions),
            kinds.safety(self.safety),
            kinds.switch(self.switches),
        ]
        return [device for device in made if not actors or device.actor in actors]
