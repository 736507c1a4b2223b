"""A clock that goes is never said to stand still, however it goes and whenever somebody looks; one that stops is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.jsonplc.going import Going


@given(st.floats(0.01, 4000.0), st.lists(st.floats(0.05, 40.0), min_size=1, max_size=200), st.floats(0, 1e4))
def test_one_that_goes_is_believed(step: float, looks: list[float], begins: float) -> None:
    going, now = Going(), begins
    for pause in looks:
        assert going.stands_for(f"{now // step:.0f}", now) == 0.0
        now += pause


@given(st.floats(0.01, 100.0), st.floats(0.1, 5.0))
def test_one_that_stops_is_found_out(step: float, pause: float) -> None:
    going, now = Going(), 1000.0
    while now < 1000.0 + 5 * step + 20.0:
        going.stands_for(f"{now // step:.0f}", now)
        now += pause
    stopped, date = now, f"{now // step:.0f}"
    while not going.stands_for(date, now):
        assert now < stopped + 4 * step + 30.0
        now += pause
    assert going.stands_for("later", now + pause) == 0.0


def test_one_that_never_went_tells_nothing() -> None:
    going = Going()
    assert not any(going.stands_for(date, float(now)) for date in ("", "2017-03-03") for now in range(0, 10_000, 7))
