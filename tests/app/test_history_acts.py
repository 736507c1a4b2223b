"""`sereno history delete` on a running node: what goes, who may, and what is on record."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.history_acts import HISTORY
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import Client, connect
from sereno.device import Environment
from sereno.hub.execution import rights_by_verb
from sereno.model import AckState, Command, DeniedError, OperationError, Verb

FREE = "sereno/node/disk_free"
PLANT = """
[history]
keep = [{ tags = "sereno/**", raw = "90d", minutes = "730d" }]

[[device]]
name = "lab/plc"
driver = "modbus"
url = "tcp://127.0.0.1:1"
tag = [{ name = "x", address = "holding:0", type = "int16" }]
"""


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    path = tmp_path / "plant.toml"
    path.write_text(PLANT)
    async with Node(load_plant(path), DataFolder(tmp_path / "data"), Environment()) as running:
        await running.start("127.0.0.1", 0)
        assert running.parts.historian is not None
        for i in range(3):
            running.parts.itself.publish(0.0, (i + 5) * 1e9, 1e8)
        await running.parts.historian.durable()
        yield running


async def cli(folder: Path, *arguments: str) -> tuple[int, str]:
    out = io.StringIO()

    def run() -> int:
        with redirect_stdout(out), redirect_stderr(out):
            return run_cli([*arguments, "--data", str(folder)])

    return await asyncio.to_thread(run), out.getvalue()


async def values(client: Client) -> list[float]:
    (series,) = await client.query(FREE, start="now-1h")
    return [v for v in series.value.tolist() if v in (5.0, 6.0, 7.0)]


async def test_what_is_deleted_is_gone_and_on_record(node: Node, tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with connect(data=data) as client:
        assert await values(client) == [5.0, 6.0, 7.0]
        code, out = await cli(
            data, "history", "delete", "--tag", FREE, "--from", "now-1h", "--to", "now", "--yes", "--json"
        )
        answer = json.loads(out)
        assert (code, answer["state"]) == (0, "done")
        assert answer["samples"] >= 3
        assert await values(client) == []
        assert len((await client.query("sereno/node/memory", start="now-1h"))[0].t) > 0
    code, out = await cli(data, "audit", "list", "--json")
    assert code == 0
    assert any(json.loads(line)["target"] == HISTORY for line in out.splitlines() if HISTORY in line)


async def test_a_wrong_glob_or_time_is_told(node: Node, tmp_path: Path) -> None:
    data = tmp_path / "data"
    code, out = await cli(data, "history", "delete", "--tag", "nowhere/x", "--from", "now-1h", "--to", "now", "--yes")
    assert code != 0
    assert "nowhere/x" in out
    async with connect(data=data) as client:
        ack = await client.call(HISTORY, "delete", FREE, "never", "now")
        assert ack.state is AckState.FAILED
        assert "'never' is no time" in ack.reason
        ack = await client.call(HISTORY, "forget")
        assert ack.state is not AckState.DONE
        assert await values(client) == [5.0, 6.0, 7.0]


async def test_it_takes_the_right_to_configure(node: Node) -> None:
    command = Command(verb=Verb.CALL, target=HISTORY, name="delete")
    with pytest.raises(DeniedError, match="configure"):
        node.parts.record.authorise(Actor("op", (ROLES["operator"],)), command, rights_by_verb(command))
    node.parts.record.authorise(Actor("en", (ROLES["engineer"],)), command, rights_by_verb(command))


def test_samples_that_would_outlive_their_roll_ups_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "plant.toml"
    path.write_text(PLANT.replace('"730d"', '"30d"'))
    with pytest.raises(OperationError, match="raw would be kept longer than minutes"):
        load_plant(path)
