"""Aggregates are what a plain loop over every sample says, whatever is hot, cold or rolled up."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sereno.client import Aggregates, Calendar, Every, Series, edges_of
from sereno.historian.aggregating.answer import aggregated, check_aggregates
from sereno.historian.cold.kinds import ROLLUPS
from sereno.historian.cold.manifest import Manifest
from sereno.historian.cold.reading import ColdReader
from sereno.historian.tags import define
from sereno.model import TagSpec, ValueType
from tests.historian.rig import SECOND, T0, Log, Plant, Reader, batch, compacted

HOUR, DAY = 3600 * SECOND, 86_400 * SECOND
NUMBERS = ("count", "mean", "time_mean", "min", "max", "std", "first", "last", "good", "total", "increase", "changes")
ROLLED = ("count", "mean", "time_mean", "min", "max", "first", "last", "good", "total")
FLOW = TagSpec(path="north/plc1/flow", unit="m3/h")
MODE = TagSpec(path="north/plc1/mode", type=ValueType.ENUM, labels=("off", "slow", "fast"))
RECIPE = TagSpec(path="north/plc1/recipe", type=ValueType.STRING)


def edges(start: int, end: int, every: str, zone: str = "Europe/Madrid") -> NDArray[np.int64]:
    (found,) = edges_of(start, end, Every.parse(every), Calendar(zone, ("06:00", "14:00", "22:00")), 10**6)
    return found


def ask(reader: Reader, spec: TagSpec, cuts: NDArray[np.int64], names: Sequence[str]) -> Aggregates:
    return aggregated(define(spec, 0), reader.history(spec), cuts, names, lambda: None)


def steps_of(series: Series) -> list[tuple[int, float]]:
    values = np.where(series.quality < 0x8000, series.value, np.nan)
    return list(zip(series.t.tolist(), values.tolist(), strict=True))


def looped(steps: list[tuple[int, float]], until: int, a: int, b: int) -> dict[str, float]:
    """One bucket, second by second of thought."""
    inside = [v for t, v in steps if a <= t < b]
    known = [v for v in inside if not math.isnan(v)]
    before = [v for t, v in steps if t < a and not math.isnan(v)]
    held = []
    for i, (t, v) in enumerate(steps):
        end = steps[i + 1][0] if i + 1 < len(steps) else until
        seconds = (min(b, end) - max(a, t)) / 1e9
        if seconds > 0 and not math.isnan(v):
            held.append((v, seconds))
    good = math.fsum(s for _, s in held)
    integral = math.fsum(v * s for v, s in held)
    values = known + [v for v, _ in held]
    pairs = list(zip([*before[-1:], *known], known[0 if before else 1 :], strict=False))
    nan = math.nan
    return {
        "count": len(known),
        "mean": float(np.mean(known)) if known else nan,
        "time_mean": integral / good if good else nan,
        "min": min(values, default=nan),
        "max": max(values, default=nan),
        "std": float(np.std(known, ddof=1)) if len(known) > 1 else nan,
        "first": inside[0] if inside else nan,
        "last": inside[-1] if inside else nan,
        "good": good / ((b - a) / 1e9),
        "total": integral / 3600 if good else nan,
        "increase": math.fsum(w - v if w >= v else w for v, w in pairs) if known else nan,
        "changes": sum(v != w for v, w in pairs),
    }


def same(found: Aggregates, steps: list[tuple[int, float]], until: int, names: Sequence[str]) -> None:
    for i, (a, b) in enumerate(zip(found.t.tolist(), found.t_end.tolist(), strict=True)):
        wanted = looped(steps, until, a, b)
        for name in names:
            np.testing.assert_allclose(found.columns[name][i], wanted[name], rtol=1e-9, atol=1e-9, err_msg=name)


def recorded(folder: Path, seed: int, days: int, per_day: int, segments: int) -> None:
    """Random scans over some days in several runs with gaps between them, some values bad."""
    chance = np.random.default_rng(seed)
    plant = Plant(FLOW, MODE)
    times = np.unique(chance.integers(0, days * DAY, days * per_day) // 10**6 * 10**6) + T0
    for piece in np.array_split(times, segments):
        log = Log(folder, plant, now=int(piece[0]) - SECOND)
        scans = [
            batch(
                t,
                {0: float(chance.normal(50, 20)), 1: float(chance.integers(0, 3))},
                quality=[int(chance.choice([0, 0, 0, 0x4000, 0x8000])), int(chance.choice([0, 0, 0, 0, 0x8000]))],
            )
            for t in piece.tolist()
        ]
        for part in np.array_split(np.arange(len(scans)), 20):
            log.commit(int(piece[part[-1]]) if len(part) else int(piece[-1]), *(scans[i] for i in part.tolist()))
        log.close()


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    per_day=st.sampled_from([3, 200, 1500]),
    segments=st.integers(1, 3),
    cold=st.integers(0, 3),
    every=st.sampled_from(["1h", "6h", "1d", "shift", "1w", "30min"]),
    cut=st.tuples(st.integers(-DAY, DAY), st.integers(0, DAY)),
    zone=st.sampled_from(["Europe/Madrid", "UTC", "Asia/Kathmandu"]),
)
def test_numbers_are_those_of_a_loop(
    seed: int, per_day: int, segments: int, cold: int, every: str, cut: tuple[int, int], zone: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorded(folder, seed, 2, per_day, segments)
        raw = Reader(folder, Manifest())
        start, end = T0 + cut[0], T0 + 2 * DAY + cut[1]
        series = raw.series(FLOW, start, end)
        steps = steps_of(series)
        if cold:
            compacted(folder, last=cold)
        cuts = edges(start, end, every, zone)
        reader = Reader(folder)
        same(ask(reader, FLOW, cuts, ROLLED), steps, series.covered_until, ROLLED)
        same(ask(reader, FLOW, cuts, NUMBERS), steps, series.covered_until, NUMBERS)


def test_long_buckets_come_out_of_rollups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path, 1, 3, 3000, 2)
    raw = Reader(tmp_path, Manifest()).series(FLOW, T0, T0 + 3 * DAY)
    compacted(tmp_path)
    asked: list[str] = []
    read = ColdReader.rows_of
    monkeypatch.setattr(
        ColdReader, "rows_of", lambda self, file, *a: (asked.append(file.kind), read(self, file, *a))[1]
    )
    cuts = edges(T0, T0 + 3 * DAY, "1d", "UTC")
    same(ask(Reader(tmp_path), FLOW, cuts, ROLLED), steps_of(raw), raw.covered_until, ROLLED)
    assert asked.count("1d") == 2
    cuts = edges(T0, T0 + 3 * DAY, "1d")
    same(ask(Reader(tmp_path), FLOW, cuts, ROLLED), steps_of(raw), raw.covered_until, ROLLED)
    assert asked.count("1h") == 3


@pytest.mark.parametrize(("every", "zone"), [("1d", "UTC"), ("1d", "Europe/Madrid"), ("1h", "Asia/Kathmandu")])
def test_where_samples_have_gone_by_age_the_rollups_answer(tmp_path: Path, every: str, zone: str) -> None:
    recorded(tmp_path, 4, 2, 8000, 1)
    raw = Reader(tmp_path, Manifest()).series(FLOW, T0, T0 + 2 * DAY)
    whole = compacted(tmp_path).manifest
    files = tuple(f for f in whole.files if f.kind in ROLLUPS or f.start > T0)
    aged = msgspec.structs.replace(whole, files=files, thinned=((T0, 1),))
    cuts = edges(T0, T0 + DAY, every, zone)
    found = ask(Reader(tmp_path, aged), FLOW, cuts, (*ROLLED, "std", "increase"))
    same(found, steps_of(raw), raw.covered_until, ROLLED)
    assert np.isnan(found.columns["std"]).all()
    assert np.isnan(found.columns["increase"]).all()


def test_slices_of_few_samples_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path, 2, 2, 500, 2)
    raw = Reader(tmp_path, Manifest()).series(FLOW, T0, T0 + 2 * DAY)
    compacted(tmp_path, last=1)
    monkeypatch.setattr("sereno.historian.aggregating.stretch.SLICE_ROWS", 40)
    cuts = edges(T0, T0 + 2 * DAY, "12h")
    same(ask(Reader(tmp_path), FLOW, cuts, NUMBERS), steps_of(raw), raw.covered_until, NUMBERS)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), cold=st.integers(0, 2), every=st.sampled_from(["1h", "1d", "shift"]))
def test_time_in_state_is_that_of_a_loop(seed: int, cold: int, every: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorded(folder, seed, 2, 40, 2)
        series = Reader(folder, Manifest()).series(MODE, T0, T0 + 2 * DAY)
        if cold:
            compacted(folder, last=cold)
        found = ask(Reader(folder), MODE, edges(T0, T0 + 2 * DAY, every), ("states", "good"))
        steps = steps_of(series)
        ends = [t for t, _ in steps[1:]] + [series.covered_until]
        for i, (a, b) in enumerate(zip(found.t.tolist(), found.t_end.tolist(), strict=True)):
            for code, label in enumerate(MODE.labels):
                spans = [min(b, e) - max(a, t) for (t, v), e in zip(steps, ends, strict=True) if v == code]
                seconds = sum(max(0, s) for s in spans) / 1e9
                assert found.states.get(label, np.zeros(i + 1))[i] == pytest.approx(seconds, abs=1e-6)
        known = sum(found.states.values(), start=np.zeros(len(found.t)))
        np.testing.assert_allclose(known, found.columns["good"] * (found.t_end - found.t) / 1e9, atol=1e-6)


def test_a_day_in_which_the_clocks_change_has_23_or_25_hours(tmp_path: Path) -> None:
    """A constant rate of 10 m3/h: 230, 240 and 250 m3."""
    plant = Plant(FLOW)
    for first, hours in ((1_774_652_400, [24, 23, 24]), (1_792_792_800, [24, 25, 24])):
        start, end = first * SECOND, (first + 3600 * sum(hours)) * SECOND
        folder = tmp_path / str(first)
        log = Log(folder, plant, now=start - SECOND)
        log.commit(end, *(batch(start - HOUR + i * HOUR, {0: 10.0}) for i in range(sum(hours) + 3)))
        log.close()
        found = ask(Reader(folder), FLOW, edges(start, end, "1d"), ("total", "good", "count"))
        np.testing.assert_allclose(found.columns["total"], [10 * h for h in hours])
        assert found.columns["count"].tolist() == hours
        assert found.units["total"] == "m3"


def test_states_of_texts(tmp_path: Path) -> None:
    plant = Plant(RECIPE)
    log = Log(tmp_path, plant)
    texts: list[Any] = ["summer", "winter", "summer"]
    scans = [batch(T0 + i * HOUR, {}, objects={0: text}) for i, text in enumerate(texts)]
    log.commit(T0 + 3 * HOUR, *scans, batch(T0 + 3 * HOUR, {}, objects={0: "none"}))
    log.close()
    found = ask(Reader(tmp_path), RECIPE, edges(T0, T0 + 3 * HOUR, "3h", "UTC"), ("states", "changes", "good"))
    assert {name: s.tolist() for name, s in found.states.items()} == {"summer": [7200.0], "winter": [3600.0]}
    assert found.columns["changes"].tolist() == [2.0]
    assert found.columns["good"].tolist() == [1.0]


def test_what_a_tag_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="states of 'north/plc1/flow', which is float64"):
        check_aggregates(define(FLOW, 0), ("mean", "states"))
    with pytest.raises(ValueError, match="mean of 'north/plc1/recipe', which is string: expected count"):
        check_aggregates(define(RECIPE, 0), ("mean",))
    with pytest.raises(ValueError, match="which is an array"):
        check_aggregates(define(TagSpec(path="a/b/c", shape=(2,)), 0), ("changes",))
