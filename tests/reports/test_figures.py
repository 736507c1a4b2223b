"""The figures of a report against numpy over the raw samples, read back from its CSV by pandas."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sereno.client import Calendar, parse_time
from sereno.historian.analyst import Analyst
from sereno.model import Quality, TagSpec, ValueType
from sereno.reports.content import Content
from sereno.reports.gather import Making, gather
from sereno.reports.page import page
from sereno.reports.schedule import period_of
from sereno.reports.sheet import sheets
from sereno.reports.spec import Shown
from sereno.testing import JumpingClock, run_jumping
from tests.historian.rig import Plant, batch, running
from tests.reports.rig import Declared, report, sources

HOUR = 3600 * 10**9
FLOW = TagSpec(path="works/flow", unit="m3/h", decimals=2)
PUMP = TagSpec(path="works/pump", type=ValueType.ENUM, labels=("stopped", "running", "fault"))
NEVER = TagSpec(path="works/never", unit="m")
SHOWN = Shown(
    tags=("works/*",), show=("last", "min", "max", "time_mean", "total", "count", "states", "good"), plot=True
)
DAY = parse_time("2026-10-25", zone=ZoneInfo("Europe/Madrid"))


async def unrecorded(*_: object, **__: object) -> None:
    pass


def samples(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At random times from an hour before the day of 25 h to an hour after it: flow, state; bad from 10 h to 13 h."""
    random = np.random.default_rng(seed)
    t = DAY - HOUR + np.sort(random.choice(27 * 3600, 800, replace=False)).astype(np.int64) * 10**9
    return t, random.normal(40, 10, len(t)), random.integers(0, 3, len(t))


def gathered(folder: Path, seed: int = 1) -> tuple[Content, np.ndarray, np.ndarray, np.ndarray]:
    t, flow, pump = samples(seed)
    spec = report(SHOWN, zone="Europe/Madrid")
    found: list[Content] = []

    async def story(clock: JumpingClock) -> None:
        plant = Plant(FLOW, PUMP, NEVER)
        async with running(folder, plant, clock) as historian:
            for moment, value, state in zip(t.tolist(), flow.tolist(), pump.tolist(), strict=True):
                historian.accept(batch(moment, {0: value, 1: float(state)}, quality=bad(moment)))
            await historian.durable()
            analyst = Analyst(historian, Calendar("Europe/Madrid"), unrecorded)
            live = Declared(FLOW, PUMP, NEVER)
            period = period_of(spec, "2026-10-25", DAY + 48 * HOUR)
            making = Making(spec=spec, period=period, now=DAY + 26 * HOUR, due=DAY + 25 * HOUR)
            seen: list[float] = []
            taken = sources(live, history=historian, analysis=analyst)
            found.append(await gather(taken, making, seen.append))
            assert seen == sorted(seen)
            assert seen[-1] == 1.0

    run_jumping(story)
    return found[0], t, flow, pump


def bad(t: int) -> int:
    return int(Quality.NOT_CONNECTED) if DAY + 10 * HOUR <= t < DAY + 13 * HOUR else 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_sheet_says_what_numpy_says_of_the_samples(
    tmp_path: Path, seed: int, require_package: Callable[[str, str], Any]
) -> None:
    pandas = require_package("pandas", "pandas")
    content, t, flow, pump = gathered(tmp_path, seed)
    rows = pandas.read_csv(io.StringIO(sheets(content)[""])).set_index("tag")
    good = np.array([bad(moment) == 0 for moment in t.tolist()])
    start, end = DAY, DAY + 25 * HOUR
    held = np.diff(np.clip(np.append(t, end), start, end)) / 1e9
    known = good & (held > 0)
    inside = good & (t >= start) & (t < end)
    row = rows.loc["works/flow"]
    assert row["not_known"] == pytest.approx(1 - held[known].sum() / 90_000, abs=1e-9)
    assert 0.11 < row["not_known"] < 0.13
    assert row["time_mean"] == pytest.approx(np.average(flow[known], weights=held[known]))
    assert row["total"] == pytest.approx((flow[known] * held[known]).sum() / 3600)
    assert row["total_unit"] == "m3"
    assert (row["min"], row["max"]) == (pytest.approx(flow[known].min()), pytest.approx(flow[known].max()))
    assert row["count"] == inside.sum()
    assert row["last"] == pytest.approx(flow[t < end][-1])
    states = rows.loc["works/pump"]
    for code, name in enumerate(PUMP.labels):
        assert states[f"state.{name}"] == pytest.approx(held[known & (pump == code)].sum())
    assert states["last_text"] == PUMP.labels[pump[t < end][-1]]
    assert (row["from"], row["to"]) == ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00")


def test_what_is_not_known_is_shown_as_such(tmp_path: Path) -> None:
    content, *_ = gathered(tmp_path)
    never = next(row for row in content.tables[0].rows if row.spec is NEVER)
    assert (never.unknown, never.last and never.last.value) == (1.0, None)
    text = page(content)
    flow = next(line for line in text.splitlines() if "works/flow" in line)
    assert '<td class="number unknown">100 %</td>' in text
    assert flow.count("#c9ced6") == 1, "the gap is one grey stretch of the curve"


def test_a_last_value_keeps_the_unit_that_it_was_recorded_in(tmp_path: Path) -> None:
    was, now = (TagSpec(path="works/level", unit=unit, decimals=1) for unit in ("m", "bar"))
    spec = report(Shown(tags=("works/*",), show=("last", "max")), every="1h")

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, Plant(was), clock) as historian:
            await clock.sleep(3599.95)
            historian.accept(batch(clock.wall_ns(), {0: 2.5}))
            await clock.sleep(100)
        async with running(tmp_path, Plant(now), clock) as historian:
            historian.accept(batch(clock.wall_ns(), {0: 7.0}))
            await historian.durable()
            analyst = Analyst(historian, Calendar(), unrecorded)
            making = Making(
                spec=spec, period=period_of(spec, "2026-01-01T00:30", clock.wall_ns()), now=clock.wall_ns(), due=0
            )
            content = await gather(sources(Declared(now), history=historian, analysis=analyst), making, lambda _: None)
        (row,) = content.tables[0].rows
        assert row.last is not None
        assert "2.5 m" in page(content)
        assert "2.5 bar" not in page(content)
        (line,) = csv.DictReader(io.StringIO(sheets(content)[""]))
        assert (line["unit"], line["last"], line["last_text"], line["max"]) == ("bar", "", "2.5 m", "")

    run_jumping(story)
