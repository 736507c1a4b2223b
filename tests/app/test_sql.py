"""SQL over hot and cold, and from a saved file; the command of it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from sereno.app.commands.sql import sql
from sereno.historian.cold.tables import open_tables
from sereno.model import OperationError
from tests.historian.rig import SECOND, T0, Log, Reader, batch, compacted, mixed, rows


def history(folder: Path) -> Path:
    """Eighty seconds of level, total and recipe; the first 60 cold, a sample of them written again since."""
    declared = mixed()
    log = Log(folder, declared)
    for second in range(0, 80, 20):
        if second == 60:
            log.close()
            compacted(folder)
            log = Log(folder, declared, now=T0 + 59 * SECOND)
        scans = [
            batch(T0 + i * SECOND + 1, {0: i / 4, 2: 2.0**60}, exact={2: 2**60 + i}, objects={4: f"step {i // 30}"})
            for i in range(second, second + 20)
        ]
        log.commit(T0 + (second + 20) * SECOND, *scans)
    log.commit(T0 + 80 * SECOND, batch(T0 + 10 * SECOND + 1, {0: 99.0}))
    log.close()
    return folder


def test_every_sample_is_there_once(tmp_path: Path) -> None:
    history(tmp_path)
    with open_tables(tmp_path) as connection:
        found = connection.execute(
            "select epoch_ns(t), value, quality from samples where tag = 'north/plc1/level' order by t"
        ).fetchall()
        texts = connection.execute("select text from texts order by t").fetchall()
        minutes = connection.execute("select tag, count from rollup_1m where tag like '%level'").fetchall()
    asked = [(t, v, q) for t, v, q in rows(Reader(tmp_path).series(mixed().specs[0], 0, 1 << 62)) if v is not None]
    assert [r for r in found if r[2] < 0x8000] == asked
    assert (T0 + 10 * SECOND + 1, 99.0, 0) in found
    assert [t for (t,) in texts] == ["step 0", "step 1", "step 2"]
    assert minutes == [("north/plc1/level", 60)]


def test_a_saved_file_opens_in_plain_duckdb(tmp_path: Path) -> None:
    import duckdb

    open_tables(history(tmp_path / "history"), str(tmp_path / "saved.duckdb")).close()
    with duckdb.connect(str(tmp_path / "saved.duckdb"), read_only=True) as connection:
        assert connection.execute(
            "select count(*) from samples where tag like '%level' and quality = 0"
        ).fetchone() == (80,)


def test_the_command(tmp_path: Path) -> None:
    history(tmp_path / "history")
    run = CliRunner().invoke(
        sql,
        [
            "select tag, count(*) as n from samples where quality = 0 group by tag order by tag",
            "--json",
            "--data",
            str(tmp_path),
        ],
        standalone_mode=False,
    )
    assert [orjson.loads(line) for line in run.output.splitlines()] == [
        {"tag": "north/plc1/level", "n": 80},
        {"tag": "north/plc1/total", "n": 80},
    ]


@pytest.mark.parametrize("query", ["drop table tags", "copy tags to 'x.csv'", "select", "select 1; drop table tags"])
def test_what_is_no_question_is_refused(tmp_path: Path, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    history(tmp_path / "history")
    run = CliRunner().invoke(sql, [query, "--data", str(tmp_path)], standalone_mode=False)
    assert isinstance(run.exception, OperationError)
    assert not (tmp_path / "x.csv").exists()
