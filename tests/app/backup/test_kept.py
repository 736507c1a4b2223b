"""What is found beside the node's own files, and copies of databases that somebody works with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sereno.app.backup.archive import ArchiveWriter, LeftOut
from sereno.app.backup.kept import add_kept, copy_database, kept_files
from sereno.app.datafolder import DataFolder


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"12345")


def database(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE numbers (n INTEGER)")
        made.execute("INSERT INTO numbers VALUES (1)")
        made.commit()


def found(data: Path, *but: Path) -> dict[str, tuple[str, bool]]:
    kept = kept_files(DataFolder(data), but)
    return {one.path.relative_to(data).as_posix(): (one.entry, one.always) for one in kept}


def test_own_files_side_files_and_hidden_ones_are_not_found(tmp_path: Path) -> None:
    write(
        tmp_path, "sereno.db", "sereno.db-wal", "keys/audit.key", "history/log/1.log", "logs/1.log", "credential.json"
    )
    write(tmp_path, "memorised.json", "images/1.fits", "images/.2.fits", "text.db", "plant/plant.toml", "old.sereno")
    write(tmp_path, "agents/lab_a/settings.json", "agents/lab_a/nights/1/2.fits", "agents/lab_a/memorised.json")
    database(tmp_path / "book.db")
    write(tmp_path, "book.db-wal", "book.db-shm", "lonely-wal")
    database(tmp_path / "agents" / "lab_a" / "deep" / "own.sqlite")
    (tmp_path / "link").symlink_to("/")
    assert found(tmp_path, tmp_path / "plant", tmp_path / "old.sereno") == {
        "book.db": ("book.db", True),
        "images/1.fits": ("images", False),
        "lonely-wal": ("lonely-wal", False),
        "memorised.json": ("memorised.json", True),
        "text.db": ("text.db", False),
        "agents/lab_a/deep/own.sqlite": ("agents/lab_a/deep", True),
        "agents/lab_a/memorised.json": ("agents/lab_a/memorised.json", True),
        "agents/lab_a/nights/1/2.fits": ("agents/lab_a/nights", False),
    }


def added(data: Path, *asked: str) -> tuple[list[str], list[LeftOut], list[str]]:
    work = data.parent / "work"
    work.mkdir(exist_ok=True)
    with ArchiveWriter(data.parent / "archive") as archive:
        left_out, warnings = add_kept(DataFolder(data), archive, asked, work)
        return [member.name for member in archive.members], left_out, warnings


def test_an_entry_is_asked_for_by_its_name_alone_or_with_its_agent(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(data, "nights/1.fits", "nights/2.fits", "agents/lab_a/nights/3.fits")
    all_of_them = ["data/nights/1.fits", "data/nights/2.fits", "data/agents/lab_a/nights/3.fits"]
    assert added(data, "nights") == (all_of_them, [], [])
    assert added(data, "agents/lab_a/nights") == (all_of_them[2:], [LeftOut("nights", 2, 10)], [])
    assert added(data) == ([], [LeftOut("agents/lab_a/nights", 1, 5), LeftOut("nights", 2, 10)], [])


def test_a_damaged_database_is_a_warning_and_no_end(tmp_path: Path) -> None:
    data = tmp_path / "data"
    database(data / "good.db")
    (data / "bad.db").write_bytes((data / "good.db").read_bytes()[:100])
    names, left_out, warnings = added(data)
    assert (names, left_out) == (["data/good.db"], [])
    assert len(warnings) == 1
    assert "bad.db is not in the archive" in warnings[0]


def test_a_copy_is_of_one_moment_while_somebody_writes(tmp_path: Path) -> None:
    database(tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO numbers VALUES (2)")
        writer.commit()
        writer.execute("INSERT INTO numbers VALUES (3)")
        copy_database(tmp_path / "a.db", tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT n FROM numbers").fetchall() == [(1,), (2,)]
    assert not list(tmp_path.glob("copy.db-*"))


def test_a_database_that_stays_locked_is_given_up(tmp_path: Path) -> None:
    database(tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            copy_database(tmp_path / "a.db", tmp_path / "copy.db", patience=0.01)


def test_a_database_that_is_gone_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        copy_database(tmp_path / "gone.db", tmp_path / "copy.db")
    assert not list(tmp_path.iterdir())
