"""Log files under a virtual clock: whoever reads them while they are written and left gets every line once."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.app.logfiles.names import log_file, numbers_in
from sereno.app.logfiles.reading import LogTail
from sereno.app.logfiles.writer import LogFiles, LogRules
from sereno.model import OperationError
from sereno.testing import JumpingClock

DAY = 86400.0


class Truncating(LogFiles):
    """A planted defect: as the original did, the file is emptied rather than left."""

    def _begin(self) -> None:
        if self._fd < 0:
            super()._begin()
            return
        os.ftruncate(self._fd, 0)
        self._size, self._period = 0, self._now_period()


def lost_by(kind: type[LogFiles], folder: Path, acts: list[str]) -> tuple[list[str], list[str]]:
    """What was written, and what a reader got that looked in at some of the acts."""
    clock, written, got = JumpingClock(), [], []
    tail = LogTail(folder)
    with kind(folder, clock, LogRules(max_bytes=30, every=DAY, keep=0)) as files:
        for number, act in enumerate(acts):
            if act == "write":
                files.write(f"line {number}")
                written.append(f"line {number}")
            elif act == "read":
                got += tail.lines()
            else:
                clock.step_wall(DAY)
    got += tail.lines()
    tail.close()
    return written, got


@given(st.lists(st.sampled_from(["write", "write", "read", "tomorrow"]), max_size=40))
def test_no_line_is_lost_however_a_reader_comes_in_between(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    written, got = lost_by(LogFiles, tmp_path_factory.mktemp("logs"), acts)
    assert got == written


def test_a_file_that_is_emptied_would_be_found(tmp_path: Path) -> None:
    written, got = lost_by(Truncating, tmp_path, ["write", "read", *["write"] * 9, "tomorrow", "write"])
    assert got != written


def test_a_reader_in_another_thread_gets_every_line_once(tmp_path: Path) -> None:
    got: list[str] = []
    over = threading.Event()

    def read() -> None:
        tail = LogTail(tmp_path)
        while not over.is_set():
            got.extend(tail.lines())
        got.extend(tail.lines())
        tail.close()

    with LogFiles(tmp_path, JumpingClock(), LogRules(max_bytes=2000, keep=0)) as files:
        reader = threading.Thread(target=read)
        reader.start()
        writers = [
            threading.Thread(target=lambda name=name: [files.write(f"{name} {i}") for i in range(1000)])
            for name in "ab"
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        over.set()
        reader.join()
    assert len(numbers_in(tmp_path)) > 5
    assert all(log_file(tmp_path, number).stat().st_size <= 2000 for number in numbers_in(tmp_path))
    for name in "ab":
        assert [line for line in got if line.startswith(name)] == [f"{name} {i}" for i in range(1000)]


def test_a_new_file_each_day_and_after_a_restart_the_same_one(tmp_path: Path) -> None:
    clock = JumpingClock()
    for word in ("one", "two"):
        with LogFiles(tmp_path, clock) as files:
            files.write(word)
        os.utime(log_file(tmp_path, 1), ns=(clock.wall_ns(), clock.wall_ns()))
    assert numbers_in(tmp_path) == [1]
    clock.step_wall(DAY)
    with LogFiles(tmp_path, clock) as files:
        files.write("three")
        files.write("four")
    assert [log_file(tmp_path, n).read_text() for n in numbers_in(tmp_path)] == ["one\ntwo\n", "three\nfour\n"]
    assert log_file(tmp_path, 2).stat().st_mode & 0o077 == 0


def test_the_last_files_stay(tmp_path: Path) -> None:
    (tmp_path / "sereno-notes.txt").write_text("mine", encoding="utf-8")
    tail = LogTail(tmp_path)
    with LogFiles(tmp_path, JumpingClock(), LogRules(max_bytes=5, keep=3)) as files:
        files.write("first")
        assert list(tail.lines()) == ["first"]
        for number in range(9):
            files.write(f"line {number}")
    assert numbers_in(tmp_path) == [8, 9, 10]
    assert list(tail.lines()) == ["line 6", "line 7", "line 8"]
    assert tail.missed == 6
    tail.close()
    assert (tmp_path / "sereno-notes.txt").exists()


def test_a_line_torn_by_a_crash_is_ended(tmp_path: Path) -> None:
    log_file(tmp_path, 7).write_bytes(b'whole\n{"event": "to')
    with LogFiles(tmp_path, JumpingClock(), LogRules(every=1e12)) as files:
        files.write("next\nline")
    tail = LogTail(tmp_path)
    assert list(tail.lines()) == ["whole", '{"event": "to', "next\\nline"]
    tail.close()


def test_what_a_full_disk_took_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with LogFiles(tmp_path, JumpingClock()) as files:
        files.write("before")
        with monkeypatch.context() as full:

            def half(fd: int, data: bytes) -> int:
                if len(data) > 3:
                    return write(fd, data[:3])
                raise OSError(28, "No space left on device")

            full.setattr(os, "write", half)
            for _ in range(5):
                files.write("nobody")
        files.write("after")
    lines = log_file(tmp_path, 1).read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert json.loads(lines[-2]) == {"level": "error", "event": "the disk took no log lines", "lost": 5}
    assert files.lost == 0


def test_a_folder_that_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file", encoding="utf-8")
    with pytest.raises(OperationError, match="cannot write logs"), LogFiles(tmp_path / "logs", JumpingClock()):
        pass
    assert list(LogTail(tmp_path / "logs").lines()) == []


@pytest.mark.parametrize("call", ["fsync", "close"])
def test_a_file_that_the_disk_refuses_to_sync_is_left_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    real, broken = getattr(os, call), []

    def refusing(fd: int) -> None:
        if not broken:
            broken.append(fd)
            if call == "close":
                real(fd)
            raise OSError(5, "Input/output error")
        real(fd)

    with LogFiles(tmp_path, JumpingClock(), LogRules(max_bytes=20, every=DAY, keep=0)) as files:
        files.write("the first line")
        monkeypatch.setattr(os, call, refusing)
        files.write("the second line")
        files.write("the third line")
        assert (broken != [], files.lost) == (True, 0)
        monkeypatch.undo()
    tail = LogTail(tmp_path)
    assert list(tail.lines()) == ["the first line", "the second line", "the third line"]
    tail.close()


def test_where_no_new_file_can_be_begun_the_old_one_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with LogFiles(tmp_path, JumpingClock(), LogRules(max_bytes=20, every=DAY, keep=0)) as files:
        files.write("the first line")
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", refused)
            files.write("the second line")
        files.write("the third line")
        assert (files.lost, numbers_in(tmp_path)) == (0, [1, 2])
    assert log_file(tmp_path, 1).read_text() == "the first line\nthe second line\n"


def test_an_old_file_that_cannot_be_cleared_costs_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with LogFiles(tmp_path, JumpingClock(), LogRules(max_bytes=20, every=DAY, keep=1)) as files:
        files.write("the first line")
        monkeypatch.setattr(Path, "unlink", refused)
        files.write("the second line")
        assert files.lost == 0
    assert log_file(tmp_path, 2).read_text() == "the second line\n"
