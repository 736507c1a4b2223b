"""audit and db at the console: over the data folder of a node that has stopped, or still runs."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.installation import Note, open_store
from sereno.model import OperationError
from sereno.store.audit import AuditLog
from sereno.store.tables import SCHEMA
from sereno.testing import JumpingClock


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An installation with five records, three seconds apart."""
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    clock = JumpingClock()

    async def fill() -> None:
        store = await asyncio.to_thread(open_store, folder, Note(""), clock)
        log = AuditLog(store, clock)
        for number, who in enumerate(("ann", "bob", "ann", "eve", "ann"), 1):
            await log.record(who, "write", f"north/plc{number}/sp", "10.0.0.1", old=1.0, new=number, comment="=1+1")
            clock.advance(3.0)
        await store.close()

    asyncio.run(fill())
    return folder.path


@pytest.fixture
def sereno(data: Path) -> Callable[..., Done]:
    def run(*arguments: str) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run_cli([*arguments, "--data", str(data)])
        return Done(code, out.getvalue(), err.getvalue())

    return run


def rows(done: Done) -> list[dict[str, Any]]:
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def test_list_shows_the_newest_and_takes_every_filter(sereno: Callable[..., Done]) -> None:
    def numbers(*more: str) -> list[int]:
        return [row["seq"] for row in rows(sereno("audit", "list", "--json", *more))]

    assert numbers() == [1, 2, 3, 4, 5]
    assert numbers("--limit", "2") == [4, 5]
    assert numbers("--who", "ann") == [1, 3, 5]
    assert numbers("--target", "*plc2*") == [2]
    assert numbers("--action", "wr*", "--who", "*e") == [4]
    times = [row["t"] for row in rows(sereno("audit", "list", "--json"))]
    assert numbers("--since", times[1], "--until", times[3]) == [2, 3]
    assert sereno("audit", "list", "--since", "yesterday").code == 2


def test_list_is_a_table_for_people(sereno: Callable[..., Done]) -> None:
    lines = sereno("audit", "list").out.splitlines()
    assert lines[0].split("  ")[0] == "number"
    assert all(text in lines[-1] for text in ("5", "ann", "10.0.0.1", "write", "north/plc5/sp", "1.0 -> 5", "(=1+1)"))


def test_verify_says_whole_or_names_the_record(sereno: Callable[..., Done], data: Path) -> None:
    assert sereno("audit", "verify") == (0, "5 records, whole up to number 5; the anchor stands at 5\n", "")
    with closing(sqlite3.connect(data / "sereno.db", isolation_level=None)) as other:
        other.execute("DROP TRIGGER audit_no_update")
        other.execute("UPDATE audit SET actor = 'zoe' WHERE id = 4")
    done = sereno("audit", "verify")
    assert done.code == 1
    assert done.out.endswith("NOT WHOLE, first at record 4\n")
    found = sereno("audit", "verify", "--json")
    assert (found.code, json.loads(found.out)["record"], json.loads(found.out)["whole"]) == (1, 4, False)
    assert sereno("audit", "verify", "--from", "5").code == 0
    assert "no audit record 8" in sereno("audit", "verify", "--from", "9").err


def test_export_writes_all_once(sereno: Callable[..., Done], tmp_path: Path) -> None:
    assert sereno("audit", "export", str(tmp_path / "a.jsonl"), "--who", "ann").out.startswith("3 records in ")
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [line["seq"] for line in lines] == [1, 3, 5]
    assert lines[0]["new"] == 1
    assert len(lines[0]["hash"]) == 64
    assert sereno("audit", "export", str(tmp_path / "a.csv")).code == 0
    found = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [row["seq"] for row in found] == ["1", "2", "3", "4", "5"]
    assert found[0]["comment"] == "'=1+1", "no spreadsheet takes it for a formula"
    again = sereno("audit", "export", str(tmp_path / "a.csv"))
    assert (again.code, "exists" in again.err) == (1, True)


def test_where_nothing_is_nothing_is_made(tmp_path: Path) -> None:
    for command in (["audit", "list"], ["audit", "verify"], ["db", "current"], ["db", "upgrade"]):
        with redirect_stderr(io.StringIO()):
            assert run_cli([*command, "--data", str(tmp_path / "no")]) == 1
    assert not (tmp_path / "no").exists()


def test_db_current_and_upgrade(sereno: Callable[..., Done], data: Path) -> None:
    assert rows(sereno("db", "current", "--json"))[0]["schema"] == SCHEMA
    assert sereno("db", "upgrade").out.endswith(f": is at {SCHEMA}\n")


def test_a_database_by_url(sereno: Callable[..., Done], data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the note says is where the console looks; SERENO_DATABASE goes before it."""
    elsewhere = data.parent / "elsewhere.db"
    (data / "sereno.db").rename(elsewhere)
    assert sereno("audit", "verify").code == 1
    url_file = data.parent / "database.url"
    url_file.write_text(f"sqlite:///{elsewhere}\n")
    (data / "installation.json").write_text(json.dumps({"plant": "", "database": str(url_file)}))
    assert sereno("audit", "verify").code == 0
    (data / "installation.json").write_text(json.dumps({"plant": "", "database": "environment"}))
    assert "SERENO_DATABASE, which is not set" in sereno("audit", "verify").err
    monkeypatch.setenv("SERENO_DATABASE", f"sqlite:///{elsewhere}")
    assert sereno("audit", "verify").code == 0
    monkeypatch.setenv("SERENO_DATABASE", "nonsense://x:hunter2@y/z")
    done = sereno("audit", "verify")
    assert (done.code, "hunter2" in done.err) == (1, False)


def test_a_note_that_is_no_note_is_said_so(data: Path) -> None:
    from sereno.app.installation import read_note

    (data / "installation.json").write_text("{")
    with pytest.raises(OperationError, match="start the node once"):
        read_note(DataFolder(data))
