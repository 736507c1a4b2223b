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

from sereno.device.instruments import decode_fits
from sereno.model import OperationError
from sereno_observatory.sequences.model import Entry, Image, Slot

from .headers import Card, Facts, cards_of, iso, night_of, ns_of_iso, plain

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

    async def unrecorded(self, entry: Entry) -> list[Image]:
        """Images of missing slots that are finished already: kept when the book could not be told any more."""
        return await asyncio.to_thread(self.unrecorded_now, entry)

    def unrecorded_now(self, entry: Entry) -> list[Image]:
        """As `unrecorded`, blocking. A file counts by what its header says, not by its name alone."""
        found = []
        for slot in entry.missing():
            name = name_of(entry, slot)
            forms = f"*/{name}", f"*/{name.removesuffix('.fits')}-*.fits"  # as `_free` names them
            files = [file for form in forms for file in sorted(self._nights.glob(form))]
            images = [image for file in files if (image := self._image(file, entry, slot)) is not None]
            found += images[:1]
        return found

    def _image(self, file: Path, entry: Entry, slot: Slot) -> Image | None:
        try:
            cards = decode_fits(file.read_bytes()).cards
            t_start = ns_of_iso(str(cards.get("DATE-OBS", "")))
        except (OSError, ValueError):
            return None
        asked = entry.sequence
        said = tuple(cards.get(key) for key in ("OBJECT", "SEQID", "ALBUM", "PLAN", "IMAGENR"))
        if said != (plain(asked.name), entry.id, slot.album + 1, slot.plan + 1, slot.number):
            return None
        if not asked.t_start <= t_start < asked.t_end:
            return None  # of another book, which counted from 1 as well
        return Image(
            slot=slot,
            file=str(file.relative_to(self._nights)),
            t_start=t_start,
            seconds=float(cards.get("EXPTIME", 0.0)),
            detector=asked.albums[slot.album].detector,
            filter=str(cards.get("FILTER", "")),
            note=str(cards.get("REMARK", "")),
        )

    def _written(self, raw: Path, night: Path, facts: Facts) -> Kept:
        name = name_of(facts.entry, facts.shot.slot)
        part = night / f".{name}.part"
        try:
            t_start, seconds, note = finish(raw, part, facts)
            _sync(part)
            final = _free(night, name)
            part.rename(final)
        finally:
            part.unlink(missing_ok=True)
        _sync(night)
        return Kept(str(final.relative_to(self._nights)), t_start, note, seconds)


def name_of(entry: Entry, slot: Slot) -> str:
    """The file of an image: sequence, its name, detector, filter or kind, and number."""
    album = entry.sequence.albums[slot.album]
    plan = album.plans[slot.plan]
    what = plan.filter if plan.frame == "light" else plan.frame
    number = f"p{slot.plan + 1}-{slot.number:04d}"
    words = (f"{entry.id:06d}", entry.sequence.name, album.detector, str(what), number)
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
            header.setdefault("BUNIT", ("adu", "unit of the pixels: counts of the camera"))
            opened.verify("exception")
            for unit in opened:  # not by writeto: its checksums have the time of the machine's clock beside them
                unit.add_checksum(when=iso(facts.t_kept))
            opened.writeto(part, overwrite=True)
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
