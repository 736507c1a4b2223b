"""The programs in docs/storage.md read what the historian writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from sereno.model import TagSpec
from tests.historian.rig import SECOND, T0, Log, Plant, batch, compacted, mixed


def programs() -> list[dict[str, Any]]:
    page = (Path(__file__).parents[2] / "docs" / "storage.md").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = []
    for text in page.split("```python\n")[1:]:
        found.append({})
        exec(text.split("```")[0], found[-1])
    return found


def test_the_program_on_the_page_reads_cold_files(
    tmp_path: Path, require_package: Callable[[str, str], ModuleType]
) -> None:
    require_package("pandas", "pandas")
    plant = Plant(TagSpec(path="north/plc1/level"), TagSpec(path="north/plc1/flow", decimals=1))
    log = Log(tmp_path, plant)
    for i in range(3):
        log.commit(T0 + i, batch(T0 + i * SECOND, {0: i / 3, 1: i / 10}))
    log.close()
    compacted(tmp_path)
    frame = programs()[0]["samples"](tmp_path)
    found = sorted(zip(frame["tag"], frame["value"], strict=True))
    assert found == [("north/plc1/flow", i / 10) for i in range(3)] + [("north/plc1/level", i / 3) for i in range(3)]


def test_the_program_on_the_page_reads_a_log(tmp_path: Path, require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("pandas", "pandas")
    program = programs()[1]
    plant = mixed()
    log = Log(tmp_path, plant)
    for i in range(3):
        t = T0 + i * SECOND
        log.commit(t, batch(t, {0: float(i), 1: 5.0}, objects={4: f"{i}"}, changed=[True, i == 0]))
    log.close()
    found = {
        (int(tag), int(t)): float(value)
        for ids, times, values in program["rows"](tmp_path / "log" / "000000000001.log")
        for tag, t, value in zip(ids, times, values, strict=True)
    }
    level, flow = int(plant.specs[0].id), int(plant.specs[1].id)
    assert found == {(level, T0 + i * SECOND): float(i) for i in range(3)} | {(flow, T0): 5.0}
