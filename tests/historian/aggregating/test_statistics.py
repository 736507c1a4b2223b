"""Figures of a range are those that numpy says of its samples."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.client import HistoryRequest
from sereno.historian.aggregating.subgroups import Subgroups
from sereno.historian.analyst import Analyst
from sereno.testing import JumpingClock, run_jumping
from tests.historian.rig import SECOND, T0, VIEWER, Plant, batch, floats, mixed, running
from tests.historian.test_analyst import MADRID, unrecorded

FIRST, SECOND_TAG = "north/plc1/tag0", "north/plc1/tag1"


def figures(folder: Path, plant: Plant, values: dict[int, np.ndarray], request: HistoryRequest, bad: int = -1):  # type: ignore[no-untyped-def]
    async def story(clock: JumpingClock):  # type: ignore[no-untyped-def]
        async with running(folder, plant, clock) as historian:
            for i in range(len(values[0])):
                row = {handle: float(column[i]) for handle, column in values.items()}
                historian.accept(batch(T0 + i * SECOND, row, quality=0x8000 if i == bad else 0))
            return await Analyst(historian, MADRID, unrecorded).statistics(request, VIEWER)

    return run_jumping(story)


def test_figures_of_evenly_spaced_samples(tmp_path: Path) -> None:
    x = np.random.default_rng(3).normal(10, 2, 400)
    x[100] = 40.0
    y = 3 - 0.5 * x
    request = HistoryRequest((FIRST, SECOND_TAG), T0, T0 + 400 * SECOND, 8)
    found = figures(tmp_path, floats(2), {0: x, 1: y}, request)
    one = found.tags[0]
    assert (one.count, one.min, one.max) == (400, x.min(), x.max())
    np.testing.assert_allclose([one.mean, one.std], [x.mean(), x.std(ddof=1)])
    moving = np.abs(np.diff(x)).mean()
    np.testing.assert_allclose([one.moving_range, one.upper], [moving, x.mean() + 2.66 * moving])
    assert one.beyond == int(((x < one.lower) | (x > one.upper)).sum()) > 0
    held = x[:-1]  # the last one is not confirmed any further
    seconds, edges = np.histogram(held, np.linspace(x.min(), x.max(), 9))
    np.testing.assert_allclose(one.edges, edges)
    np.testing.assert_allclose(one.seconds, seconds)
    np.testing.assert_allclose(np.array(found.correlation), [[1, -1], [-1, 1]], atol=1e-9)


def test_what_is_bad_is_left_out(tmp_path: Path) -> None:
    x = np.array([1.0, 2.0, 99.0, 4.0, 5.0])
    (one,) = figures(tmp_path, floats(1), {0: x}, HistoryRequest((FIRST,), T0, T0 + 5 * SECOND, 4), bad=2).tags
    assert (one.count, one.max, one.moving_range) == (4, 5.0, pytest.approx(4 / 3))
    assert sum(one.seconds) == pytest.approx(3.0)
    assert one.good == pytest.approx(0.6)


def test_where_nothing_is_there_is_no_figure(tmp_path: Path) -> None:
    found = figures(tmp_path, floats(2), {0: np.ones(3), 1: np.ones(3)}, HistoryRequest((FIRST, SECOND_TAG), 5, 50))
    assert (found.tags[0].count, found.tags[0].edges, found.tags[0].seconds) == (0, (), ())
    assert math.isnan(found.tags[0].mean)
    assert math.isnan(found.correlation[0][1])


def test_a_value_that_does_not_vary(tmp_path: Path) -> None:
    (one,) = figures(tmp_path, floats(1), {0: np.ones(3)}, HistoryRequest((FIRST,), T0, T0 + 2 * SECOND)).tags
    assert (one.std, one.lower, one.upper, one.beyond) == (0.0, 1.0, 1.0, 0)
    assert one.seconds == (2.0,)


def test_texts_and_too_many_bins_are_refused(tmp_path: Path) -> None:
    text = HistoryRequest(("north/plc1/recipe",), T0, T0 + SECOND)
    with pytest.raises(ValueError, match="which is no number"):
        figures(tmp_path, mixed(), {0: np.ones(1)}, text)
    with pytest.raises(ValueError, match="at most 1000"):
        figures(tmp_path / "b", floats(1), {0: np.ones(1)}, HistoryRequest((FIRST,), T0, T0 + SECOND, 1001))


def test_means_and_ranges_of_subgroups(tmp_path: Path) -> None:
    x = np.random.default_rng(5).normal(10, 1, 503)
    x[200:205] += 4.0
    x[303] = -9.0
    (one,) = figures(tmp_path, floats(1), {0: x}, HistoryRequest((FIRST,), T0, T0 + 503 * SECOND), bad=250).tags
    groups = np.array([*x[:250].reshape(50, 5), *x[251:501].reshape(50, 5)])  # a bad sample begins anew
    means, ranges = groups.mean(axis=1), np.ptp(groups, axis=1)
    chart = one.chart
    assert (chart.size, chart.count) == (5, 100)
    np.testing.assert_allclose([chart.means, chart.ranges], [means, ranges])
    np.testing.assert_allclose([chart.mean, chart.range], [means.mean(), ranges.mean()])
    np.testing.assert_allclose(chart.mean_upper, means.mean() + 0.577 * ranges.mean())
    assert chart.means_beyond == ((means < chart.mean_lower) | (means > chart.mean_upper)).sum() >= 1
    assert chart.ranges_beyond == (ranges > 2.114 * ranges.mean()).sum() >= 1
    assert chart.t[40] == T0 + 200 * SECOND


@given(st.lists(st.one_of(st.floats(-9, 9), st.just(math.nan)), max_size=60), st.lists(st.integers(0, 60), max_size=4))
def test_subgroups_do_not_depend_on_how_samples_come(values: list[float], cuts: list[int]) -> None:
    t, value = np.arange(len(values), dtype=np.int64), np.array(values, float)
    whole, pieces = Subgroups().feed(t, value), Subgroups()
    edges = sorted({0, len(values), *(cut for cut in cuts if cut < len(values))})
    found = [pieces.feed(t[a:b], value[a:b]) for a, b in pairwise(edges)]
    for number, column in enumerate(whole):
        joined = np.concatenate([one[number] for one in found]) if found else np.empty(0)
        np.testing.assert_array_equal(joined, column)
