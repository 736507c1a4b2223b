"""Several sensors of one quantity: who counts, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from sereno.client import Reading
from sereno.model import ValueType, severity

NO_SENSOR = "no sensor"
DRY_ABOVE = 2.5
"""Volts of a rain detector's analog channel from which on it is dry."""
Range = tuple[float, float]
"""Below and above these a number is none of the quantity, but stands for an error as stations say it: -1, 9999."""
ANY: Range = (-math.inf, math.inf)
RAIN, WIND, SHARE, COUNT, SKY = ((least, math.inf) for least in (-0.09, -0.9, -0.9, 0.0, -150.0))
"""Nothing above is left out: of what is dangerous the one who says most is believed."""
VOLTS: Range = (-0.9, 24.0)


@dataclass(frozen=True, slots=True)
class Source:
    """One sensor's reading: its number, or why it does not count."""

    path: str
    value: float
    why: str = ""
    digital: bool = False

    @property
    def counts(self) -> bool:
        """True if it may be used."""
        return not self.why


@dataclass(frozen=True, slots=True)
class Combined:
    """What sensors say together: None where none of them counts, with the reasons in words."""

    value: float | None
    why: str = ""


def source_of(reading: Reading, max_age: float) -> Source:
    """A reading as a source; not good, older than `max_age` seconds or no number: it does not count."""
    path, digital = reading.tag.path, reading.tag.type not in (ValueType.FLOAT32, ValueType.FLOAT64)
    if severity(reading.quality) != "good":
        return Source(path, 0.0, reading.reason or "not good")
    if reading.age > max_age:
        return Source(path, 0.0, f"{reading.age:.0f} s old")
    if isinstance(reading.value, str) and reading.value in reading.tag.labels:
        return Source(path, float(reading.tag.labels.index(reading.value)), digital=digital)
    if not isinstance(reading.value, int | float) or not math.isfinite(reading.value):
        return Source(path, 0.0, f"says {reading.value!r}")
    return Source(path, float(reading.value), digital=digital)


def sources_of(readings: Iterable[Reading], max_age: float) -> dict[str, Source]:
    """Sources by path."""
    return {reading.tag.path: source_of(reading, max_age) for reading in readings}


def combined(
    how: Callable[[Sequence[float]], float], paths: Sequence[str], known: Mapping[str, Source], within: Range = ANY
) -> Combined:
    """What the sources at these paths that count say together."""
    found = [_within(known[path], within) for path in paths if path in known]
    good = [source.value for source in found if source.counts]
    if good:
        return Combined(how(good))
    return Combined(None, "; ".join(f"{source.path}: {source.why}" for source in found) or NO_SENSOR)


def _within(source: Source, within: Range) -> Source:
    if not source.counts or within[0] <= source.value <= within[1]:
        return source
    return replace(source, why=f"says {source.value:g}, which cannot be")


def wet(paths: Sequence[str], known: Mapping[str, Source]) -> Combined:
    """1 wet, 0 dry by the first of the channels that counts; those after it are shown elsewhere and decide nothing.

    A digital channel is dry at 1, one in volts from DRY_ABOVE on.
    """
    found = [one if one.digital else _within(one, VOLTS) for path in paths if (one := known.get(path)) is not None]
    for source in found:
        if source.counts:
            dry = source.value == 1.0 if source.digital else source.value >= DRY_ABOVE
            return Combined(0.0 if dry else 1.0)
    return Combined(None, "; ".join(f"{source.path}: {source.why}" for source in found))


def middle(values: Sequence[float]) -> float:
    """The median: one sensor that is off among three moves nothing."""
    return float(median(values))


def bearing(values: Sequence[float]) -> float:
    """The direction in the middle of some, in tenths of a degree from 0 to below 360: of 350 and 20 it is 5."""
    turns = [math.radians(value) for value in values]
    middle = math.degrees(math.atan2(sum(map(math.sin, turns)), sum(map(math.cos, turns))))
    return round(middle, 1) % 360.0


def worst(values: Sequence[float]) -> float:
    """The largest: of what is dangerous the one who says most is believed."""
    return max(values)
