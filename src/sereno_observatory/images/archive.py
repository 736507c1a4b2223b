"""The archive of finished images: folders by night, complete headers by astropy, durable files."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sereno.model import OperationError

from .headers import Card, Facts, cards_of, night_of, ns_of_iso

_FULL = (errno.ENOSPC, errno.EDQUOT)
WITHOUT = "header as the camera wrote it: install sereno[observatory]"


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished image: its file below the folder of the nights, begin of the exposure (ns UTC), and a remark.

    `seconds`: how long the camera says that it exposed, None where it does not say.
    """

    file: str
    t_start: int
    note: str = ""
    seconds: float | None = None


class Archive:
    """Finishes images of the folder `raw` into `nights`/DATE. What the camera wrote stays where it is."""

    def __init__(self, raw: str, nights: str) -> None:
        self._raw = Path(raw)
        self._nights = Path(nights)

    async def keep(self, facts: Facts) -> Kept:
        """Write the finished image. Raises OperationError, saying what to do; then there is no file."""
        return await asyncio.to_thread(self.keep_now, facts)

    def keep_now(self, facts: Facts) -> Kept:
        """As `keep`, blocking."""
        raw = self._raw / facts.shot.raw
        night = self._nights / night_of(facts.shot.t_start, facts.place.longitude)
        try:
            night.mkdir(parents=True, exist_ok=True)
            return self._written(raw, night, facts)
        except OSError as error:
            if error.errno in _FULL:
                found = f"the disk of {night} is full, {raw.name} stays where it is; free some space"
                raise OperationError(found) from error
            raise OperationError(f"{error.filename or raw}: {error.strerror or error}") from error

    def _written(self, raw: Path, night: Path, facts: Facts) -> Kept:
        part = night / f".{name_of(facts)}.part"
        try:
            t_start, seconds, note = finish(raw, part, facts)
            _sync(part)
            final = _free(night, name_of(facts))
            part.rename(final)
        finally:
            part.unlink(missing_ok=True)
        _sync(night)
        return Kept(str(final.relative_to(self._nights)), t_start, note, seconds)


def name_of(facts: Facts) -> str:
    """The file of an image: sequence, its name, detector, filter or kind, and number."""
    shot = facts.shot
    what = shot.plan.filter if shot.plan.frame == "light" else shot.plan.frame
    number = f"p{shot.slot.plan + 1}-{shot.slot.number:04d}"
    words = (f"{facts.entry.id:06d}", facts.entry.sequence.name, shot.detector.name, str(what), number)
    return "_".join(slug for word in words if (slug := _slug(word))) + ".fits"


def finish(raw: Path, part: Path, facts: Facts) -> tuple[int, float | None, str]:
    """Copy an image with its complete header; begin (ns UTC) and seconds of the exposure, and a note.

    Blocks. Raises OSError, or OperationError for a file that is against the standard.
    """
    try:
        from astropy.io import fits  # slow to import: in the thread that writes the first image
    except ImportError:
        shutil.copyfile(raw, part)
        return facts.shot.t_start, None, WITHOUT
    try:
        with fits.open(raw, mode="readonly", memmap=False, do_not_scale_image_data=True) as opened:
            header = opened[0].header
            t_start, seconds = _begun(header, facts), _took(header, facts)
            for card in cards_of(facts, t_start, seconds):
                _set(header, card)
            opened.verify("exception")
            opened.writeto(part, checksum=True, overwrite=True)
    except (fits.VerifyError, KeyError, TypeError, ValueError) as error:  # astropy's for what is cut off or malformed
        raise OperationError(f"{raw}: no image of the standard: {' '.join(str(error).split())}") from error
    return t_start, seconds, ""


def _begun(header: Any, facts: Facts) -> int:
    """When the camera says that it began, else when it was told to."""
    said = str(header.get("DATE-OBS", ""))
    try:
        return ns_of_iso(said) if "T" in said else facts.shot.t_start
    except ValueError:
        return facts.shot.t_start


def _took(header: Any, facts: Facts) -> float:
    """Seconds that the camera says, else those that were asked for."""
    said = header.get("EXPTIME")
    known = isinstance(said, int | float) and not isinstance(said, bool) and said >= 0
    return float(said) if known else facts.shot.plan.exposure


def _set(header: Any, card: Card) -> None:
    key, value, comment = card
    header[key] = (value, comment)


def _free(folder: Path, name: str) -> Path:
    stem, number = name.removesuffix(".fits"), 2
    found = folder / name
    while found.exists():
        found, number = folder / f"{stem}-{number}.fits", number + 1
    return found


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _slug(word: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", word).strip("-.")[:40]
