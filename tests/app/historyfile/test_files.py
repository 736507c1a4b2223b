"""What is exported comes back by an import, in every format; broken off, it goes on."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from sereno.access.actor import ROLES, Actor
from sereno.app.commands.history import history
from sereno.app.datafolder import DataFolder
from sereno.app.historyfile import source, stopped
from sereno.app.historyfile.bringing import bring
from sereno.app.historyfile.export import Export, Stage
from sereno.app.historyfile.source import SourceFile, check_tags
from sereno.app.plant.schema import HistoryTable
from sereno.client import Client, connect
from sereno.historian import analyst
from sereno.historian.analyst import Analyst
from sereno.historian.bulk.alone import StoppedHistory
from sereno.historian.bulk.stage import StageNote
from sereno.historian.cold import keeper
from sereno.historian.disk import SystemDisk
from sereno.model import OperationError, TagSpec, ValueType
from tests.app.configuration.plants import FUNCTIONS, PLANT
from tests.client.node import CALENDAR, Node, node_at
from tests.client.node import SPECS as SPECS_OF_NODE
from tests.historian.cold.test_historian_cold import at_once
from tests.historian.rig import Reader, rows

LEVEL, TOTAL, RECIPE, MODE = (f"north/plc1/{name}" for name in ("level", "total", "recipe", "mode"))
BIG = 2**60


@pytest.fixture(autouse=True)
def _no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that compact take longer to begin than all else here."""
    monkeypatch.setattr(keeper, "in_own_process", at_once)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    (tmp_path / "node").mkdir()
    async with node_at(tmp_path / "node") as node:
        yield node


def near(node: Node) -> Client:
    client = Client(node.hub, node.commands, node.historian, node.devices, Actor("erik", (ROLES["engineer"],)))
    client.analysis = Analyst(node.historian, CALENDAR, node.accounts.audit.record)
    return client


async def values(client: Client, end: int) -> list[list[Any]]:
    found = await client.query(LEVEL, TOTAL, RECIPE, MODE, start=0, end=end)
    columns = [s.objects or (s.exact if s.exact is not None else s.value).tolist() for s in found]
    return [[s.t.tolist(), list(column), (s.quality >> 14).tolist()] for s, column in zip(found, columns, strict=True)]


def quiet(*_: Any) -> None:
    pass


async def looked(client: Client, file: Path, timezone: str = "UTC") -> SourceFile:
    content = SourceFile(file, "", timezone, {spec.path: spec for spec in await client.tags()})
    content.look()
    return content


@pytest.mark.parametrize("suffix", [".csv", ".arrow", ".parquet"])
async def test_an_export_is_imported_as_it_was(node: Node, tmp_path: Path, suffix: str) -> None:
    for i in range(5):
        last = node.publish(level=i / 3, total=BIG + i, recipe=f"0{i}", mode=i % 2)
    client, file = near(node), tmp_path / f"out{suffix}"
    was = await values(client, last + 1)
    assert await Export(file).run(client, Stage((LEVEL, TOTAL, RECIPE, MODE), 0, last + 1), quiet) == 20
    (tmp_path / "other").mkdir()
    async with node_at(tmp_path / "other") as other:
        taker = near(other)
        content = await looked(taker, file)
        tally = await bring(taker, content.source(), content, quiet)
        assert (tally.rows, tally.new) == (20, 20)
        assert (await bring(taker, content.source(), content, quiet)).new == 0
        assert await values(taker, last + 1) == was
        acts = [r.action for r in await other.accounts.audit.entries()]
        assert acts.count("history.import") == 4


async def test_an_export_that_was_broken_off_goes_on(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analyst, "PIECE_ROWS", 3)
    times = []
    for i in range(20):
        times.append(node.publish(level=i, total=i))
        await node.historian.durable()
    client = near(node)
    stage = Stage((LEVEL, TOTAL), times[0], times[-1] + 1)
    whole, broken = Export(tmp_path / "whole.csv"), Export(tmp_path / "broken.csv")
    rows = await whole.run(client, stage, quiet)

    def stop(limit: int, _tag: str, rows: int, _t: int) -> None:
        if rows > limit:
            raise OSError("no")

    for limit in (5, 22, 27):
        with pytest.raises(OSError, match="no"):
            await broken.run(client, broken.begun(stage) or stage, partial(stop, limit))
        with (tmp_path / ".broken.csv.part").open("ab") as file:
            file.write(b"half a row")
    begun = broken.begun(stage)
    assert begun is not None
    assert begun.rows > 27
    assert await broken.run(client, begun, quiet) == rows
    assert (tmp_path / "broken.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert broken.begun(stage) is None
    assert sorted(p.name for p in tmp_path.glob("*broken*")) == ["broken.csv"]


async def test_an_export_of_other_times_begins_anew(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analyst, "PIECE_ROWS", 3)
    times = []
    for i in range(20):
        times.append(node.publish(level=i))
        await node.historian.durable()
    client, broken = near(node), Export(tmp_path / "out.csv")
    day = Stage((LEVEL,), times[0], times[-1] + 1, ("now-1d", "now", "UTC"))

    def stop(_tag: str, rows: int, _t: int) -> None:
        if rows > 5:
            raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await broken.run(client, day, stop)
    later = Stage((LEVEL,), times[0] + 1, times[-1] + 2, day.asked)
    assert broken.begun(later) is not None, "the same words go on with the times of then"
    for other in (("now-2d", "now", "UTC"), ("now-1d", "now-1h", "UTC"), ("now-1d", "now", "Europe/Madrid")):
        assert broken.begun(Stage((LEVEL,), day.start, day.end, other)) is None
    assert broken.begun(Stage((TOTAL,), day.start, day.end, day.asked)) is None


async def test_a_file_comes_in_over_http(node: Node, tmp_path: Path) -> None:
    await node.accounts.add_user("erik", "correct horse battery", ["engineer"], by="test")
    token = (await node.accounts.tokens.issue("erik", "test", "engineer", 3600.0))[1]
    file = tmp_path / "old.csv"
    file.write_text(
        "time,north/plc1/level,north/plc1/total\n2020-03-29 01:59,1.5,1152921504606846977\n2020-03-29 03:00,,3\n"
    )
    async with connect(node.url, token) as client:
        content = await looked(client, file, "Europe/Madrid")
        tally = await bring(client, content.source(), content, quiet)
        assert (tally.rows, tally.new) == (4, 4)
        level, total = await client.query(LEVEL, TOTAL, start="2020-01-01", end="2020-03-30")
    assert (level.t[1] - level.t[0]) == 60 * 10**9
    assert level.value[0] == 1.5
    assert level.quality[1] == 0x8000
    assert total.exact is not None
    assert total.exact[:2].tolist() == [BIG + 1, 3]


NUMBER, WHOLE, WORDS, FLAG = (
    TagSpec(path="a/b"),
    TagSpec(path="a/n", type=ValueType.INT64),
    TagSpec(path="a/mode", type=ValueType.ENUM, labels=("off", "on")),
    TagSpec(path="a/flag", type=ValueType.BOOL),
)
SPECS = {spec.path: spec for spec in (NUMBER, WHOLE, WORDS, FLAG, TagSpec(path="a/text", type=ValueType.STRING))}


def parts_of(file: Path, tag: str = "") -> list[dict[str, list[Any]]]:
    content = SourceFile(file, tag, "UTC", SPECS)
    content.look()
    return [pa.ipc.open_stream(part.data).read_all().to_pydict() for part in content.parts()]


def test_columns_of_every_kind_are_read(tmp_path: Path) -> None:
    file = tmp_path / "one.parquet"
    stamp = pa.array([1_000_000, 2_000_000], pa.timestamp("us"))
    pq.write_table(pa.table({"t": stamp, "value": [1, 2], "quality": ["good", "bad"]}), file)
    assert parts_of(file, "a/b") == [{"t": [10**9, 2 * 10**9], "quality": [0, 0x8000], "a/b": [1.0, 2.0]}]
    file = tmp_path / "ns.csv"
    file.write_text("t,value\n5,x\n6,\n")
    assert parts_of(file, "a/text") == [{"t": [5, 6], "a/text": ["x", None]}]


def test_words_stand_for_numbers_and_long_files_have_every_type(tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    file.write_text(f"t,a/mode,a/flag,a/n\n5,on,true,{BIG + 1}\n6,0,False,\n")
    wide = {"t": [5, 6], "a/mode": [1.0, 0.0], "a/flag": [1.0, 0.0], "a/n": [BIG + 1, None]}
    assert parts_of(file) == [wide]
    file = tmp_path / "long.csv"
    rows = ("a/b,5,1.5", "a/text,5,x y", f"a/n,5,{BIG + 1}", "a/mode,5,off", "a/b,6,", "a/mode,6,1")
    file.write_text("\n".join(["tag,t,value", *rows, ""]))
    found = {(tag, t): v for p in parts_of(file) for tag, t, v in zip(p["tag"], p["t"], p["value"], strict=True)}
    assert found == {
        ("a/b", 5): 1.5,
        ("a/text", 5): "x y",
        ("a/n", 5): BIG + 1,
        ("a/mode", 5): 0.0,
        ("a/b", 6): None,
        ("a/mode", 6): 1.0,
    }


def test_a_large_file_comes_in_parts_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PART_BYTES", 1000)
    file = tmp_path / "many.parquet"
    pq.write_table(pa.table({"t": range(1000), "a/b": [float(i) for i in range(1000)]}), file)
    content = SourceFile(file, "", "UTC", SPECS)
    content.look()
    assert content.samples == 1000
    parts = list(content.parts())
    assert max(part.samples for part in parts) <= 62
    assert sum(part.samples for part in parts) == 1000
    assert [v for p in parts for v in pa.ipc.open_stream(p.data).read_all()["a/b"].to_pylist()] == [*range(1000)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("when,value\n1,2\n", "expected one of t, time, timestamp"),
        ("t,a,b\n1,2,3\n", "2 columns besides the time"),
        ("t,value\nyesterday,2\n", "a time that is none"),
        ("t,value,quality\n1,2,fine\n", "quality 'fine'"),
        ("t,value\n,2\n", "without a time"),
        ("t,value\n1,much\n", "'much'"),
    ],
)
def test_a_file_that_is_none_says_why(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "x.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=words):
        parts_of(file, "a/b")
    with pytest.raises(ValueError, match="does not end with"):
        parts_of(tmp_path / "x.txt")


def test_a_word_that_is_no_label_says_which_there_are(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("t,value\n1,halfway\n")
    with pytest.raises(ValueError, match="'halfway', expected off, on or a number"):
        parts_of(file, "a/mode")


def test_with_times_of_another_zone_it_does_not_go_on_but_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("t,a/b\n2026-01-01T00:00:00,1.0\n")
    notes = []
    for zone in ("UTC", "Europe/Berlin"):
        content = SourceFile(file, "", zone, SPECS)
        content.look()
        found = content.source()
        notes.append(StageNote("key", found.name, found.sha256, found.tags, "erik"))
    assert notes[0].same_as(notes[0])
    assert not notes[0].same_as(notes[1]), "parts in UTC and parts in Berlin's time would be one import"
    assert notes[1].name == "old.csv (times in Europe/Berlin)"


def test_a_text_that_looks_like_nothing_is_a_text(tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("tag,t,value\na/text,1,NA\na/text,2,null\na/text,3,\na/b,4,NaN\na/b,5,2.5\n")
    content = SourceFile(file, "", "UTC", SPECS)
    content.look()
    tables = [pa.ipc.open_stream(part.data).read_all().to_pydict() for part in content.parts()]
    found = {
        (tag, t): v for table in tables for tag, t, v in zip(table["tag"], table["t"], table["value"], strict=True)
    }
    assert [found["a/text", t] for t in (1, 2, 3)] == ["NA", "null", None]
    assert str(found["a/b", 4]) in ("nan", "None")
    assert found["a/b", 5] == 2.5


def test_other_units_and_unknown_tags_are_refused() -> None:
    specs = {"a/b": TagSpec(path="a/b", unit="m"), "a/v": TagSpec(path="a/v", shape=(2,))}
    check_tags({"a/b": "m"}, specs)
    with pytest.raises(ValueError, match="in 'cm' in the file and in 'm'"):
        check_tags({"a/b": "cm"}, specs)
    with pytest.raises(ValueError, match="no tag 'a/c'"):
        check_tags({"a/c": ""}, specs)
    with pytest.raises(ValueError, match="is an array"):
        check_tags({"a/v": ""}, specs)


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not end with"):
        Export(tmp_path / "x.xlsx")


def test_a_file_comes_into_the_history_of_a_node_that_does_not_run(tmp_path: Path) -> None:
    data = tmp_path / "data"

    async def lived() -> None:
        (data / "keys").mkdir(parents=True)
        async with node_at(data) as node:
            node.publish(level=1.0)
            await node.historian.durable()
            with pytest.raises(OperationError, match="in use by process"):
                StoppedHistory(SystemDisk(), data / "history")

    asyncio.run(lived())
    file = tmp_path / "old.csv"
    file.write_text(f"t,{LEVEL}\n2020-01-01T00:00:00Z,1.5\n2020-01-01T00:00:01Z,2.5\n")
    runner = CliRunner()
    done = runner.invoke(history, ["import", str(file), "--stopped", "--data", str(data), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["new"] == 2

    (spec,) = (spec for spec in SPECS_OF_NODE if spec.path == LEVEL)
    assert [v for _, v, _ in rows(Reader(data / "history").series(spec, 0))][:3] == [1.5, 2.5, None]
    with sqlite3.connect(data / "sereno.db") as database:
        acts = database.execute("select actor, outcome from audit where action = 'history.import' order by rowid")
        assert acts.fetchall() == [("console", "begun"), ("console", "done")]
    database.close()


def test_room_that_is_kept_is_as_the_plant_file_says_that_ran_there(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert stopped._keep_free(folder) == HistoryTable().keep_free
    plant = tmp_path / "plant.toml"
    (tmp_path / "twice.py").write_text(FUNCTIONS)
    plant.write_text(PLANT.replace("[history]\n", "[history]\nkeep_free = 4711\n"))
    folder.note.write_text(json.dumps({"plant": str(plant)}))
    assert stopped._keep_free(folder) == 4711
