"""A store that the first version wrote: the rigs let it be compacted into the present form while they break things."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from sereno.client import HistoryRequest
from sereno.historian.disk import SystemDisk
from sereno.historian.historian import Historian
from sereno.model import SystemClock

from .workload import CHECKER, T0, Declared

STORE = Path(__file__).parents[2] / "tests" / "historian" / "version1"
_END = T0 + 61 * 10**9


def seed(folder: Path) -> None:
    """Put the store where a victim will record."""
    shutil.copytree(STORE, folder)


async def content(folder: Path) -> str:
    """Everything that its tags say, through the public query."""
    lines = (STORE / "tags.jsonl").read_text().splitlines()
    paths = tuple(json.loads(line)["path"] for line in lines)
    historian = Historian(folder, SystemClock(), Declared(), disk=SystemDisk())
    await historian.start()
    try:
        found = await historian.query(HistoryRequest(paths, 0, _END), CHECKER)
    finally:
        await historian.stop()
    told = []
    for one in found:
        values = one.exact if one.exact is not None else one.objects if one.objects is not None else one.value
        good = np.flatnonzero(one.quality < 0x8000).tolist()
        told.append((one.tag, [(int(one.t[i]), str(values[i]), int(one.quality[i])) for i in good]))
    return str(told)
