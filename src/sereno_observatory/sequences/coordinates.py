"""Coordinates as people write them."""

from __future__ import annotations

import re

from .model import Target

_SIXTY = re.compile(r"([+-]?)(\d{1,3}):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?")
EXPECTED = "'00:42:44.3 +41:16:09' (h, deg), '10.68 +41.27' (deg, deg), 'altaz 45 180' or one number (deg)"


def target_of(text: str) -> Target:
    """A target from words.

    Two numbers are right ascension and declination, in degrees or with colons (then hours and degrees), of J2000.
    `altaz` before them makes them altitude and azimuth. One number, as in the original's sample, is a right ascension
    in degrees on the equator. Raises ValueError.
    """
    words = text.replace(",", " ").split()
    try:
        if words and words[0].lower() == "altaz" and len(words) == 3:
            return Target(altitude=float(words[1]), azimuth=float(words[2]) % 360.0)
        if len(words) == 1:
            return Target(right_ascension=_hours(words[0]), declination=0.0)
        if len(words) == 2:
            return Target(right_ascension=_hours(words[0]), declination=_degrees(words[1]))
    except ValueError as error:
        raise ValueError(f"target {text!r}: {error}; expected {EXPECTED}") from None
    raise ValueError(f"target {text!r}; expected {EXPECTED}")


def _hours(word: str) -> float:
    hours = _sixty(word) if ":" in word else float(word) / 15.0
    if not 0.0 <= hours < 24.0:
        raise ValueError(f"right ascension {word} is not within a turn")
    return hours


def _degrees(word: str) -> float:
    degrees = _sixty(word) if ":" in word else float(word)
    if not -90.0 <= degrees <= 90.0:
        raise ValueError(f"declination {word} is beyond a pole")
    return degrees


def _sixty(word: str) -> float:
    found = _SIXTY.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r} is not like 12:34:56.7")
    sign, whole, minutes, seconds = found.groups()
    if int(minutes) >= 60 or float(seconds or 0) >= 60:
        raise ValueError(f"{word!r} has 60 minutes or seconds or more")
    return (-1.0 if sign == "-" else 1.0) * (int(whole) + int(minutes) / 60.0 + float(seconds or 0) / 3600.0)
