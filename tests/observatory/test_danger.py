"""Whatever sensors say and people make up: danger that one of them tells is never lost on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.client import Reading
from sereno.model import Quality, TagSpec, ValueType
from sereno_observatory.environment.elements import (
    Finding,
    Limits,
    cloud_cover,
    cloudier,
    finding,
    hidden,
    judged_cloud,
    judged_humidity,
    judged_lightning,
    judged_rain,
    judged_wind,
    rain,
)
from sereno_observatory.environment.fakes import Fake, Fakes
from sereno_observatory.environment.sources import RAIN, WIND, combined, sources_of, wet, worst

NUMBER = st.one_of(st.none(), st.floats(), st.sampled_from([-9999.0, -1.0, 0.0, 0.1, 15.0, 9999.0]))
SAID = st.lists(st.tuples(NUMBER, st.sampled_from([0, int(Quality.SUBSTITUTED), int(Quality.STALE)])), max_size=4)
ELEMENTS = ("weather_rain", "weather_wind", "weather_cloud", "weather_humidity", "weather_lightning")
MORE = ("site_motion", "site_doors")


def readings(said: list[tuple[float | None, int]]) -> list[Reading]:
    return [Reading(TagSpec(path=f"a/b/s{i}"), value, code, "no", 0, 0.0) for i, (value, code) in enumerate(said)]


def counts(value: float | None, code: int, least: float) -> bool:
    return code != int(Quality.STALE) and value is not None and least <= value < float("inf")


@given(SAID)
def test_rain_or_wind_that_one_trusted_sensor_tells_is_told(said: list[tuple[float | None, int]]) -> None:
    paths, known = [f"a/b/s{i}" for i in range(len(said))], sources_of(readings(said), 10.0)
    for within, judged, edge in ((RAIN, judged_rain, 1e-9), (WIND, lambda v: judged_wind(v, Limits()), 15.0)):
        together = combined(worst, paths, known, within)
        trusted = [value for value, code in said if counts(value, code, within[0])]
        assert (together.value is None) is (not trusted)
        if any(value >= edge for value in trusted if value is not None):
            assert together.value is not None
            assert judged(together.value)[1]
        unknown = finding(together, None if together.value is None else judged(together.value), required=True)
        assert unknown.make_safe or trusted


@given(SAID, st.one_of(st.none(), st.booleans()))
def test_a_wet_detector_is_rain_whatever_the_gauges_say(said: list[tuple[float | None, int]], dry: bool | None) -> None:
    paths, known = [f"a/b/s{i}" for i in range(len(said))], sources_of(readings(said), 10.0)
    digital = Reading(
        TagSpec(path="a/b/dry", type=ValueType.BOOL), dry, 0 if dry is not None else 1 << 15, "no", 0, 0.0
    )
    gauges, detector = combined(worst, paths, known, RAIN), wet(["a/b/dry"], sources_of([digital], 10.0))
    found = rain(gauges, detector)
    assert (found.value is None) is (gauges.value is None and dry is None)
    if dry is False or (gauges.value or 0.0) > 0.0:
        assert found.value is not None
        assert judged_rain(found.value)[1]


@given(st.floats(-150, 150), st.floats(0, 200), st.floats(0, 200), st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_of_it_is_never_less_dangerous(sky: float, cover: float, more: float, since: float, hold: float) -> None:
    limits = Limits()
    assert judged_wind(cover, limits)[1] <= judged_wind(cover + more, limits)[1]
    assert judged_humidity(cover, limits)[1] <= judged_humidity(cover + more, limits)[1]
    one = cloudier(cloud_cover(combined(worst, [], {})), hidden(combined(worst, ["c"], _known("c", cover))))
    both = cloudier(
        cloud_cover(combined(worst, ["s"], _known("s", sky))), hidden(combined(worst, ["c"], _known("c", cover)))
    )
    assert one.value is not None
    assert both.value is not None
    assert judged_cloud(one.value, limits)[1] <= judged_cloud(both.value, limits)[1]
    assert judged_lightning(0.0, since + more, hold)[1] <= judged_lightning(0.0, since, hold)[1]
    assert judged_lightning(1.0, since, hold)[1]


@given(
    st.dictionaries(st.sampled_from(ELEMENTS + MORE), st.booleans()),
    st.lists(st.tuples(st.sampled_from(list(Fake)), st.floats(-10, 10)), max_size=8),
)
def test_what_is_made_up_adds_danger_and_takes_none(acts: dict[str, bool], made: list[tuple[Fake, float]]) -> None:
    fakes = Fakes()
    for event, until in made:
        fakes.make(event, "vera", until)
    for group, names in (("weather", ELEMENTS), ("site", MORE)):
        found = {name.partition("_")[2]: Finding(1.0, "as it is", acts.get(name, False)) for name in names}
        over = fakes.over(group, found, 0.0)
        assert over.keys() == found.keys()
        assert all(over[name] == one for name, one in found.items() if one.make_safe)
        assert all(one.make_safe or one == found[name] for name, one in over.items())


def _known(path: str, value: float) -> dict[str, object]:
    return {path: sources_of([Reading(TagSpec(path=f"a/b/{path}"), value, 0, "", 0, 0.0)], 10.0)[f"a/b/{path}"]}
