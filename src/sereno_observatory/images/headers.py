"""What stands in the header of a finished image. Pure: from what was asked and what was seen to cards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unicodedata import combining, normalize

from sereno_observatory.sequences.model import Entry
from sereno_observatory.sky import Place, air_mass, horizontal

from .shot import Shot

Card = tuple[str, Any, str]
"""Keyword, value, comment."""

_KINDS = {"light": "LIGHT", "dark": "DARK", "bias": "BIAS", "flat": "FLAT"}
_MJD_UNIX, _DAY_NS = 40_587.0, 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Facts:
    """An image and all that is known about it. `name` of the telescope, `ambient` degrees Celsius outside.

    `site` is the name of the observatory; `telescope` and `dome` are devices, `dome` "" where none turns. `t_kept`:
    when the image is written, ns UTC.
    """

    entry: Entry
    shot: Shot
    place: Place
    name: str
    telescope: str
    t_kept: int
    ambient: float | None = None
    dome: str = ""
    site: str = ""


def cards_of(facts: Facts, t_start: int, seconds: float | None = None) -> list[Card]:
    """The cards; what is not known is left out. `t_start`: begin of the exposure, ns UTC; `seconds` it took."""
    took = facts.shot.plan.exposure if seconds is None else seconds
    found = [*_asked(facts), *_time(t_start, took), *_pointing(facts, t_start, took)]
    found += [*_instrument(facts), *_site(facts), ("DATE", iso(facts.t_kept), "when this file was written, UTC")]
    return [(key, plain(value), comment) for key, value, comment in found if _known(value)]


def night_of(t_ns: int, longitude: float) -> str:
    """The night that a moment belongs to: the date of its evening, from noon to noon of local mean time."""
    evening = t_ns / 1e9 + longitude * 240.0 - 43_200.0
    return f"{datetime.fromtimestamp(evening, UTC):%Y-%m-%d}"


def iso(t_ns: int) -> str:
    """As FITS writes a time."""
    return f"{datetime.fromtimestamp(t_ns // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{t_ns // 10**6 % 1000:03d}"


def ns_of_iso(text: str) -> int:
    """The moment of a DATE-OBS. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def _asked(facts: Facts) -> list[Card]:
    entry, shot = facts.entry, facts.shot
    asked, slot = entry.sequence, shot.slot
    return [
        ("OBJECT", asked.name, "name of the sequence"),
        ("IMAGETYP", _KINDS[shot.plan.frame], "what it was taken for"),
        ("OBSERVER", asked.observer or "robot", "who asked for it"),
        ("PROGID", asked.program, "scientific program"),
        ("SEQID", entry.id, "number of the sequence"),
        ("ALBUM", slot.album + 1, "album of the sequence"),
        ("PLAN", slot.plan + 1, "plan of the album"),
        ("PLANNAME", shot.plan.name, "its name"),
        ("IMAGENR", slot.number, "image of the plan"),
        ("IMAGENUM", shot.plan.images, "images that the plan asks for"),
        ("EXPREQ", shot.plan.exposure, "[s] exposure that was asked for"),
        ("FILTREQ", shot.plan.filter, "filter that was asked for"),
        ("REMARK", shot.note, "of the observer"),
    ]


def _time(t_start: int, seconds: float) -> list[Card]:
    end = t_start + round(seconds * 1e9)
    return [
        ("DATE-OBS", iso(t_start), "begin of the exposure, UTC"),
        ("DATE-END", iso(end), "end of the exposure, UTC"),
        ("TIMESYS", "UTC", "time scale"),
        ("MJD-OBS", _MJD_UNIX + t_start / _DAY_NS, "[d] begin of the exposure"),
        ("EXPTIME", seconds, "[s] exposure"),
    ]


def _pointing(facts: Facts, t_start: int, seconds: float) -> list[Card]:
    at = facts.shot.seen.pointing(facts.telescope)
    if at is None:
        return []
    middle = t_start + round(seconds * 0.5e9)
    altitude, azimuth = horizontal(middle, facts.place, *at)
    return [
        ("RA", at[0] * 15.0, "[deg] right ascension of the telescope"),
        ("DEC", at[1], "[deg] declination of the telescope"),
        ("RADESYS", "ICRS", "reference system"),
        ("EQUINOX", 2000.0, "[a] of the coordinates"),
        ("ALTITUDE", altitude, "[deg] in the middle of the exposure"),
        ("AZIMUTH", azimuth, "[deg] north 0, east 90"),
        ("AIRMASS", air_mass(altitude), "in the middle of the exposure"),
    ]


def _instrument(facts: Facts) -> list[Card]:
    seen, detector = facts.shot.seen, facts.shot.detector
    binning = seen.of(detector.camera, "binning")
    return [
        ("TELESCOP", facts.name, "telescope"),
        ("INSTRUME", detector.name, "detector"),
        ("CAMERA", detector.camera, "device"),
        ("FILTER", seen.of(detector.wheel, "filter") if detector.wheel else None, "filter in the beam"),
        ("CCD-TEMP", seen.of(detector.camera, "temperature"), "[degC] sensor"),
        ("GAIN", seen.of(detector.camera, "gain"), "as the camera counts it"),
        ("EGAIN", seen.of(detector.camera, "electrons_per_count"), "electrons per count"),
        ("XBINNING", binning, "pixels put together along a line"),
        ("YBINNING", binning, "lines put together"),
        ("DOMEAZ", seen.of(facts.dome, "azimuth") if facts.dome else None, "[deg] opening of the dome"),
        ("FOCUS", seen.of(detector.focuser, "position") if detector.focuser else None, "[steps] focuser"),
        ("AMBTEMP", facts.ambient, "[degC] air outside"),
    ]


def _site(facts: Facts) -> list[Card]:
    place = facts.place
    return [
        ("OBSERVAT", facts.site, "observatory"),
        ("SITELAT", place.latitude, "[deg] north"),
        ("SITELONG", place.longitude, "[deg] east"),
        ("SITEELEV", place.elevation, "[m] above the sea"),
        ("ORIGIN", "Sereno", "written by"),
    ]


def _known(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is not None and value != ""


def plain(value: Any) -> Any:
    """What a header can hold: printable ASCII, accents left out, of numbers Python's own."""
    if isinstance(value, str):
        bare = "".join(c for c in normalize("NFKD", value) if not combining(c))
        return "".join(c if " " <= c <= "~" else "?" for c in bare)[:68]
    return value
