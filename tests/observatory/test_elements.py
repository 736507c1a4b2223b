"""What values mean: the triples of the specification."""

from __future__ import annotations

import pytest

from sereno_observatory.environment.elements import (
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
    judged_rain,
    judged_wind,
    rain,
    site_status,
    weather_status,
)
from sereno_observatory.environment.sources import Combined


@pytest.mark.parametrize(
    ("value", "triple"),
    [(5.0, ("it rains hard", True)), (0.0, ("it does not rain", False)), (0.1, ("it rains a little", True))],
)
def test_rain(value: float, triple: tuple[str, bool]) -> None:
    assert judged_rain(value) == triple


@pytest.mark.parametrize(
    ("sky", "cover", "triple"),
    [
        (-15.67, 0.0, ("clear", False)),
        (-9.0, 1.0, ("a little cloudy", False)),
        (0.0, 2.0, ("cloudy", False)),
        (4.5, 3.0, ("very cloudy", True)),
    ],
)
def test_clouds(sky: float, cover: float, triple: tuple[str, bool]) -> None:
    assert cloud_cover(Combined(sky)).value == cover
    assert judged_cloud(cover, Limits()) == triple


def test_wind_and_humidity() -> None:
    assert [judged_wind(v, Limits(wind=10.0)) for v in (3.1, 7.0, 10.0)] == [
        ("it is calm", False),
        ("it is windy", False),
        ("it storms", True),
    ]
    assert [judged_humidity(v, Limits(humidity=90.0)) for v in (64.1, 80.0, 90.0)] == [
        ("dry enough", False),
        ("humid", False),
        ("too humid", True),
    ]


def test_gauge_and_detector_either_suffices() -> None:
    nothing = Combined(None, "gone")
    assert rain(Combined(0.0), Combined(0.0)).value == 0.0
    assert rain(Combined(0.0), Combined(1.0)).value == 0.1
    assert rain(Combined(12.0), Combined(0.0)).value == 12.0
    assert rain(nothing, Combined(1.0)).value == 0.1
    assert rain(Combined(0.0), nothing).value == 0.0
    assert rain(nothing, nothing) == Combined(None, "gone; gone")


@pytest.mark.parametrize(("percent", "cover"), [(0.0, 0.0), (10.0, 0.0), (11.0, 1.0), (41.0, 2.0), (100.0, 3.0)])
def test_how_cloudy_so_much_of_the_sky_is(percent: float, cover: float) -> None:
    assert hidden(Combined(percent)).value == cover


def test_who_says_that_it_is_cloudier_is_believed() -> None:
    none, gone = Combined(None, "no sensor"), Combined(None, "gone")
    assert cloudier(Combined(1.0), Combined(3.0)).value == 3.0
    assert cloudier(none, Combined(2.0)).value == cloudier(Combined(2.0), gone).value == 2.0
    assert cloudier(none, gone) == cloudier(gone, none) == gone
    assert cloudier(none, hidden(none)) == none


def test_unknown_means_act_only_where_it_is_required() -> None:
    assert finding(Combined(None, "no sensor"), None, required=True) == Finding(None, "unknown: no sensor", True)
    assert finding(Combined(None), None, required=False) == Finding(None, "unknown", False)
    nothing = rain(Combined(None, "no sensor"), Combined(None, "no sensor"))
    assert finding(nothing, None, required=False) == Finding(None, "unknown: no sensor", False, absent=True)


def weather(**changed: Finding) -> dict[str, Finding]:
    names = ("rain", "wind", "wind_dir", "humidity", "temperature", "pressure", "cloud", "lightning", "monitor")
    return {name: Finding(0.0, "", False) for name in names} | changed


def test_the_status_is_the_worst() -> None:
    act, unknown = Finding(9.0, "", True), Finding(None, "unknown", True)
    assert weather_status(weather()) is WeatherStatus.OK
    assert weather_status(weather(cloud=act, humidity=act)) is WeatherStatus.HUMID
    assert weather_status(weather(cloud=act, wind=act, rain=act)) is WeatherStatus.RAINING
    assert weather_status(weather(wind=act, lightning=act)) is WeatherStatus.LIGHTNING
    assert weather_status(weather(monitor=act)) is WeatherStatus.UNSAFE
    assert weather_status(weather(monitor=act, cloud=act)) is WeatherStatus.CLOUDY
    assert weather_status(weather(rain=act, wind=unknown)) is WeatherStatus.UNKNOWN
    assert weather_status(weather(pressure=Finding(None, "unknown", False))) is WeatherStatus.OK
    site = {name: Finding(0.0, "", False) for name in ("motion", "doors", "humidity", "dome")}
    assert site_status(site) is SiteStatus.OK
    assert site_status(site | {"dome": act, "doors": act}) is SiteStatus.OPEN_DOOR
    assert site_status(site | {"doors": act, "motion": act}) is SiteStatus.INTRUSION
