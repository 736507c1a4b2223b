"""Instruments that tests put in the place of real ones: the same tags and commands, and faults on demand."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

from sereno import Device, DeviceError, command, setting, tag
from sereno.device.instruments import encode_fits
from sereno_observatory.images.archive import Archive, Kept
from sereno_observatory.images.headers import Facts
from sereno_observatory.observer import Observer
from sereno_observatory.sequences import Entry, Image


class Faulty(Device):
    """`hung` commands do not return, `refusing` ones say no."""

    hung: bool = False
    refusing: str = ""

    async def fault(self) -> None:
        """To be awaited at the begin of a command."""
        if self.hung:
            await self.client.clock.sleep(1e6)
        if self.refusing:
            raise DeviceError("refused", self.refusing)


class Mount(Faulty):
    """A telescope that is there after `slewing` seconds."""

    slewing: float = setting(8.0)
    now_at: str = tag(name="state", default="parked")
    right_ascension: float = tag(unit="h", default=0.0)
    declination: float = tag(unit="deg", default=0.0)
    altitude: float = tag(unit="deg", default=60.0)
    azimuth: float = tag(unit="deg", default=10.0)
    parked: bool = tag(default=True)
    slow: float = 0.0
    """Seconds that it takes to say that it has accepted a slew."""
    slews: int = 0

    @command
    async def unpark(self) -> None:
        await self.fault()
        self.parked, self.now_at = False, "idle"

    @command
    async def park(self) -> None:
        await self.fault()
        self.parked, self.now_at = True, "parked"

    @command
    async def slew(self, right_ascension: float, declination: float) -> None:
        await self.fault()
        if self.parked:
            raise DeviceError("parked", "it is parked")
        self.now_at = "slewing"
        self.slews += 1
        arrives = self.slewing + 2 * self.slow
        self.client.clock.call_later(arrives, lambda: self._there(right_ascension, declination))
        await self.client.clock.sleep(self.slow)

    @command
    async def abort(self) -> None:
        self.now_at = "idle"

    def _there(self, right_ascension: float, declination: float) -> None:
        if self.now_at == "slewing":
            self.right_ascension, self.declination, self.now_at = right_ascension, declination, "tracking"


class Wheel(Faulty):
    """A filter wheel."""

    filters: ClassVar[tuple[str, ...]] = ("g", "r", "i")
    now_at: str = tag(name="state", default="idle")
    filter: str = tag(default="g")

    @command
    async def select(self, name: str) -> None:
        await self.fault()
        if name not in self.filters:
            raise DeviceError("no_such_filter", f"there is no filter {name!r}")
        self.now_at = "moving"
        self.client.clock.call_later(2.0, lambda: self._there(name))

    def _there(self, name: str) -> None:
        self.filter, self.now_at = name, "idle"


class Shooter(Faulty):
    """A camera that writes a small file after each exposure."""

    now_at: str = tag(name="state", default="idle")
    images: int = tag(default=0)
    image: str = tag(default="")
    trouble: str = tag(default="")
    exposure_left: float = tag(unit="s", default=0.0)
    binning: int = tag(default=1, write=True)
    temperature: float = tag(unit="degC", default=-20.0)
    gain: float = tag(default=1.5)

    def startup(self) -> None:
        self._number, self.aborted = 0, 0

    @command
    async def expose(self, seconds: float, frame: str = "light") -> None:
        await self.fault()
        if self.now_at != "idle":
            raise DeviceError("busy", "an exposure is under way")
        self._number += 1
        self.now_at = "exposing"
        number, began = self._number, self.client.clock.wall_ns()
        self.client.clock.call_later(seconds + 1.0, lambda: self._done(number, began, seconds))

    @command
    async def abort(self) -> None:
        self.aborted += 1
        self._number += 1
        self.now_at, self.trouble = "idle", ""

    def _done(self, number: int, began: int, seconds: float) -> None:
        if number == self._number and self.now_at == "exposing":
            self._written(f"{self.path.replace('/', '-')}-{number:03d}.fits", began, seconds)

    def _written(self, name: str, began: int, seconds: float) -> None:
        folder = self.folder / "images"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(raw_image(began, seconds))
        self.image, self.images, self.now_at = name, self.images + 1, "idle"


class Roof(Device):
    """The shutter of the dome, as the PLC tells it."""

    shutter: str = tag(default="open", write=True)


class Sky(Device):
    """The air outside."""

    weather_temperature: float = tag(unit="degC", default=7.5)


def raw_image(began: int, seconds: float) -> bytes:
    """A few pixels as a camera writes them."""
    import numpy as np

    from sereno_observatory.images.headers import iso

    cards: dict[str, Any] = {"DATE-OBS": iso(began), "EXPTIME": seconds, "IMAGETYP": "Light Frame", "INSTRUME": "cam"}
    return encode_fits(np.arange(12, dtype=np.uint16).reshape(3, 4), cards)


class Shelf(Archive):
    """Keeps in memory what it is given, or says that the disk is full."""

    def __init__(self) -> None:
        self.facts: list[Facts] = []
        self.full = ""

    async def keep(self, facts: Facts) -> Kept:
        await asyncio.sleep(0)
        if self.full:
            raise OSError(self.full)
        self.facts.append(facts)
        return Kept(f"{len(self.facts)}.fits", facts.shot.t_start)

    async def unrecorded(self, entry: Entry) -> list[Image]:
        return []


SHELF = Shelf()


class Watcher(Observer):
    """An observer whose images go onto the shelf."""

    def make_archive(self, raw: str, nights: str) -> Archive:
        assert Path(raw).name == "images"
        SHELF.facts.clear()
        SHELF.full = ""
        return SHELF
