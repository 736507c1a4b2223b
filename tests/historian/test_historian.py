from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.client import HistoryRequest
from sereno.model import DeniedError, NotFoundError, Quality, TagSpec
from sereno.testing import JumpingClock, run_jumping
from tests.historian.rig import (
    SECOND,
    T0,
    VIEWER,
    Plant,
    ask,
    batch,
    floats,
    mixed,
    rows,
    running,
)

GOOD, BAD, STALE = 0, int(Quality.BAD), int(Quality.STALE)
LEVEL, FLOW = "north/plc1/tag0", "north/plc1/tag1"


def test_hot_and_durable_samples_are_found_alike(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock) as historian:
            historian.accept(batch(T0, {0: 1.0, 1: 10.0}))
            hot = rows(await ask(historian, LEVEL, T0 - 5, T0 + 5))
            assert historian.durable_seq == 0
            assert await historian.durable() == 1
            assert rows(await ask(historian, LEVEL, T0 - 5, T0 + 5)) == hot == [(T0, 1.0, GOOD)]
            historian.accept(batch(T0 + SECOND, {0: 2.0, 1: 11.0}))
            assert rows(await ask(historian, FLOW, T0, T0 + 9 * SECOND)) == [
                (T0, 10.0, GOOD),
                (T0 + SECOND, 11.0, GOOD),
            ]

    run_jumping(story)


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    async def first(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock) as historian:
            historian.accept(
                batch(
                    T0 + 1,
                    {0: 1.5, 1: 2.5, 2: 2.0**60, 3: 2.0**64},
                    exact={2: 2**60 + 1, 3: -1},
                    objects={4: "récipe", 5: np.array([1.0, np.nan])},
                )
            )

    async def second(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock) as historian:
            found = {
                name: await ask(historian, f"north/plc1/{name}", T0, T0 + SECOND)
                for name in ("level", "total", "serial", "recipe", "forecast")
            }
            assert rows(found["level"])[0] == (T0 + 1, 1.5, GOOD)
            assert found["level"].unit == "m"
            assert rows(found["total"])[0] == (T0 + 1, 2**60 + 1, GOOD)
            assert rows(found["serial"])[0] == (T0 + 1, 2**64 - 1, GOOD)
            assert rows(found["recipe"])[0] == (T0 + 1, "récipe", GOOD)
            np.testing.assert_array_equal(rows(found["forecast"])[0][1], [1.0, np.nan])

    run_jumping(first)
    run_jumping(second, clock=JumpingClock(epoch_ns=T0 + 60 * SECOND))


def test_only_changed_rows_are_stored_and_the_rest_is_covered(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock) as historian:
            for i in range(50):
                t = clock.wall_ns()
                historian.accept(batch(t, {0: float(i), 1: 7.0}, changed=[True, i == 0], seq=i))
                await clock.sleep(0.1)
            await historian.durable()
            end = clock.wall_ns()
            level, flow = await ask(historian, LEVEL, T0, end), await ask(historian, FLOW, T0, end)
            assert len(level.t) == 50
            assert rows(flow) == [(T0, 7.0, GOOD)]
            assert flow.covered_until >= end - 2 * SECOND

    run_jumping(story)


def test_the_row_in_force_comes_first_with_its_own_time(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            for i in range(10):
                historian.accept(batch(T0 + i * SECOND, {0: float(i)}))
            await historian.durable()
            found = rows(await ask(historian, LEVEL, T0 + 4 * SECOND + 1, T0 + 7 * SECOND))
            assert found == [(T0 + i * SECOND, float(i), GOOD) for i in (4, 5, 6)]
            at_a_sample = rows(await ask(historian, LEVEL, T0 + 4 * SECOND, T0 + 6 * SECOND))
            assert [r[1] for r in at_a_sample] == [4.0, 5.0]

    run_jumping(story)


def test_late_and_duplicate_samples_are_kept_once_the_last_written_wins(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock, segment_bytes=400) as historian:
            for t, value in [(5, 5.0), (3, 3.0), (5, 5.5), (4, 4.0), (3, 3.5)]:
                historian.accept(batch(T0 + t, {0: value}))
                await historian.durable()
            historian.accept(batch(T0 + 4, {0: 4.5}))
            found = rows(await ask(historian, LEVEL, T0, T0 + 10))
            assert found == [(T0 + 3, 3.5, GOOD), (T0 + 4, 4.5, GOOD), (T0 + 5, 5.5, GOOD)]

    run_jumping(story)


def test_silence_is_a_gap_from_the_moment_the_hub_noticed(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            historian.accept(batch(T0, {0: 1.0}))
            stale = batch(T0, {0: 1.0}, quality=STALE, t_hub=T0 + 3 * SECOND, complete=False)
            historian.accept(stale)
            historian.accept(batch(T0 + 9 * SECOND, {0: 1.0}))
            expected = [(T0, 1.0, GOOD), (T0 + 3 * SECOND, None, STALE), (T0 + 9 * SECOND, 1.0, GOOD)]
            assert rows(await ask(historian, LEVEL, T0, T0 + 99 * SECOND)) == expected
            await historian.durable()
            assert rows(await ask(historian, LEVEL, T0, T0 + 99 * SECOND)) == expected

    run_jumping(story)


def test_the_time_between_two_starts_is_a_gap(tmp_path: Path) -> None:
    async def record(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            historian.accept(batch(clock.wall_ns(), {0: 1.0}))
            await clock.sleep(2)
            historian.accept(batch(clock.wall_ns(), {0: 1.0}, changed=[False]))

    async def look(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            now = clock.wall_ns()
            historian.accept(batch(now, {0: 1.0}))
            await historian.durable()
            found = rows(await ask(historian, LEVEL, T0, now + 1))
            assert [r[1] for r in found] == [1.0, None, 1.0]
            gap = found[1][0]
            assert T0 + 2 * SECOND <= gap <= T0 + 3 * SECOND
            held = await ask(historian, LEVEL, T0, now + 1, points=100)
            assert held.value[1] == 1.0
            assert np.isnan(held.value[50])
            assert held.quality[50] == BAD

    run_jumping(record)
    run_jumping(look, clock=JumpingClock(epoch_ns=T0 + 100 * SECOND))


def test_buckets_have_mean_extremes_and_count(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            for i in range(100):
                historian.accept(batch(T0 + i * SECOND, {0: float(i % 10)}))
            historian.accept(batch(T0 + 100 * SECOND, {0: 3.0}, quality=int(Quality.SENSOR_FAILURE)))
            await historian.durable()
            series = await ask(historian, LEVEL, T0, T0 + 110 * SECOND, points=11)
            assert series.t.tolist() == [T0 + i * 10 * SECOND for i in range(11)]
            assert series.low is not None
            assert series.high is not None
            assert series.count is not None
            assert series.count.tolist() == [10] * 10 + [0]
            assert series.low.tolist()[:10] == [0.0] * 10
            assert series.high.tolist()[:10] == [9.0] * 10
            assert series.value.tolist()[:10] == [4.5] * 10
            assert np.isnan(series.value[10])
            assert series.quality[10] == Quality.SENSOR_FAILURE

    run_jumping(story)


def test_empty_buckets_hold_the_value_as_far_as_it_is_known(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            historian.accept(batch(T0, {0: 4.0}))
            historian.accept(batch(T0 + 5 * SECOND, {0: 4.0}, changed=[False]))
            await historian.durable()
            series = await ask(historian, LEVEL, T0 - 2 * SECOND, T0 + 8 * SECOND, points=10)
            nan = np.nan
            np.testing.assert_array_equal(series.value, [nan, nan, 4, 4, 4, 4, 4, nan, nan, nan])
            assert series.count is not None
            assert series.count.tolist() == [0, 0, 1] + [0] * 7
            assert series.quality.tolist() == [BAD, BAD] + [GOOD] * 5 + [BAD] * 3

    run_jumping(story)


def test_strings_are_stored_when_they_change_only(tmp_path: Path) -> None:
    recipe = "north/plc1/recipe"

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock) as historian:
            for i, text in enumerate(["a", "a", "b", "b", "a"]):
                historian.accept(batch(T0 + i, {}, objects={4: text}))
            hot = rows(await ask(historian, recipe, T0, T0 + 9))
            await historian.durable()
            found = rows(await ask(historian, recipe, T0, T0 + 9))
            assert found == hot == [(T0, "a", GOOD), (T0 + 2, "b", GOOD), (T0 + 4, "a", GOOD)]
            assert (await ask(historian, recipe, T0, T0 + 9, points=3)).objects == ("a", "b", "a")

    run_jumping(story)


def test_values_in_force_are_found_after_many_segments(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock, segment_bytes=2000) as historian:
            historian.accept(batch(clock.wall_ns(), {0: 0.0, 1: 42.0}))
            for i in range(1, 200):
                historian.accept(batch(clock.wall_ns(), {0: float(i), 1: 42.0}, changed=[True, False], seq=i))
                await clock.sleep(0.1)
                await historian.durable()
            now = clock.wall_ns()
            assert historian.statistics()["segments"] > 5
            assert rows(await ask(historian, FLOW, now - SECOND, now)) == [(T0, 42.0, GOOD)]
            assert len((await ask(historian, LEVEL, T0, now)).t) == 199  # the first two have one time

    run_jumping(story)


def test_old_segments_go_and_what_was_in_force_stays(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock, segment_bytes=2000, max_bytes=5000) as historian:
            historian.accept(batch(clock.wall_ns(), {0: 0.0, 1: 42.0}))
            for i in range(1, 200):
                historian.accept(batch(clock.wall_ns(), {0: float(i), 1: 42.0}, changed=[True, False], seq=i))
                await clock.sleep(0.1)
                await historian.durable()
            now = clock.wall_ns()
            statistics = historian.statistics()
            assert statistics["dropped_segments"] > 2
            assert statistics["log_bytes"] < 8000
            assert rows(await ask(historian, FLOW, now - SECOND, now)) == [(T0, 42.0, GOOD)]
            assert 10 < len((await ask(historian, LEVEL, T0, now)).t) < 100
        assert len(list((tmp_path / "log").glob("*.log"))) == len(list((tmp_path / "log").glob("*.idx"))) < 8

    run_jumping(story)


def test_age_also_drops_segments(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock, segment_bytes=200, max_age=30.0) as historian:
            for i in range(60):
                historian.accept(batch(clock.wall_ns(), {0: float(i)}, seq=i))
                await historian.durable()
                await clock.sleep(1)
            found = await ask(historian, LEVEL, T0, clock.wall_ns())
            assert 20 < len(found.t) < 45

    run_jumping(story)


def test_rights_are_asked_per_tag(tmp_path: Path) -> None:
    some = Actor("sam", (Role("some", (Permission(Right.HISTORY, "north/plc1/tag0"),)),))

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock) as historian:
            historian.accept(batch(T0, {0: 1.0, 1: 1.0}))
            assert rows(await ask(historian, LEVEL, T0, T0 + 9, actor=some))
            for path in (FLOW, "north/plc1/nothing"):
                with pytest.raises(DeniedError, match="sam"):
                    await ask(historian, path, T0, T0 + 9, actor=some)
            with pytest.raises(NotFoundError, match="tag0"):
                await ask(historian, "north/plc1/tag00", T0, T0 + 9)

    run_jumping(story)


@pytest.mark.parametrize(
    "request_",
    [
        HistoryRequest((LEVEL,), T0, T0),
        HistoryRequest((LEVEL,), T0 + 1, T0),
        HistoryRequest((LEVEL,), T0, 1 << 63),
        HistoryRequest((LEVEL,), T0, T0 + 1, 0),
        HistoryRequest((LEVEL,), T0, T0 + 1, 10**9),
        HistoryRequest((LEVEL,) * 1001, T0, T0 + 9),
    ],
)
def test_senseless_requests_are_refused(tmp_path: Path, request_: HistoryRequest) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            with pytest.raises(ValueError, match="history"):
                await historian.query(request_, VIEWER)

    run_jumping(story)


def test_too_many_raw_samples_are_refused_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sereno.historian.query.MAX_RAW", 50)

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            for i in range(60):
                historian.accept(batch(T0 + i, {0: float(i)}))
            with pytest.raises(ValueError, match="number of points"):
                await ask(historian, LEVEL, T0, T0 + 99)
            assert len((await ask(historian, LEVEL, T0, T0 + 99, points=7)).t) == 7

    run_jumping(story)


def test_long_ranges_are_bucketed_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            for i in range(1000):
                historian.accept(batch(T0 + i * SECOND, {0: float(i)}))
                if i % 10 == 0:
                    await historian.durable()
            whole = await ask(historian, LEVEL, T0, T0 + 1000 * SECOND, points=97)
            monkeypatch.setattr("sereno.historian.series.SLICE_ROWS", 20)
            sliced = await ask(historian, LEVEL, T0, T0 + 1000 * SECOND, points=97)
            for name in ("t", "value", "low", "high", "count", "quality"):
                np.testing.assert_array_equal(getattr(whole, name), getattr(sliced, name))

    run_jumping(story)


def test_a_rename_keeps_the_history(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            historian.accept(batch(T0, {0: 1.0}))
        await clock.sleep(3)
        renamed = Plant(TagSpec(path="north/plc1/depth", unit="cm", was=LEVEL))
        async with running(tmp_path, renamed, clock) as historian:
            historian.accept(batch(T0 + 5 * SECOND, {0: 2.0}))
            found = await ask(historian, "north/plc1/depth", T0, T0 + 9 * SECOND)
            assert found.unit == "cm"
            assert [r[1] for r in rows(found)] == [100.0, None, 2.0]
            await historian.durable()
        definitions = (tmp_path / "tags.jsonl").read_text().splitlines()
        assert len(definitions) == 2

    run_jumping(story)


def test_a_declared_tag_without_a_sample_has_an_empty_history(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock) as historian:
            historian.accept(batch(T0, {0: 1.0}))
            empty = await ask(historian, FLOW, T0, T0 + 9)
            assert (rows(empty), empty.unit, empty.covered_until) == ([], "m", 0)
            buckets = await ask(historian, FLOW, T0, T0 + 9, points=3)
            assert np.isnan(buckets.value).all()

    run_jumping(story)
