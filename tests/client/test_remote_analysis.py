"""Pieces and aggregates far away are those of the node, in every format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from sereno.access.actor import ROLES, Actor
from sereno.client import Client, connect, form_of
from sereno.historian.analyst import Analyst
from sereno.model import NotFoundError
from tests.client.node import CALENDAR, Node, node_at

LEVEL, FLOW, MODE, TOTAL, RECIPE = (f"north/plc1/{name}" for name in ("level", "flow", "mode", "total", "recipe"))
BIG = 2**60 + 1


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with node_at(tmp_path) as node:
        node.publish(level=1.25, flow=2.0, total=BIG, mode=1, recipe="récipe")
        node.publish(level=2.25, flow=4.0, total=BIG + 1, mode=0, recipe="b")
        yield node


@pytest.fixture
async def client(node: Node) -> AsyncIterator[Client]:
    async with connect(node.url, node.token) as client:
        yield client


async def fetch(node: Node, query: str, **headers: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {node.token}", **headers}
    async with httpx.AsyncClient(base_url=node.url, headers=headers, timeout=60) as http:
        return await http.get(f"/api/v1/history?{query}")


async def test_aggregates_are_those_of_the_node(client: Client, node: Node) -> None:
    now = node.clock.wall_ns()
    names = ("count", "mean", "min", "max", "changes", "good", "total")
    asked: dict[str, Any] = {"every": "1h", "aggregates": names, "start": now - 10**13, "end": now // 1000 * 1000}
    far = await client.aggregate(LEVEL, FLOW, **asked)
    near = Client(node.hub, node.commands, node.historian, node.devices, Actor("v", (ROLES["viewer"],)))
    near.analysis = Analyst(node.historian, CALENDAR, node.accounts.audit.record)
    for one, other in zip(far, await near.aggregate(LEVEL, FLOW, **asked), strict=True):
        assert (one.tag, one.unit, one.timezone) == (other.tag, other.unit, "Europe/Madrid")
        assert one.units == other.units
        assert one.t.tolist()[1:] == other.t.tolist()[1:]
        for name in names:
            np.testing.assert_allclose(one.columns[name], other.columns[name], rtol=1e-12, err_msg=name)
    assert far[0].columns["count"][-1] == 2
    assert far[0].columns["mean"][-1] == 1.75
    assert far[1].units["total"] == "l"


async def test_aggregates_come_as_tables(client: Client, require_package: Callable[[str, str], Any]) -> None:
    require_package("pandas", "pandas")
    require_package("polars", "polars")
    fixed = ["t", "t_end", "count"]
    (found,) = await client.aggregate(MODE, every="shift", aggregates=("states", "count"), start="now-1d")
    for table in (found.to_pandas(), found.to_polars()):
        assert list(table.columns) in ([*fixed, "state.on", "state.off"], [*fixed, "state.off", "state.on"])
        assert len(table) == len(found.t)


async def test_pieces_are_every_sample(client: Client) -> None:
    found = [piece async for piece in client.pieces(LEVEL, TOTAL, RECIPE, start="now-1h", end="now")]
    assert [piece.tag for piece in found] == [LEVEL, TOTAL, RECIPE]
    assert found[0].value.tolist() == [1.25, 2.25]
    assert found[1].exact is not None
    assert found[1].exact.tolist() == [BIG, BIG + 1]
    assert found[2].objects == ("récipe", "b")


async def test_statistics_are_those_of_the_node(client: Client, node: Node) -> None:
    found = await client.statistics(LEVEL, FLOW, start="now-1h", bins=4)
    level, flow = found.tags
    assert (level.tag, level.unit, level.count, level.mean, level.min, level.max) == (LEVEL, "m", 2, 1.75, 1.25, 2.25)
    assert (flow.moving_range, flow.lower) == (2.0, 3.0 - 2.66 * 2.0)
    assert len(level.edges) == len(level.seconds) + 1 == 5
    assert len(found.correlation) == 2
    with pytest.raises(ValueError, match="which is no number"):
        await client.statistics(RECIPE)


async def test_raw_samples_as_rows_of_csv(node: Node) -> None:
    answer = await fetch(node, f"tag={LEVEL}&tag={TOTAL}&tag={RECIPE}", accept="text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["value"] for row in rows] == ["1.25", "2.25", str(BIG), str(BIG + 1), "récipe", "b"]
    assert rows[0]["unit"] == "m"
    assert rows[0]["quality"] == "good"
    assert len(rows[0]["t"]) == len("2026-01-01T00:00:00.000000000Z")


async def test_raw_samples_as_lines_and_as_arrow(node: Node) -> None:
    answer = await fetch(node, f"tag={LEVEL}&tag={TOTAL}&format=ndjson")
    assert [json.loads(line)["value"] for line in answer.text.splitlines()] == [1.25, 2.25, BIG, BIG + 1]
    answer = await fetch(node, f"tag={LEVEL}&tag={TOTAL}", accept="application/vnd.apache.arrow.stream")
    table = pa.ipc.open_stream(answer.content).read_all()
    assert table.column_names == ["tag", "t", "value", "text", "unit", "quality"]
    assert table["text"].to_pylist() == [None, None, str(BIG), str(BIG + 1)]
    assert table["value"].to_pylist()[:2] == [1.25, 2.25]


@pytest.mark.parametrize("form", ["csv", "ndjson", "arrow"])
async def test_aggregates_in_every_format(node: Node, form: str) -> None:
    answer = await fetch(node, f"tag={MODE}&every=1d&from=now-1d&aggregate=count,states&tz=UTC&format={form}")
    if form == "arrow":
        columns = pa.ipc.open_stream(answer.content).read_all().select(["count", "states"])
        rows = columns.to_pylist()
        states = json.loads(rows[-1]["states"])
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        states = json.loads(rows[-1]["states"])
    else:
        rows = [json.loads(line) for line in answer.text.splitlines()]
        states = rows[-1]["states"]
    assert int(rows[-1]["count"]) == 2
    assert set(states) == {"on", "off"}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("every=7h", "does not divide a day"),
        ("every=1d&aggregate=median", "no aggregate median, expected of count"),
        ("aggregate=mean", "'aggregate' needs 'every'"),
        ("every=1d&tz=Europe/Lummerland", "unknown time zone"),
        ("every=1d&aggregate=states", "expected a bool, enum, integer or string tag"),
        ("points=5&format=csv", "comes as JSON"),
        ("every=1s&from=now-30d", "more than 200000 buckets"),
        ("every=1d&aggregate=median&format=csv", "no aggregate median"),
    ],
)
async def test_what_is_refused_says_why(node: Node, query: str, words: str) -> None:
    answer = await fetch(node, f"tag={LEVEL}&{query}")
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


async def test_an_unknown_tag_is_not_found_before_anything_is_sent(node: Node) -> None:
    answer = await fetch(node, "tag=north/plc1/nothing&format=csv")
    assert answer.status_code == 404
    with pytest.raises(NotFoundError):
        async with connect(node.url, node.token) as client:
            await client.aggregate("north/plc1/nothing", every="1h")


def test_a_file_without_pieces_is_whole() -> None:
    form = form_of("arrow")
    assert pa.ipc.open_stream(form.begin() + form.end()).read_all().num_rows == 0
