"""What a value means: the triple of value, interpretation and whether to act, for each element."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .sources import NO_SENSOR, Combined

TRACE_OF_RAIN = 0.1
"""mm/h that a rain detector counts for when no gauge says more."""


class WeatherStatus(StrEnum):
    """The weather as a whole; which one goes before which says `weather_status`."""

    UNKNOWN = "UNKNOWN"
    RAINING = "RAINING"
    WINDY = "WINDY"
    HUMID = "HUMID"
    CLOUDY = "CLOUDY"
    OK = "OK"
    LIGHTNING = "LIGHTNING"
    UNSAFE = "UNSAFE"


class SiteStatus(StrEnum):
    """The site as a whole, the worst first."""

    UNKNOWN = "UNKNOWN"
    INTRUSION = "INTRUSION"
    OPEN_DOOR = "OPEN_DOOR"
    HUMID = "HUMID"
    DOME_LOST = "DOME_LOST"
    OK = "OK"


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on to act: m/s, percent, and the cloud cover of `cloud_cover`."""

    wind: float = 15.0
    humidity: float = 90.0
    cloud: float = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One element: its value (None = unknown), what it means, whether to act. `absent`: the site has no such sensor."""

    value: float | None
    means: str
    make_safe: bool
    absent: bool = False


def rain(gauges: Combined, detector: Combined) -> Combined:
    """mm/h: what the gauges say; a wet detector is at least a trace. Either alone suffices."""
    if gauges.value is None and detector.value is None:
        return Combined(
            None, "; ".join(why for why in (gauges.why, detector.why) if why not in ("", NO_SENSOR)) or NO_SENSOR
        )
    return Combined(max(gauges.value or 0.0, TRACE_OF_RAIN if detector.value else 0.0))


def cloud_cover(sky: Combined) -> Combined:
    """0 clear to 3 very cloudy, by the temperature of the sky in degC: clear below -10, very cloudy above 4."""
    if sky.value is None:
        return sky
    return Combined(float(sum(sky.value > edge for edge in (-10.0, -3.0, 4.0))))


def hidden(cover: Combined) -> Combined:
    """0 clear to 3 very cloudy, by the percent of the sky behind clouds: clear up to 10, very cloudy over 75."""
    if cover.value is None:
        return cover
    return Combined(float(sum(cover.value > edge for edge in (10.0, 40.0, 75.0))))


def cloudier(one: Combined, other: Combined) -> Combined:
    """Of two that say how cloudy it is the one that says more; either alone suffices."""
    known = [said.value for said in (one, other) if said.value is not None]
    return Combined(max(known)) if known else one if one.why != NO_SENSOR else other


def judged_rain(value: float) -> tuple[str, bool]:
    """What so many mm/h mean."""
    if value <= 0.0:
        return "it does not rain", False
    words = "it rains hard" if value >= 5.0 else "it rains" if value >= 1.0 else "it rains a little"
    return words, True


def judged_cloud(value: float, limits: Limits) -> tuple[str, bool]:
    """What a cloud cover of 0 to 3 means."""
    words = ("clear", "a little cloudy", "cloudy", "very cloudy")
    return words[min(3, max(0, int(value)))], value >= limits.cloud


def judged_wind(value: float, limits: Limits) -> tuple[str, bool]:
    """What so many m/s mean."""
    if value >= limits.wind:
        return "it storms", True
    return ("it is windy" if value >= 0.6 * limits.wind else "it is calm"), False


def judged_humidity(value: float, limits: Limits) -> tuple[str, bool]:
    """What so many percent mean."""
    if value >= limits.humidity:
        return "too humid", True
    return ("humid" if value >= 0.8 * limits.humidity else "dry enough"), False


def judged_lightning(value: float, since: float | None, hold: float) -> tuple[str, bool]:
    """What so many strikes a minute mean, the last `since` seconds ago (None: none yet), which holds for `hold`."""
    if value > 0:
        return "there is lightning", True
    if since is None or since >= hold:
        return "no lightning", False
    return f"the last lightning was {since / 60:.0f} min ago, expected {hold / 60:.0f}", True


def plain(value: float) -> tuple[str, bool]:
    """A value that calls for nothing."""
    return f"{value:g}", False


def finding(said: Combined, verdict: tuple[str, bool] | None, *, required: bool) -> Finding:
    """The triple. Unknown means act where the element is required."""
    if said.value is None or verdict is None:
        absent = said.why == NO_SENSOR and not required
        return Finding(None, f"unknown: {said.why}" if said.why else "unknown", required, absent)
    return Finding(said.value, *verdict)


def weather_status(found: Mapping[str, Finding]) -> WeatherStatus:
    """The worst that calls for action; UNKNOWN where a required element is."""
    if unknown(found.values()):
        return WeatherStatus.UNKNOWN
    named = {
        "rain": WeatherStatus.RAINING,
        "lightning": WeatherStatus.LIGHTNING,
        "wind": WeatherStatus.WINDY,
        "humidity": WeatherStatus.HUMID,
        "cloud": WeatherStatus.CLOUDY,
        "monitor": WeatherStatus.UNSAFE,
    }
    return next((status for name, status in named.items() if found[name].make_safe), WeatherStatus.OK)


def site_status(found: Mapping[str, Finding]) -> SiteStatus:
    """As `weather_status`."""
    if unknown(found.values()):
        return SiteStatus.UNKNOWN
    named = {
        "motion": SiteStatus.INTRUSION,
        "doors": SiteStatus.OPEN_DOOR,
        "humidity": SiteStatus.HUMID,
        "dome": SiteStatus.DOME_LOST,
    }
    return next((status for name, status in named.items() if found[name].make_safe), SiteStatus.OK)


def unknown(found: Iterable[Finding]) -> bool:
    """True if something that is required is not known."""
    return any(one.value is None and one.make_safe for one in found)
