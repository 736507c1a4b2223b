from __future__ import annotations

from pathlib import Path

import pytest

from sereno.app.memory import FileMemory
from sereno.model import OperationError
from sereno.testing import JumpingClock, jumping


@jumping
async def test_what_is_kept_is_written_soon_and_once(clock: JumpingClock, tmp_path: Path) -> None:
    file = tmp_path / "memorised.json"
    memory = FileMemory(file, clock)
    assert await memory.recall("lab/a") == {}
    for value in range(100):
        memory.keep("lab/a", "voltage", value)
    assert not file.exists()
    await clock.sleep(0.3)
    assert await FileMemory(file, clock).recall("lab/a") == {"voltage": 99}
    memory.keep("lab/b", "names", ["x"])
    await memory.close()
    again = FileMemory(file, clock)
    assert (await again.recall("lab/b"), await again.recall("lab/c")) == ({"names": ["x"]}, {})
    await again.close()


@jumping
async def test_a_damaged_file_is_not_overwritten(clock: JumpingClock, tmp_path: Path) -> None:
    file = tmp_path / "memorised.json"
    file.write_text("{")
    memory = FileMemory(file, clock)
    with pytest.raises(OperationError, match="mend it or take it away"):
        await memory.recall("lab/a")
    memory.keep("lab/a", "voltage", 1)
    await memory.close()
    assert file.read_text() == "{"
