from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.device._grid import Grid, spread

PERIODS = st.sampled_from([0.001, 0.01, 0.1, 0.3, 1.0, 7.0, 60.0, 3600.0])
grids = st.builds(Grid, st.floats(0, 1e6), PERIODS)


@given(grids, st.floats(0, 1e7))
def test_after_is_the_first_point_later_than_t(grid: Grid, t: float) -> None:
    point = grid.after(t)
    assert grid.due(point) > t
    assert point == 0 or grid.due(point - 1) <= t


@given(grids, st.integers(0, 10**6), st.floats(0, 1))
def test_a_scan_that_ends_before_the_next_is_due_misses_nothing(grid: Grid, point: int, part: float) -> None:
    t = grid.due(point) + part * (grid.due(point + 1) - grid.due(point))
    assert grid.follow(point, min(t, grid.due(point + 1))) == (point + 1, 0)


@given(grids, st.integers(0, 10**6), st.floats(0, 1000))
def test_every_point_is_scanned_or_missed(grid: Grid, point: int, periods: float) -> None:
    t = grid.due(point) + periods * grid.period
    following, missed = grid.follow(point, t)
    assert following == point + 1 + missed
    assert grid.due(following) >= t  # never behind the grid
    assert missed == 0 or grid.due(following - 1) < t  # never later than the next point


@given(grids, st.lists(st.floats(0, 5), min_size=1, max_size=50))
def test_the_grid_never_drifts(grid: Grid, durations: list[float]) -> None:
    point = overruns = 0
    for periods in durations:
        point, missed = grid.follow(point, grid.due(point) + periods * grid.period)
        overruns += missed
    assert point == len(durations) + overruns
    assert grid.due(point) == grid.start + point * grid.period


def test_overruns_of_a_slow_scan() -> None:
    grid = Grid(100.0, 1.0)
    assert grid.follow(0, 101.0) == (1, 0)
    assert grid.follow(0, 101.001) == (2, 1)
    assert grid.follow(0, 102.0) == (2, 1)
    assert grid.follow(5, 109.5) == (10, 4)


@given(st.text("abcz/_", min_size=1), st.text("abcz_", min_size=1), PERIODS)
def test_spread_stays_within_the_period(device: str, group: str, period: float) -> None:
    assert 0 <= spread(device, group, period) < period


def test_spread_follows_from_the_names_and_spreads() -> None:
    assert spread("north/plc1", "fast", 1.0) == 0.9234745337396504
    phases = sorted(spread(f"area/plc{i}", "default", 1.0) for i in range(1000))
    for tenth in range(10):
        assert 60 < sum(tenth / 10 <= phase < (tenth + 1) / 10 for phase in phases) < 140
