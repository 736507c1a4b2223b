"""The program in docs/storage.md reads what the historian writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.historian.rig import SECOND, T0, Log, batch, mixed


def test_the_program_on_the_page_reads_a_log(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "storage.md").read_text(encoding="utf-8")
    program: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], program)
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
