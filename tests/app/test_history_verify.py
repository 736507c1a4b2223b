"""Every damage of a stored history is told, with the file and the block."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from sereno.app.commands.history import history
from sereno.historian.cold.verifying import verify
from sereno.historian.disk import SystemDisk
from tests.historian.rig import SECOND, T0, Log, batch, compacted, floats


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One segment compacted, its log deleted, and one that is not."""
    log = Log(tmp_path / "history", floats(2))
    log.commit(T0, *[batch(T0 + i * SECOND, {0: i / 3, 1: i / 7}) for i in range(200)])
    log.close()
    compacted(tmp_path / "history")
    log = Log(tmp_path / "history", floats(2), now=T0 + 300 * SECOND)
    log.commit(T0 + 300 * SECOND, batch(T0 + 300 * SECOND, {0: 1.0, 1: 2.0}))
    log.commit(T0 + 301 * SECOND, batch(T0 + 301 * SECOND, {0: 1.0, 1: 2.0}))
    log.close()
    for path in (tmp_path / "history" / "log").glob("000000000001.*"):
        path.unlink()
    return tmp_path


def test_whole_files_are_whole(folder: Path) -> None:
    found = {one.name: one for one in verify(SystemDisk(), folder / "history")}
    assert not [fault for one in found.values() for fault in one.faults]
    assert {"tags.jsonl", "log/000000000002.log", "cold/state.000001.bin"} < set(found)


def test_every_flipped_byte_is_told(folder: Path) -> None:
    for path in sorted(
        p for p in (folder / "history").rglob("*") if p.suffix in (".log", ".parquet", ".bin", ".jsonl")
    ):
        whole = path.read_bytes()
        for at in range(0, len(whole), 37):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            told = [fault for one in verify(SystemDisk(), folder / "history") for fault in one.faults]
            assert any(path.name in fault.where for fault in told), (path.name, at)
        path.write_bytes(whole)


def test_the_command_names_the_row_group_and_fails(folder: Path) -> None:
    (path,) = (folder / "history" / "cold").glob("*.double.*.parquet")
    whole = bytearray(path.read_bytes())
    whole[200] ^= 1
    path.write_bytes(whole)
    run = CliRunner().invoke(history, ["verify", "--json", "--data", str(folder)], standalone_mode=False)
    fault, summary = [orjson.loads(line) for line in run.output.splitlines()]
    assert run.return_value == 1
    assert (fault["file"], fault["where"].rpartition(" byte ")[2]) == (f"cold/{path.name}", "4")
    assert "row group 0" in fault["fault"]
    assert summary["faults"] == 1
    path.unlink()
    run = CliRunner().invoke(history, ["verify", "--data", str(folder)], standalone_mode=False)
    assert "cannot be read" in run.output


def test_a_tag_alone_is_shown(folder: Path) -> None:
    run = CliRunner().invoke(history, ["north/plc1/tag0", "--data", str(folder), "--points", "x"])
    assert "--points" in run.output
    assert "show" in run.output
