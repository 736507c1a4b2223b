"""An import that brings a day more than its files are made for divides it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sereno.historian.cold import slots
from sereno.historian.cold.manifest import load_manifest
from sereno.historian.disk import SystemDisk
from sereno.testing import JumpingClock, run_jumping
from tests.historian.bulk.test_absorbing import DAY, OPTIONS, brought, every, times, whole
from tests.historian.rig import SECOND, T0, ask, floats, running


@pytest.mark.parametrize("limit", [100, 5000])
def test_a_day_that_gets_too_much_for_its_files_is_divided(
    tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it is never in memory whole; what was there stays, and a second import finds the same."""
    plant = floats(2)
    tag, other = (spec.path for spec in plant.specs)
    values = np.random.default_rng(2).normal(size=1440).tolist()
    part = {"tag": [tag] * 1440, "t": times(T0 - 2 * DAY, 1440, 60 * SECOND), "value": pa.array(values)}
    before = {
        "tag": [other] * 500,
        "t": times(T0 - 2 * DAY + SECOND, 500, 100 * SECOND),
        "value": pa.array([2.5] * 500),
    }

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, plant, clock, **OPTIONS) as historian:
            await brought(historian, before)
            assert {f.end - f.start for f in load_manifest(SystemDisk(), tmp_path).files} == {DAY}
            monkeypatch.setattr(slots, "SLOT_ROWS", limit)
            for new in (1440, 0):
                assert (await brought(historian, part)).tally.new == new
                assert [v for _, v, _ in await every(historian, tag)] == [*values, None]
                assert [v for _, v, _ in await every(historian, other)] == [2.5] * 500 + [None]
                expected = DAY // (24 if limit == 100 else 1)
                files = load_manifest(SystemDisk(), tmp_path).files
                assert {f.end - f.start for f in files if f.start < T0 - DAY} == {expected}
                (series,) = [await ask(historian, tag, T0 - 2 * DAY, T0 - DAY, 1)]
                assert series.value.tolist() == pytest.approx([np.mean(values)])
        whole(tmp_path)

    run_jumping(story)
