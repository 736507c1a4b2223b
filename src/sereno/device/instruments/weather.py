"""ObservingConditions and SafetyMonitor: what the sky is like, and whether somebody says that it is safe."""

from __future__ import annotations

from dataclasses import dataclass

from sereno.device.authoring.declare import command, tag

from .instrument import LOOK, Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionsStatus:
    """What a weather station says; None for what it does not have. Units as those of the tags."""

    temperature: float | None = None
    humidity: float | None = None
    dew_point: float | None = None
    pressure: float | None = None
    rain_rate: float | None = None
    wind_speed: float | None = None
    wind_direction: float | None = None
    wind_gust: float | None = None
    sky_temperature: float | None = None
    cloud_cover: float | None = None
    sky_brightness: float | None = None
    seeing: float | None = None


class ObservingConditions(Instrument):
    """A weather station. What it does not have is bad: not implemented."""

    temperature: float = tag(unit="degC", scan=LOOK, decimals=1, description="Of the air")
    humidity: float = tag(unit="%", scan=LOOK, decimals=0, description="Relative humidity")
    dew_point: float = tag(unit="degC", scan=LOOK, decimals=1, description="Dew point")
    pressure: float = tag(unit="hPa", scan=LOOK, decimals=1, description="At the site, not at sea level")
    rain_rate: float = tag(unit="mm/h", scan=LOOK, decimals=1, description="Rain")
    wind_speed: float = tag(unit="m/s", scan=LOOK, decimals=1, description="Wind")
    wind_direction: float = tag(unit="deg", scan=LOOK, decimals=0, description="Where the wind comes from")
    wind_gust: float = tag(unit="m/s", scan=LOOK, decimals=1, description="Peak of the last minutes")
    sky_temperature: float = tag(unit="degC", scan=LOOK, decimals=1, description="Of the sky, in the infrared")
    cloud_cover: float = tag(unit="%", scan=LOOK, decimals=0, description="Part of the sky behind clouds")
    sky_brightness: float = tag(unit="lx", scan=LOOK, description="Of the sky")
    seeing: float = tag(unit="arcsec", scan=LOOK, decimals=2, description="Width of a star")

    async def observe(self) -> ConditionsStatus:
        """See Instrument."""
        raise NotImplementedError

    async def do_refresh(self) -> None:
        """Let the station measure anew, where it can be told to."""

    @command
    async def refresh(self) -> None:
        """Let the station measure anew now."""
        await self.do_refresh()
        await self.look_again()


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyStatus:
    """What a safety monitor says; `safe` may be UNKNOWN."""

    safe: bool | float


class SafetyMonitor(Instrument):
    """Says whether it is safe. What does not answer is not safe: its tag is stale."""

    safe: bool = tag(scan=LOOK, description="Safe to observe")

    async def observe(self) -> SafetyStatus:
        """See Instrument."""
        raise NotImplementedError
