"""A node that does not get ready ends a rig in a sentence, with an exit code of its own, and leaves no process."""

from __future__ import annotations

from pathlib import Path

import pytest

from acting.trial import node
from alarm_flood import trial as flood
from commanding import child as commanding
from starting import NOT_READY

MUTE = "import time; print('so far so good', file=__import__('sys').stderr, flush=True); time.sleep(60)"


@pytest.fixture
def mute(tmp_path: Path) -> Path:
    """A node that says what it does and never that it is ready."""
    (tmp_path / "node.py").write_text(MUTE)
    return tmp_path / "node.py"


async def _ended_of(plant: Path, folder: Path, within: float) -> object:
    with pytest.raises(SystemExit) as found:
        async with node(plant, folder / "data", within=within):
            pass
    return found.value.code


async def test_a_node_that_ends_before_it_is_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plant.toml").write_text('[plant]\nnam = "Nobody"\n')
    assert await _ended_of(tmp_path / "plant.toml", tmp_path, 60.0) == NOT_READY
    told = capsys.readouterr().err
    assert "before it was ready; the last it said:" in told
    assert "nam" in told.partition("said:")[2], "the node's own words"


async def test_a_node_that_is_not_ready_in_its_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await _ended_of(tmp_path / "plant.toml", tmp_path, 0.01) == NOT_READY
    assert "the node is not ready after 0.01 s; the last it said:\n" in capsys.readouterr().err


async def test_the_node_of_the_commands(
    tmp_path: Path, mute: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commanding, "STARTUP", 0.1)
    monkeypatch.setattr(commanding, "__file__", str(mute))
    with pytest.raises(SystemExit) as found:
        await commanding.Child(tmp_path, 1, "").start()
    assert found.value.code == NOT_READY
    assert "the node is not ready after 0.1 s; what it said is above" in capsys.readouterr().err


async def test_the_node_of_the_flood(
    tmp_path: Path, mute: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flood, "READY", 0.1)
    monkeypatch.setattr(flood, "NODE", mute)
    with pytest.raises(SystemExit) as found:
        await flood.Trial(tmp_path, 1, 0, 1.0, 1, "").run()
    assert found.value.code == NOT_READY
    assert "the node is not ready after 0.1 s; what it said is above" in capsys.readouterr().err
