"""The environment agent as a device: its triples are tags with a history, its rules are settings of the site."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated

from sereno import Device, DeviceError, Quality, bounds, command, scan, setting, tag
from sereno.client import ASKED_BY

from .elements import (
    Finding,
    Limits,
    SiteStatus,
    WeatherStatus,
    cloud_cover,
    cloudier,
    finding,
    hidden,
    judged_cloud,
    judged_humidity,
    judged_lightning,
    judged_rain,
    judged_wind,
    plain,
    rain,
    site_status,
    weather_status,
)
from .fakes import LONGEST, Fake, Fakes
from .sources import (
    COUNT,
    RAIN,
    SHARE,
    SKY,
    WIND,
    Combined,
    Source,
    bearing,
    combined,
    middle,
    sources_of,
    wet,
    worst,
)

PERIOD = 2.0
_SHUTTER = ("closed", "open", "opening", "closing", "error")
Seconds = Annotated[float, bounds(1, LONGEST, unit="s")]


class Environment(Device):
    """Weather outside and site inside, put together from the sensors that can be trusted.

    Settings name tags of the site, several for a quantity; an empty list means that there is no such sensor.
    `required` are elements (`weather_rain`, `site_doors`) without which it is not safe.
    """

    rain_gauges: list[str] = setting(["site/plc/rain_rate", "site/plc/vantage_rain_rate"])
    rain_detector: list[str] = setting(["site/plc/rain_dry", "site/plc/rain_analog"])
    winds: list[str] = setting(["site/plc/wind_speed", "site/plc/vantage_wind_speed"])
    wind_directions: list[str] = setting(["site/plc/wind_direction"])
    humidities: list[str] = setting(["site/plc/humidity", "site/plc/vantage_humidity"])
    temperatures: list[str] = setting(["site/plc/temperature", "site/plc/vantage_temperature"])
    pressures: list[str] = setting(["site/plc/pressure", "site/plc/vantage_pressure"])
    skies: list[str] = setting(["site/plc/sky_temperature"])
    covers: list[str] = setting([], description="Cloud cover in percent")
    lightnings: list[str] = setting(["site/plc/lightning"])
    monitors: list[str] = setting([], description="True while somebody says that it is safe")
    lights: list[str] = setting(["site/plc/dome_light"])
    domes: list[str] = setting(["site/plc/dome_valid"])
    doors: list[str] = setting(["site/plc/dome_door"])
    motions: list[str] = setting(["site/plc/motion"])
    shutters: list[str] = setting(["site/plc/shutter"])
    inside_temperatures: list[str] = setting(["site/plc/inside_temperature", "site/plc/vantage_inside_temperature"])
    inside_pressures: list[str] = setting(["site/plc/inside_pressure"])
    inside_humidities: list[str] = setting(["site/plc/inside_humidity", "site/plc/vantage_inside_humidity"])
    required: list[str] = setting(
        ["weather_rain", "weather_wind", "weather_humidity", "weather_cloud", "site_doors", "site_motion", "site_dome"]
    )
    max_age: float = setting(10.0, unit="s", low=0, site="max_age")
    wind_limit: float = setting(15.0, unit="m/s", low=0, site="wind_limit")
    humidity_limit: float = setting(90.0, unit="%", low=0, site="humidity_limit")
    cloud_limit: float = setting(3.0, low=0, site="cloud_limit")
    lightning_hold: float = setting(1800.0, unit="s", low=0, site="lightning_hold")
    reopen_after: float = setting(60.0, unit="s", low=0, site="reopen_after")

    last_lightning: float = tag(
        unit="s", write=True, memorised=True, default=0.0, description="Seconds since 1970; 0 ends its hold"
    )
    weather_status: WeatherStatus = tag(scan="synthesis")
    site_status: SiteStatus = tag(scan="synthesis")
    make_safe: bool = tag(scan="synthesis", description="Something calls for action, or is not known")
    safe_for: float = tag(unit="s", scan="synthesis", decimals=0, description="Nothing has called for action since")
    may_open: bool = tag(scan="synthesis", description="Nothing has called for action for `reopen_after`")
    fakes: str = tag(scan="synthesis", description="Events that somebody has made up")
    weather_rain: float = tag(unit="mm/h", decimals=1, scan="synthesis")
    weather_rain_means: str = tag(scan="synthesis")
    weather_rain_make_safe: bool = tag(scan="synthesis")
    weather_wind: float = tag(unit="m/s", decimals=1, scan="synthesis")
    weather_wind_means: str = tag(scan="synthesis")
    weather_wind_make_safe: bool = tag(scan="synthesis")
    weather_wind_dir: float = tag(unit="deg", decimals=1, scan="synthesis")
    weather_wind_dir_means: str = tag(scan="synthesis")
    weather_wind_dir_make_safe: bool = tag(scan="synthesis")
    weather_humidity: float = tag(unit="%", decimals=1, scan="synthesis")
    weather_humidity_means: str = tag(scan="synthesis")
    weather_humidity_make_safe: bool = tag(scan="synthesis")
    weather_temperature: float = tag(unit="degC", decimals=1, scan="synthesis")
    weather_temperature_means: str = tag(scan="synthesis")
    weather_temperature_make_safe: bool = tag(scan="synthesis")
    weather_pressure: float = tag(unit="hPa", decimals=1, scan="synthesis")
    weather_pressure_means: str = tag(scan="synthesis")
    weather_pressure_make_safe: bool = tag(scan="synthesis")
    weather_cloud: float = tag(decimals=0, scan="synthesis")
    weather_cloud_means: str = tag(scan="synthesis")
    weather_cloud_make_safe: bool = tag(scan="synthesis")
    weather_lightning: float = tag(unit="1/min", decimals=0, scan="synthesis", description="Strikes nearby")
    weather_lightning_means: str = tag(scan="synthesis")
    weather_lightning_make_safe: bool = tag(scan="synthesis")
    weather_monitor: float = tag(decimals=0, scan="synthesis", description="What safety monitors say")
    weather_monitor_means: str = tag(scan="synthesis")
    weather_monitor_make_safe: bool = tag(scan="synthesis")
    site_lights: float = tag(decimals=0, scan="synthesis")
    site_lights_means: str = tag(scan="synthesis")
    site_lights_make_safe: bool = tag(scan="synthesis")
    site_dome: float = tag(decimals=0, scan="synthesis")
    site_dome_means: str = tag(scan="synthesis")
    site_dome_make_safe: bool = tag(scan="synthesis")
    site_doors: float = tag(decimals=0, scan="synthesis")
    site_doors_means: str = tag(scan="synthesis")
    site_doors_make_safe: bool = tag(scan="synthesis")
    site_motion: float = tag(decimals=0, scan="synthesis")
    site_motion_means: str = tag(scan="synthesis")
    site_motion_make_safe: bool = tag(scan="synthesis")
    site_shutter: float = tag(decimals=0, scan="synthesis")
    site_shutter_means: str = tag(scan="synthesis")
    site_shutter_make_safe: bool = tag(scan="synthesis")
    site_temperature: float = tag(unit="degC", decimals=1, scan="synthesis")
    site_temperature_means: str = tag(scan="synthesis")
    site_temperature_make_safe: bool = tag(scan="synthesis")
    site_pressure: float = tag(unit="hPa", decimals=1, scan="synthesis")
    site_pressure_means: str = tag(scan="synthesis")
    site_pressure_make_safe: bool = tag(scan="synthesis")
    site_humidity: float = tag(unit="%", decimals=1, scan="synthesis")
    site_humidity_means: str = tag(scan="synthesis")
    site_humidity_make_safe: bool = tag(scan="synthesis")

    def startup(self) -> None:
        """Begin as if everything had been unsafe until now."""
        self._fakes = Fakes()
        self._limits = Limits(self.wind_limit, self.humidity_limit, self.cloud_limit)
        groups = (("weather", self.weather_of({})), ("site", self.site_of({})))
        known = {name for group, found in groups for name, _ in _named(group, found)}
        if unknown := sorted(set(self.required) - known):
            words = f"required names no element: {', '.join(unknown)}; known: {', '.join(sorted(known))}"
            raise DeviceError("configuration", words)
        self._safe_since: float | None = None
        self._struck: float | None = None

    @scan(period=PERIOD)
    async def synthesis(self) -> None:
        """Read every sensor, put them together, say what it means."""
        paths = list(dict.fromkeys(path for group in self._groups() for path in group))
        known = sources_of(await self.client.read(*paths), self.max_age) if paths else {}
        now = self.client.clock.monotonic()
        self._look_for_lightning(known)
        weather = self._fakes.over("weather", self.weather_of(known), now)
        site = self._fakes.over("site", self.site_of(known), now)
        self.fakes = self._fakes.under_way(now)
        for name, found in (*_named("weather", weather), *_named("site", site)):
            self._tell(name, found)
        self.weather_status, self.site_status = weather_status(weather), site_status(site)
        act = any(found.make_safe for found in (*weather.values(), *site.values()))
        self._safe_since = None if act else now if self._safe_since is None else self._safe_since
        self.make_safe = act
        self.safe_for = 0.0 if self._safe_since is None else now - self._safe_since

        self.may_open = not act and self.safe_for >= self.reopen_after

    @command
    async def fake(self, event: Fake, seconds: Seconds = 60.0) -> None:
        """Make an event up for so long: what follows is real, and the dome closes. Danger that is there stays."""
        self._fakes.make(event, ASKED_BY.get() or "somebody", self.client.clock.monotonic() + seconds)
        self.log.warning("an event is made up", event_name=event.value, by=ASKED_BY.get(), seconds=seconds)

    @command
    async def end_fakes(self) -> None:
        """End what was made up."""
        self._fakes.end()

    def _look_for_lightning(self, known: Mapping[str, Source]) -> None:
        if combined(worst, self.lightnings, known, COUNT).value:
            self.last_lightning, self._struck = self.client.clock.wall_ns() / 1e9, self.client.clock.monotonic()

    def _since_lightning(self) -> float | None:
        """Seconds, by the wall clock; a clock that is set on in the meantime shortens nothing."""
        if not self.last_lightning:
            return None
        since = self.client.clock.wall_ns() / 1e9 - self.last_lightning
        return since if self._struck is None else min(since, self.client.clock.monotonic() - self._struck)

    def weather_of(self, known: Mapping[str, Source]) -> dict[str, Finding]:
        """The weather outside, by element."""
        strikes = combined(worst, self.lightnings, known, COUNT)
        wind = combined(worst, self.winds, known, WIND)
        wetness = rain(combined(worst, self.rain_gauges, known, RAIN), wet(self.rain_detector, known))
        humidity = combined(middle, self.humidities, known, SHARE)
        sky, covers = combined(worst, self.skies, known, SKY), combined(worst, self.covers, known, SHARE)
        cloud = cloudier(cloud_cover(sky), hidden(covers))
        make = partial(self._finding, "weather")
        return {
            "rain": make("rain", wetness, None if wetness.value is None else judged_rain(wetness.value)),
            "wind": make("wind", wind, None if wind.value is None else judged_wind(wind.value, self._limits)),
            "wind_dir": make("wind_dir", *_plainly(combined(bearing, self.wind_directions, known))),
            "humidity": make(
                "humidity", humidity, None if humidity.value is None else judged_humidity(humidity.value, self._limits)
            ),
            "temperature": make("temperature", *_plainly(combined(middle, self.temperatures, known))),
            "pressure": make("pressure", *_plainly(combined(middle, self.pressures, known))),
            "lightning": make(
                "lightning",
                strikes,
                None
                if strikes.value is None
                else judged_lightning(strikes.value, self._since_lightning(), self.lightning_hold),
            ),
            "cloud": make("cloud", cloud, None if cloud.value is None else judged_cloud(cloud.value, self._limits)),
            "monitor": make("monitor", *_worded(self.monitors, known, ("not safe", "safe"), (0,))),
        }

    def site_of(self, known: Mapping[str, Source]) -> dict[str, Finding]:
        """The site inside, by element."""
        humidity = combined(worst, self.inside_humidities, known, SHARE)
        make = partial(self._finding, "site")
        return {
            "lights": make("lights", *_worded(self.lights, known, ("off", "on"), ())),
            "dome": make("dome", *_worded(self.domes, known, ("does not answer", "answers"), (0,))),
            "doors": make("doors", *_worded(self.doors, known, ("closed", "open"), (1,))),
            "motion": make("motion", *_worded(self.motions, known, ("nobody moves", "somebody moves"), (1,))),
            "shutter": make("shutter", *_worded(self.shutters, known, _SHUTTER, (4,))),
            "temperature": make("temperature", *_plainly(combined(middle, self.inside_temperatures, known))),
            "pressure": make("pressure", *_plainly(combined(middle, self.inside_pressures, known))),
            "humidity": make(
                "humidity", humidity, None if humidity.value is None else judged_humidity(humidity.value, self._limits)
            ),
        }

    def _finding(self, group: str, name: str, said: Combined, verdict: tuple[str, bool] | None) -> Finding:
        return finding(said, verdict, required=f"{group}_{name}" in self.required)

    def _tell(self, name: str, found: Finding) -> None:
        if found.value is None:
            self.push(name, float("nan"), quality=int(Quality.NOT_IMPLEMENTED if found.absent else Quality.BAD))
        else:
            self.push(name, found.value)
        self.push(f"{name}_means", found.means)
        self.push(f"{name}_make_safe", found.make_safe)

    def _groups(self) -> tuple[list[str], ...]:
        outside = (self.rain_gauges, self.rain_detector, self.winds, self.wind_directions, self.humidities)
        inside = (self.lights, self.domes, self.doors, self.motions, self.shutters)
        more = (self.inside_temperatures, self.inside_pressures, self.inside_humidities, self.monitors)
        return (*outside, self.temperatures, self.pressures, self.skies, self.covers, self.lightnings, *inside, *more)


def _named(group: str, found: Mapping[str, Finding]) -> list[tuple[str, Finding]]:
    return [(f"{group}_{name}", one) for name, one in found.items()]


def _plainly(said: Combined) -> tuple[Combined, tuple[str, bool] | None]:
    return said, None if said.value is None else plain(said.value)


def _worded(
    paths: list[str], known: Mapping[str, Source], words: tuple[str, ...], act: tuple[int, ...]
) -> tuple[Combined, tuple[str, bool] | None]:
    """A code in words; of several sensors one with a code in `act` counts, as it calls for action, else the largest."""
    within = 0.0, len(words) - 1.0
    said = combined(lambda codes: max(codes, key=lambda code: (int(code) in act, code)), paths, known, within)
    if said.value is None:
        return said, None
    code = int(said.value)
    return said, (words[code], code in act)
