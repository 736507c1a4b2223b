"""Image files of cameras: what stands in a raw header, and a file that is there as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sereno.wire.fits import Card, decode_header, encode_fits

from .instrument import is_unknown

KINDS = {"light": "Light Frame", "dark": "Dark Frame", "bias": "Bias Frame", "flat": "Flat Frame"}
_COMMENTS = {
    "XBINNING": "pixels put together along a line",
    "YBINNING": "lines put together",
    "CCD-TEMP": "[degC] sensor",
    "GAIN": "as the camera counts it",
    "EGAIN": "electrons per count",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """An exposure that was begun: which one, of how many seconds, what for, when (ns UTC)."""

    number: int
    seconds: float
    frame: str
    begun_ns: int

    @property
    def begun(self) -> datetime:
        """When it was begun, UTC."""
        return datetime.fromtimestamp(self.begun_ns / 1e9, UTC)


def image_name(path: str, taken: Taken) -> str:
    """The file of an exposure of the device `path`: the device, when it was begun, its number."""
    when = taken.begun.strftime("%Y%m%dT%H%M%S")
    return f"{path.replace('/', '-')}-{when}-{taken.number:05d}.fits"


def image_bytes(pixels: NDArray[Any] | None, fits: bytes, taken: Taken, path: str, facts: Mapping[str, Any]) -> bytes:
    """The file: what the camera gave as FITS stays as it is, pixels get a raw header. Raises FitsError."""
    if pixels is None:
        decode_header(fits)
        return fits
    cards: dict[str, Card] = {
        "DATE-OBS": (taken.begun.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3], "UTC, begin of the exposure"),
        "EXPTIME": (float(taken.seconds), "[s] exposure"),
        "IMAGETYP": (KINDS[taken.frame], "what it was taken for"),
        "INSTRUME": (path[-60:], "camera"),
    }
    for name, value in facts.items():
        if value is not None and not is_unknown(value):
            cards[name] = (value, _COMMENTS[name]) if name in _COMMENTS else value
    return encode_fits(pixels, cards)


def save_image(folder: Path, name: str, data: bytes) -> str:
    """Write a file that is there as a whole or not at all, durably; its name, another if there is one. Blocks."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{name}.part"
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        free = _free(folder, name)
        temporary.rename(folder / free)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(folder)
    return free


def _free(folder: Path, name: str) -> str:
    stem, number = name.removesuffix(".fits"), 2
    while (folder / name).exists():
        name, number = f"{stem}-{number}.fits", number + 1
    return name


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
