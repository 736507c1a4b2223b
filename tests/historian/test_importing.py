"""Samples from elsewhere: in the right place, marked, once, and on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import ROLES, Actor
from sereno.client import ImportedSamples, ImportSource
from sereno.historian.historian import Historian
from sereno.historian.importing import Imports
from sereno.model import DeniedError, NotFoundError, Quality
from sereno.testing import JumpingClock, run_jumping
from tests.historian.rig import SECOND, T0, VIEWER, ask, batch, floats, mixed, rows, running

ENGINEER = Actor("erik", (ROLES["engineer"],))
LEVEL, FLOW, TOTAL, SERIAL, RECIPE = (f"north/plc1/{n}" for n in ("level", "flow", "total", "serial", "recipe"))
IMPORTED = int(Quality.IMPORTED)
BAD = int(Quality.BAD)


class Acts:
    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    async def __call__(self, actor: str, action: str, target: str, origin: str, outcome: str, **more: Any) -> None:
        self.seen.append((actor, action, target, outcome, more["new"]))


async def brought(historian: Historian, acts: Acts, *parts: ImportedSamples) -> int:
    imports = Imports(historian, acts)
    source = ImportSource("old.csv", "ab" * 32, tuple(dict.fromkeys(p.tag for p in parts)))
    key = await imports.begin(source, ENGINEER)
    for part in parts:
        await imports.store(key, part, ENGINEER)
    return (await imports.finish(key, ENGINEER)).new


def some(tag: str, first: int, values: Any, step: int = SECOND) -> ImportedSamples:
    return ImportedSamples(tag, np.arange(len(values), dtype=np.int64) * step + first, values)


def test_the_past_before_the_first_sample_ends_where_it_ends(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock) as historian:
            historian.accept(batch(T0, {0: 9.0}))
            acts, early = Acts(), T0 - 1000 * SECOND
            assert await brought(historian, acts, some(LEVEL, early, [1.0, None, 3.0])) == 3
            found = rows(await ask(historian, LEVEL, early, T0 + SECOND))
            assert found == [
                (early, 1.0, IMPORTED),
                (early + SECOND, None, BAD),
                (early + 2 * SECOND, 3.0, IMPORTED),
                (early + 3 * SECOND, None, BAD),
                (T0, 9.0, 0),
            ]
            assert [(a[:4]) for a in acts.seen] == [
                ("erik", "history.import", "old.csv", "begun"),
                ("erik", "history.import", "old.csv", "done"),
            ]
            assert acts.seen[1][4] == {"rows": 3, "new": 3, "from_ns": early, "to_ns": early + 2 * SECOND}

    run_jumping(story)


def test_what_held_before_holds_again_after_an_import_into_the_middle(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock) as historian:
            historian.accept(batch(T0, {0: 9.0}))
            historian.accept(batch(T0 + 100 * SECOND, {0: 10.0}))
            await brought(historian, Acts(), some(LEVEL, T0 + 10 * SECOND, [1.0]), some(LEVEL, T0 + 11 * SECOND, [2.0]))
            found = rows(await ask(historian, LEVEL, T0, T0 + 200 * SECOND))
            assert [(t - T0) // SECOND for t, _, _ in found] == [0, 10, 11, 12, 100]
            assert [v for _, v, _ in found] == [9.0, 1.0, 2.0, 9.0, 10.0]

    run_jumping(story)


def test_once_more_changes_nothing_also_when_it_is_cold(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock) as historian:
            parts = (
                some(LEVEL, T0, np.array([1.0, np.nan, 3.0])),
                some(TOTAL, T0, [2**60 + 1, None, 7]),
                some(SERIAL, T0, [2**64 - 1, "12", 3]),
                some(RECIPE, T0, ["a", "b", None]),
            )
            assert await brought(historian, Acts(), *parts) == 12
            before = [rows(await ask(historian, p.tag, T0, T0 + 60 * SECOND)) for p in parts]
            assert before[1][0] == (T0, 2**60 + 1, IMPORTED)
            assert before[2][0] == (T0, 2**64 - 1, IMPORTED)
            assert before[3][1] == (T0 + SECOND, "b", IMPORTED)
            assert await brought(historian, Acts(), *parts) == 0
            assert [rows(await ask(historian, p.tag, T0, T0 + 60 * SECOND)) for p in parts] == before
        async with running(tmp_path, mixed(), clock) as historian:
            assert await brought(historian, Acts(), *parts) == 0

    run_jumping(story)


def test_imports_and_what_is_recorded_beside_them_stay_apart(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock) as historian:
            historian.accept(batch(T0, {0: 9.0, 1: 8.0}))
            await historian.durable()
            await brought(historian, Acts(), some(FLOW, T0 + 1, [1.0, 2.0]))
            await brought(historian, Acts(), some(TOTAL, T0 + 2, [5, 6]))
            historian.accept(batch(T0 + 60 * SECOND, {0: 7.0, 1: 6.0}))
            await historian.durable()
            level, flow, total = [rows(await ask(historian, p, T0, T0 + 90 * SECOND)) for p in (LEVEL, FLOW, TOTAL)]
            assert [v for _, v, _ in level] == [9.0, 7.0]
            assert [v for _, v, _ in flow] == [8.0, 1.0, 2.0, 8.0, 6.0]
            assert [v for _, v, _ in total] == [5, 6, None]

    run_jumping(story)


def test_many_of_one_tag_in_a_record_are_found_at_once(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            n = 40_000
            await brought(historian, Acts(), some("north/plc1/tag0", T0 - n * SECOND, np.arange(n) / 2))
            (_, value, _), *_ = rows(await ask(historian, "north/plc1/tag0", T0 - 5 * SECOND + 1, T0 - 4 * SECOND))
            assert value == (n - 5) / 2

    run_jumping(story)


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock) as historian:
            imports = Imports(historian, Acts())
            source = ImportSource("old.csv", "", (LEVEL, TOTAL))
            with pytest.raises(DeniedError, match="right configure"):
                await imports.begin(source, VIEWER)
            key = await imports.begin(source, ENGINEER)
            with pytest.raises(DeniedError, match="erik's"):
                await imports.store(key, some(LEVEL, T0, [1.0]), Actor("olga", (ROLES["engineer"],)))
            for part, words in (
                (some(FLOW, T0, [1.0]), "not a tag of this import"),
                (some(LEVEL, T0, [1.0, 2.0], step=0), "do not increase"),
                (some(LEVEL, T0, ["full"]), "no float64"),
                (some(TOTAL, T0, [2**63]), "no int64"),
            ):
                with pytest.raises(ValueError, match=words):
                    await imports.store(key, part, ENGINEER)
            await imports.store(key, some(LEVEL, T0, [1.0]), ENGINEER)
            with pytest.raises(ValueError, match="order of time"):
                await imports.store(key, some(LEVEL, T0, [1.0]), ENGINEER)
            with pytest.raises(NotFoundError, match="begin it again"):
                await imports.finish("nothing", ENGINEER)

    run_jumping(story)
