"""What is asked for: a sequence of albums, one for each detector, of plans. Plain values that travel as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated

import msgspec

from .status import Status

Name = Annotated[str, msgspec.Meta(max_length=200)]
_LONGEST, _MOST, _LARGEST = 86_400.0, 10_000, 2**31 - 1
Moment = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Whole = Annotated[int, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]


class Frame(StrEnum):
    """What an image is of."""

    LIGHT = "light"
    DARK = "dark"
    BIAS = "bias"
    FLAT = "flat"


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where to point: right ascension (h) and declination (deg) of J2000, or altitude and azimuth (deg, N=0, E=90)."""

    right_ascension: Annotated[float, msgspec.Meta(ge=0, lt=24)] | None = None
    declination: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    altitude: Annotated[float, msgspec.Meta(ge=0, le=90)] | None = None
    azimuth: Annotated[float, msgspec.Meta(ge=0, lt=360)] | None = None

    def __post_init__(self) -> None:
        equatorial = self.right_ascension is not None and self.declination is not None
        horizontal = self.altitude is not None and self.azimuth is not None
        given = sum(one is not None for one in (self.right_ascension, self.declination, self.altitude, self.azimuth))
        if given != 2 or not (equatorial or horizontal):
            raise ValueError("a target is right_ascension and declination, or altitude and azimuth")

    def __str__(self) -> str:
        if self.right_ascension is not None:
            return f"RA {self.right_ascension:.5f} h, dec {self.declination:+.4f} deg"
        return f"altitude {self.altitude:.2f} deg, azimuth {round(self.azimuth or 0.0, 2) % 360.0:.2f} deg"


READOUT = 5.0
"""Seconds between two images."""


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """So many images of one kind: `exposure` s each through `filter` ("" leaves the wheel), `focus` in steps."""

    exposure: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST)]
    images: Annotated[int, msgspec.Meta(ge=1, le=_MOST)] = 1
    filter: Name = ""
    frame: Frame = Frame.LIGHT
    focus: Whole | None = None
    binning: Annotated[int, msgspec.Meta(ge=1, le=64)] | None = None
    name: Name = ""


class Album(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The plans of one detector, in their order."""

    detector: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    plans: Annotated[tuple[Plan, ...], msgspec.Meta(min_length=1, max_length=1000)]
    name: Name = ""


class Sequence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is executed in one piece, within t_start and t_end (ns UTC), the higher priority first.

    It has 10,000 images at most. Without a target nothing is pointed. `duration` (s) is what its author says
    that it takes, 0 = not said.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    albums: Annotated[tuple[Album, ...], msgspec.Meta(min_length=1, max_length=16)]
    t_start: Moment
    t_end: Moment
    target: Target | None = None
    priority: Whole = 0
    program: Name = ""
    observer: Name = ""
    duration: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 0.0

    def __post_init__(self) -> None:
        if self.t_end <= self.t_start:
            raise ValueError("its window ends before it begins")
        if self.images > _MOST:
            raise ValueError(f"{self.images} images; a sequence has {_MOST} at most")
        detectors = [album.detector for album in self.albums]
        twice = {one for one in detectors if detectors.count(one) > 1}
        if twice:
            raise ValueError(f"two albums of one detector: {', '.join(sorted(twice))}")

    @property
    def images(self) -> int:
        """How many images it is."""
        return sum(plan.images for album in self.albums for plan in album.plans)

    @property
    def needs_sky(self) -> bool:
        """False if a closed dome will do, by day too: it points nowhere, and is of darks, bias and lamp flats alone."""
        frames = {plan.frame for album in self.albums for plan in album.plans}
        return self.target is not None or Frame.LIGHT in frames

    def has(self, slot: Slot) -> bool:
        """Whether this image was asked for."""
        if not (0 <= slot.album < len(self.albums) and 0 <= slot.plan < len(self.albums[slot.album].plans)):
            return False
        return 1 <= slot.number <= self.albums[slot.album].plans[slot.plan].images

    @property
    def occupies(self) -> float:
        """Seconds of exposures and readouts of the detector that takes longest: they expose at the same time."""
        return max(sum((plan.exposure + READOUT) * plan.images for plan in album.plans) for album in self.albums)


class Slot(msgspec.Struct, frozen=True, order=True):
    """One image of a sequence: positions of album and plan from 0, number within the plan from 1."""

    album: int
    plan: int
    number: int


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """One image that was taken: what was asked for is its plan's, what was is here."""

    slot: Slot
    file: str
    t_start: Moment
    seconds: Annotated[float, msgspec.Meta(ge=0)]
    detector: str
    filter: str = ""
    note: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A sequence in the book: its number, how it fares and why, since when, and the images taken.

    `tries` were given up because an instrument did not do its part, the last one at `t_tried` (ns UTC).
    """

    id: int
    sequence: Sequence
    status: Status = Status.TOBEPLANNED
    why: str = ""
    t_changed: int = 0
    images: tuple[Image, ...] = ()
    tries: int = 0
    t_tried: int = 0

    def missing(self) -> list[Slot]:
        """Images not taken yet, album by album in their order."""
        taken = {image.slot for image in self.images}
        return [slot for slot in slots(self.sequence) if slot not in taken]

    @property
    def still_occupies(self) -> float:
        """As `occupies` of its sequence, by what is missing."""
        plans = [album.plans for album in self.sequence.albums]
        return longest((slot.album, plans[slot.album][slot.plan].exposure + READOUT) for slot in self.missing())


def longest(exposures: Iterable[tuple[int, float]]) -> float:
    """Seconds of the album that takes longest, as they are exposed at the same time."""
    sums: dict[int, float] = {}
    for album, seconds in exposures:
        sums[album] = sums.get(album, 0.0) + seconds
    return max(sums.values(), default=0.0)


def slots(sequence: Sequence) -> Iterator[Slot]:
    """Every image of a sequence, album by album."""
    for a, album in enumerate(sequence.albums):
        for p, plan in enumerate(album.plans):
            for number in range(1, plan.images + 1):
                yield Slot(a, p, number)
