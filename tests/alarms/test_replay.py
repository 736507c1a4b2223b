"""Replay finds what the live path would have found, and what a change of the declarations makes of it."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from sereno.alarms.replay import replay
from sereno.client import AlarmKind, AlarmSpec, Series
from sereno.testing import JumpingClock, jumping
from tests.alarms.rig import FLOW, LEVEL, PUMP, TAGS, at_work, limit_alarm

S = 10**9
SPECS = {spec.path: spec for spec in TAGS}


def series(tag: str, samples: list[tuple[float, float]], quality: list[int] | None = None) -> Series:
    t = np.array([round(t * S) for t, _ in samples], np.int64)
    values = np.array([value for _, value in samples], np.float64)
    return Series(tag, "", t, values, np.array(quality or [0] * len(samples), np.uint16))


def hi(limit: float = 8.0, **more: object) -> AlarmSpec:
    return limit_alarm(LEVEL, AlarmKind.HI, limit=limit, deadband=0.5, **more)


def test_the_difference_that_a_deadband_makes() -> None:
    noisy = series(LEVEL, [(n, 8.2 if n % 2 else 7.8) for n in range(100)])
    before = replay([limit_alarm(LEVEL, AlarmKind.HI, limit=8.0)], SPECS, [noisy], 200 * S)
    after = replay([hi()], SPECS, [noisy], 200 * S)
    assert (before.count, after.count) == (50, 1)
    assert after.came == {f"{LEVEL}.hi": (1 * S,)}


def test_delays_end_between_samples() -> None:
    one = series(LEVEL, [(0, 5), (10, 9), (13, 5), (20, 9), (50, 5)])
    assert replay([hi(on_delay=5.0)], SPECS, [one], 60 * S).came == {f"{LEVEL}.hi": (25 * S,)}
    rising = series(LEVEL, [(0, 5), (10, 9)])
    assert replay([hi(on_delay=5.0)], SPECS, [rising], 12 * S).count == 0
    assert replay([hi(on_delay=5.0)], SPECS, [rising], 16 * S).count == 1


def test_bad_samples_leave_a_limit_as_it_is() -> None:
    one = series(LEVEL, [(0, 9), (1, 5), (2, 9), (3, 5), (4, 9)], [0, 0x8000, 0, 0, 0])
    assert replay([hi()], SPECS, [one], 10 * S).came == {f"{LEVEL}.hi": (0, 4 * S)}


def test_suppressed_while_the_pump_stands() -> None:
    tags = [series(LEVEL, [(0, 9), (5, 5), (6, 9)]), series(PUMP, [(0, 0), (3, 1)])]
    found = replay([hi(suppress_when=f"{PUMP} == 0")], SPECS, tags, 10 * S)
    assert found.came[f"{LEVEL}.hi"][-1] == 6 * S


@pytest.mark.parametrize("seed", range(4))
def test_as_on_the_live_path(seed: int, tmp_path: Path) -> None:
    chooser = random.Random(seed)
    specs = [
        *(limit_alarm(LEVEL, kind, limit=limit, deadband=0.5) for kind, limit in
          ((AlarmKind.LOLO, 1.0), (AlarmKind.LO, 2.0), (AlarmKind.HI, 8.0), (AlarmKind.HIHI, 9.0))),
        AlarmSpec(id="r/d", source="r/d", kind=AlarmKind.DEVIATION, inputs=(LEVEL, FLOW), limit=3.0, deadband=1.0,
                  on_delay=2.5, priority=1, response="x"),
        AlarmSpec(id="r/e", source="r/e", kind=AlarmKind.EXPRESSION, inputs=(PUMP,), condition=f"{PUMP} > 6",
                  off_delay=1.5, priority=1, response="x"),
    ]  # fmt: skip
    rows = [[round(chooser.uniform(0, 10), 1) for _ in TAGS] for _ in range(300)]
    came: dict[str, list[int]] = {spec.id: [] for spec in specs}

    @jumping
    async def live(clock: JumpingClock) -> int:
        start = clock.wall_ns()
        async with at_work(specs, clock, tmp_path / "s.db") as bench:
            bench.alarms.listeners.append(
                lambda found: [
                    came[bench.alarms.specs[row].id].append(found.t - start)
                    for row, code in zip(found.rows.tolist(), found.after.tolist(), strict=True)
                    if code == 1
                ]
            )
            for values in rows:
                bench.feed(*values)
                await clock.sleep(1.0)
        return 0

    live()
    recorded = [series(tag.path, [(n, row[at]) for n, row in enumerate(rows)]) for at, tag in enumerate(TAGS)]
    replayed = replay(specs, SPECS, recorded, len(rows) * S)
    assert {name: list(times) for name, times in replayed.came.items()} == came
    assert sum(map(len, came.values())) > 100
