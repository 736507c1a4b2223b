"""What a tag is declared as may change; what its samples meant does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import ROLES, Actor
from sereno.client import AggregateRequest, Calendar, HistoryRequest, ImportedSamples, ImportSource, Series
from sereno.historian.analyst import Analyst
from sereno.historian.historian import Historian
from sereno.historian.meaning import unit_conversion
from sereno.model import RefusedError, TagSpec, ValueType
from sereno.testing import JumpingClock, run_jumping
from tests.historian.rig import SECOND, VIEWER, Plant, batch, compacted, rows, running

PATH = "north/plc1/level"
METRES = TagSpec(path=PATH, unit="m")
CENTIMETRES = replace(METRES, unit="cm")
STATES = TagSpec(path=PATH, type=ValueType.ENUM, labels=("off", "on"))


async def unrecorded(*_: object, **__: object) -> None:
    pass


def analyst(historian: Historian) -> Analyst:
    return Analyst(historian, Calendar(), unrecorded)


async def run(folder: Path, clock: JumpingClock, spec: TagSpec, *values: Any) -> int:
    """One run of the node with this declaration, a sample a second; the time of the first."""
    first = clock.wall_ns()
    async with running(folder, Plant(spec), clock) as historian:
        for value in values:
            if spec.is_row:
                exact = {0: int(value)} if spec.type.is_exact else None
                historian.accept(batch(clock.wall_ns(), {0: float(value)}, exact=exact))
            else:
                historian.accept(batch(clock.wall_ns(), {}, objects={0: value}))
            await clock.sleep(1.0)
    await clock.sleep(10.0)
    return first


async def found(
    folder: Path, clock: JumpingClock, spec: TagSpec, first: int, points: int | None = None
) -> list[Series]:
    """What a node with this declaration answers, without a sample of its own yet."""
    async with running(folder, Plant(spec), clock) as historian:
        return await historian.query(HistoryRequest((PATH,), first, clock.wall_ns() + SECOND, points), VIEWER)


def good(series: Series) -> list[Any]:
    return [value for _, value, quality in rows(series) if quality < 0x8000]


@pytest.mark.parametrize("cold", [False, True])
def test_old_samples_are_converted_to_the_new_unit(tmp_path: Path, cold: bool) -> None:
    async def story(clock: JumpingClock) -> None:
        first = await run(tmp_path, clock, METRES, 1.5, 2.5)
        second = await run(tmp_path, clock, CENTIMETRES, 175.0, 225.0)
        if cold:
            compacted(tmp_path)
        (series,) = await found(tmp_path, clock, CENTIMETRES, first)
        assert (series.unit, series.converted, series.since, series.until) == ("cm", ("m",), second, 0)
        assert good(series) == [150.0, 250.0, 175.0, 225.0]
        (buckets,) = await found(tmp_path, clock, CENTIMETRES, first, points=1)
        assert buckets.value[0] == 200.0
        async with running(tmp_path, Plant(CENTIMETRES), clock) as historian:
            request = AggregateRequest((PATH,), first, second + 2 * SECOND, "1y", ("mean", "max", "count"))
            (year,) = [piece async for piece in analyst(historian).aggregate(request, VIEWER)]
            assert [year.columns[n][0] for n in ("mean", "max", "count")] == [200.0, 250.0, 4]
            (then,) = await historian.query(HistoryRequest((PATH,), first + SECOND, first + SECOND + 1), VIEWER)
            assert good(then) == [250.0]

    run_jumping(story)


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize(
    ("old", "values", "new", "others"),
    [
        (METRES, [1.0, 2.5], replace(METRES, unit="bar"), [3.0, 4.0]),
        (METRES, [1.0, 2.5], replace(METRES, type=ValueType.INT64), [3, 4]),
        (METRES, [1.0, 2.5], TagSpec(path=PATH, type=ValueType.STRING), ["full", "empty"]),
        (TagSpec(path=PATH, type=ValueType.STRING), ["full", "empty"], METRES, [1.0, 2.5]),
        (STATES, [0, 1], replace(STATES, labels=("closed", "open")), [1, 0]),
        (TagSpec(path=PATH, type=ValueType.INT64), [2**60 + 1, 7], METRES, [1.0, 2.5]),
    ],
)
def test_what_does_not_measure_the_same_stays_apart(
    tmp_path: Path, cold: bool, old: TagSpec, values: list[Any], new: TagSpec, others: list[Any]
) -> None:
    async def story(clock: JumpingClock) -> None:
        first = await run(tmp_path, clock, old, *values)
        second = await run(tmp_path, clock, new, *others)
        if cold:
            compacted(tmp_path)
        was, now = await found(tmp_path, clock, new, first)
        assert (was.unit, was.type, was.labels, was.until) == (old.unit, old.type.value, old.labels, second)
        assert (now.unit, now.type, now.labels, now.since) == (new.unit, new.type.value, new.labels, second)
        assert good(was) == values
        assert good(now) == others
        (then,) = (await found_at(tmp_path, clock, new, first + SECOND),)
        assert good(then) == values[1:]
        assert then.type == old.type.value
        if new.is_row:
            (buckets,) = await found(tmp_path, clock, new, first, points=1)
            assert buckets.high is not None
            assert buckets.high[0] == max(others)

    run_jumping(story)


async def found_at(folder: Path, clock: JumpingClock, spec: TagSpec, t: int) -> Series:
    async with running(folder, Plant(spec), clock) as historian:
        (series,) = await historian.query(HistoryRequest((PATH,), t, t + 1), VIEWER)
        return series


def test_labels_that_are_added_and_decimals_change_nothing(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        first = await run(tmp_path, clock, STATES, 0, 1)
        await run(tmp_path, clock, replace(STATES, labels=("off", "on", "fault")), 2)
        (series,) = await found(tmp_path, clock, replace(STATES, labels=("off", "on", "fault")), first)
        assert good(series) == [0.0, 1.0, 2.0]
        assert series.converted == ()

    run_jumping(story)


def test_there_and_back_again(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        first = await run(tmp_path, clock, METRES, 1.0)
        await run(tmp_path, clock, CENTIMETRES, 300.0)
        await run(tmp_path, clock, METRES, 2.0)
        (series,) = await found(tmp_path, clock, METRES, first)
        np.testing.assert_allclose(good(series), [1.0, 3.0, 2.0])
        assert (series.unit, series.converted) == ("m", ("cm",))

    run_jumping(story)


def test_pieces_are_meant_as_the_whole(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        first = await run(tmp_path, clock, METRES, 1.0)
        await run(tmp_path, clock, replace(METRES, unit="bar"), 3.0)
        async with running(tmp_path, Plant(replace(METRES, unit="bar")), clock) as historian:
            request = HistoryRequest((PATH,), first, clock.wall_ns())
            pieces = [p async for p in analyst(historian).pieces(request, VIEWER)]
            assert [(p.unit, good(p)) for p in pieces] == [("m", [1.0]), ("bar", [3.0])]

    run_jumping(story)


def test_nothing_is_imported_into_another_meaning(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        first = await run(tmp_path, clock, METRES, 1.0)
        await run(tmp_path, clock, CENTIMETRES, 3.0)
        async with running(tmp_path, Plant(CENTIMETRES), clock) as historian:
            engineer, port = Actor("erik", (ROLES["engineer"],)), analyst(historian)
            key = await port.begin_import(ImportSource("a.csv", "", (PATH,)), engineer)
            samples = ImportedSamples(PATH, np.array([first], np.int64), [1.0])
            with pytest.raises(RefusedError, match="meant something else before"):
                await port.store_import(key, samples, engineer)

    run_jumping(story)


def test_units() -> None:
    assert unit_conversion("m3/h", "l/s") == (pytest.approx(1 / 3.6), 0.0)
    factor, offset = unit_conversion("degC", "degF")
    assert (factor, offset) == (pytest.approx(1.8), pytest.approx(32.0))
    assert unit_conversion("m", "bar")[0] is None
    assert unit_conversion("NTU", "m")[0] is None
