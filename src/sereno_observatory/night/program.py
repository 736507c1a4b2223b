"""What is to be observed in a night: a sequence for each part of it, more than a disturbed night holds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from sereno_observatory.majordome.sun import sidereal_hours

from .script import LATITUDE, LONGITUDE, Night

VISIBLE, INFRARED = 6, 5
"""Images of a sequence, by camera."""
FILLED, READOUT = 0.5, 5.0
"""Of a part of the night that a sequence takes; seconds between two images."""
WINDOW = 2.5
"""Parts of the night that a sequence has: what is interrupted is gone on with."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A sequence; `begins` and `ends` of its window in seconds after dusk, exposures in seconds each."""

    name: str
    right_ascension: float
    declination: float
    begins: float
    ends: float
    visible: float
    infrared: float
    priority: int

    @property
    def images(self) -> int:
        """How many it is to have."""
        return VISIBLE + INFRARED

    @property
    def takes(self) -> float:
        """Seconds that it needs at least, without pointing."""
        return max(VISIBLE * self.visible, INFRARED * self.infrared)

    def text(self, dusk: float, now: float) -> str:
        """For the book of sequences, which counts from `now` (both seconds since 1970)."""
        return _TEXT.format(
            one=self, start=self.begins + dusk - now, end=self.ends + dusk - now, visible=VISIBLE, infrared=INFRARED
        )


def program(night: Night, seed: int, parts: int) -> list[Wanted]:
    """The sequences of a night, each high in the sky in its part of it."""
    chance = random.Random(f"program {seed}")  # noqa: S311 - fields, no secret
    return list(_wanted(night, chance, parts))


def _wanted(night: Night, chance: random.Random, parts: int) -> Iterator[Wanted]:
    lasts = (night.dawn - night.dusk) / parts
    for number in range(parts):
        begins = number * lasts
        sidereal = sidereal_hours(round((night.dusk + begins) * 1e9), LONGITUDE)
        visible = FILLED * lasts / VISIBLE - READOUT
        yield Wanted(
            name=f"Field {number + 1}",
            right_ascension=round((sidereal * 15.0 + chance.uniform(0.0, 15.0)) % 360.0, 4),
            declination=round(LATITUDE + chance.uniform(-20.0, 10.0), 4),
            begins=round(begins, 1),
            ends=round(min(begins + WINDOW * lasts, night.dawn - night.dusk), 1),
            visible=round(visible, 1),
            infrared=round(chance.uniform(0.8, 1.0) * VISIBLE / INFRARED * visible, 1),
            priority=chance.randint(1, 5),
        )


_TEXT = """
[[sequence]]
name = "{one.name}"
program = "Fields"
target = "{one.right_ascension} {one.declination}"
start = {start:.1f}
end = {end:.1f}
priority = {one.priority}

[[sequence.album]]
detector = "Visible camera"
[[sequence.album.plan]]
filter = "r"
exposure = {one.visible}
images = {visible}

[[sequence.album]]
detector = "Near-infrared camera"
[[sequence.album.plan]]
filter = "J"
exposure = {one.infrared}
images = {infrared}
"""
