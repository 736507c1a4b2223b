"""The historian against a dict: what was accepted is what is found, whatever the order of writing and asking."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.historian.historian import Historian
from sereno.model import Quality
from sereno.testing import JumpingClock, run_jumping
from tests.historian.rig import SECOND, T0, FastDisk, ask, batch, mixed, rows, running

PLANT = mixed()
LEVEL, FLOW, TOTAL = (PLANT.specs[i].path for i in range(3))
RECIPE = PLANT.specs[4].path
BAD = 0x8000

VALUES = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, math.nan, math.inf])
QUALITIES = st.sampled_from([0, 0, 0, 0x4000, 0x8000, int(Quality.SENSOR_FAILURE)])
SCAN = st.fixed_dictionaries(
    {
        "age": st.integers(0, 3),
        "values": st.dictionaries(st.sampled_from([0, 1]), VALUES),
        "total": st.none() | st.integers(-(2**63), 2**63 - 1),
        "recipe": st.none() | st.text(max_size=3),
        "quality": QUALITIES,
        "kept": st.lists(st.booleans(), min_size=3, max_size=3),
    }
)
STEP = (
    SCAN.map(lambda scan: ("scan", scan))
    | st.integers(1, 30).map(lambda tenths: ("wait", tenths))
    | st.just(("durable", None))
    | st.tuples(st.integers(-20, 120), st.integers(1, 100), st.integers(1, 9)).map(lambda asked: ("ask", asked))
)


@dataclass
class Model:
    """(time -> value, quality) of what was said to be stored, by path."""

    stored: dict[str, dict[int, tuple[Any, int]]] = field(default_factory=dict)
    seq: int = 0

    def store(self, path: str, t: int, value: Any, quality: int) -> None:
        self.stored.setdefault(path, {})[t] = (value, quality)

    def raw(self, path: str, start: int, end: int) -> list[tuple[int, Any, int]]:
        known = sorted(self.stored.get(path, {}).items())
        before = [k for k in known if k[0] < start][-1:]
        if start in self.stored.get(path, {}):
            before = []
        return [(t, *_seen(v, q)) for t, (v, q) in before + [k for k in known if start <= k[0] < end]]


def _seen(value: Any, quality: int) -> tuple[Any, int]:
    hidden = quality >= BAD or (isinstance(value, float) and math.isnan(value))
    return (None if hidden else value, quality)


def accept(historian: Historian, model: Model, now: int, scan: dict[str, Any]) -> None:
    t = now - scan["age"] * SECOND // 7
    values = dict(scan["values"])
    exact = None
    if scan["total"] is not None:
        values[2], exact = float(scan["total"]), {2: scan["total"]}
    handles = sorted(values)
    kept = [scan["kept"][h] for h in handles]
    objects = None if scan["recipe"] is None else {4: scan["recipe"]}
    model.seq += 1
    historian.accept(
        batch(t, values, quality=scan["quality"], exact=exact, objects=objects, changed=kept, t_hub=now, seq=model.seq)
    )
    for handle, keep in zip(handles, kept, strict=True):
        if keep:
            value = exact[2] if exact and handle == 2 else values[handle]
            model.store(PLANT.specs[handle].path, t, value, scan["quality"])


async def compare(historian: Historian, model: Model, start: int, end: int, points: int) -> None:
    for path in (LEVEL, FLOW, TOTAL):
        if path not in historian._book.paths():
            continue
        expected = model.raw(path, start, end)
        assert rows(await ask(historian, path, start, end)) == expected
        if path != TOTAL:
            series = await ask(historian, path, start, end, points)
            _compare_buckets(series, model, path, end)


def _compare_buckets(series: Any, model: Model, path: str, end: int) -> None:
    edges = [*series.t.tolist(), end]
    for i, (low, high) in enumerate(pairwise(edges)):
        samples = [r for r in model.raw(path, low, high) if low <= r[0] < high]
        usable = [r[1] for r in samples if r[1] is not None and math.isfinite(r[1])]
        assert series.count[i] == len(usable)
        if usable:
            assert series.low[i] == min(usable)
            assert series.high[i] == max(usable)
            np.testing.assert_allclose(series.value[i], sum(usable) / len(usable), rtol=1e-9, atol=1e-9)
        elif samples:
            assert math.isnan(series.value[i])
        elif not math.isnan(series.value[i]):
            assert model.raw(path, low, low + 1)[-1][1] == series.value[i]
        if samples:
            assert series.quality[i] == max(r[2] for r in samples)


@settings(max_examples=150)
@given(st.lists(STEP, max_size=25), st.sampled_from([200, 600, 1 << 20]), st.sampled_from([50, 1 << 20]))
def test_whatever_was_accepted_is_found(steps: list[tuple[str, Any]], segment_bytes: int, slice_rows: int) -> None:
    async def story(clock: JumpingClock, folder: Path) -> None:
        model = Model()
        async with running(folder, PLANT, clock, segment_bytes=segment_bytes, disk=FastDisk()) as historian:
            for kind, what in steps:
                if kind == "scan":
                    accept(historian, model, clock.wall_ns(), what)
                elif kind == "wait":
                    await clock.sleep(what / 10)
                elif kind == "durable":
                    await historian.durable()
                else:
                    start = T0 + what[0] * SECOND // 10
                    await compare(historian, model, start, start + what[1] * SECOND // 10, what[2])
            await compare(historian, model, T0 - 9 * SECOND, T0 + 90 * SECOND, 7)
        clock.step_wall(1)
        async with running(folder, PLANT, clock, segment_bytes=segment_bytes, disk=FastDisk()) as historian:
            for path in model.stored:
                found = rows(await ask(historian, path, T0 - 9 * SECOND, T0 + 900 * SECOND))
                expected = model.raw(path, T0 - 9 * SECOND, T0 + 900 * SECOND)
                assert found[: len(expected)] == expected
                ended_well = expected[-1][2] < BAD
                assert [r[1:] for r in found[len(expected) :]] == [(None, BAD)] * ended_well

    with tempfile.TemporaryDirectory() as folder:
        run_jumping(lambda clock: story(clock, Path(folder)))
