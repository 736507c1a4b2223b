"""The instruments of an observer, and what is seen of them: their tags, where a value is good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sereno.client import Client, Reading
from sereno.model import NotFoundError, severity

_CAMERA = (
    "state",
    "images",
    "image",
    "trouble",
    "exposure_left",
    "binning",
    "temperature",
    "gain",
    "electrons_per_count",
)
_MOUNT = ("state", "right_ascension", "declination", "altitude", "azimuth", "parked")


@dataclass(frozen=True, slots=True)
class Detector:
    """A camera with what stands before it; "" where there is no wheel or focuser."""

    name: str
    camera: str
    wheel: str = ""
    focuser: str = ""

    def tags(self) -> list[str]:
        """What is read of it."""
        kinds = ((self.camera, _CAMERA), (self.wheel, ("state", "filter")), (self.focuser, ("position", "moving")))
        return [f"{path}/{name}" for path, names in kinds if path for name in names]


@dataclass(frozen=True, slots=True)
class Instruments:
    """Paths of devices, and `shutter` of a tag; "" where there is none."""

    telescope: str
    dome: str
    shutter: str
    detectors: tuple[Detector, ...]

    def at(self, name: str) -> Detector | None:
        """The detector of this name."""
        return next((one for one in self.detectors if one.name == name), None)

    def tags(self) -> list[str]:
        """What is read of them."""
        kinds = ((self.telescope, _MOUNT), (self.dome, ("azimuth", "turning")))
        listed = [f"{path}/{name}" for path, names in kinds if path for name in names]
        listed += [path for detector in self.detectors for path in detector.tags()]
        return list(dict.fromkeys([*listed, *([self.shutter] if self.shutter else [])]))


@dataclass(frozen=True, slots=True)
class Seen:
    """Values of tags by path; what is not known is not in it."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def of(self, device: str, name: str) -> Any:
        """A value of a device, None when nobody knows."""
        return self.values.get(f"{device}/{name}")

    def pointing(self, telescope: str) -> tuple[float, float] | None:
        """Right ascension (h) and declination (deg)."""
        found = self.of(telescope, "right_ascension"), self.of(telescope, "declination")
        return None if None in found else (float(found[0]), float(found[1]))


async def readings_of(client: Client, paths: Sequence[str]) -> list[Reading]:
    """Present values of those tags that there are; a device that this plant has not is one that nobody knows."""
    try:
        return await client.read(*paths) if paths else []
    except NotFoundError:
        found: list[Reading] = []
        for path in paths:
            with suppress(NotFoundError):
                found += await client.read(path)
        return found


def seen_of(readings: Iterable[Reading]) -> Seen:
    """What is good of the readings."""
    return Seen({one.tag.path: one.value for one in readings if severity(one.quality) == "good"})
