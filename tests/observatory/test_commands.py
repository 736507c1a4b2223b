"""sereno observatory, against a device server with the book of sequences."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.app.cli import run_cli
from sereno.app.serve.ports import ports_of
from sereno.app.serve.server import DeviceServer
from sereno.device import Environment, device_configs
from sereno.gateways.native.server import NativeServer
from sereno_observatory.commands.sequence import STATUSES
from sereno_observatory.sequences import Sequences
from sereno_observatory.sequences.status import Status
from tests.observatory.sequences.asked import TOML

SEQUENCE = ["observatory", "sequence"]


def test_each_status_can_be_asked_for() -> None:
    assert list(STATUSES) == [str(status) for status in Status]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[list[str]]:
    """Options that reach a server with the book."""
    configs = device_configs(Sequences, "observatory/sequences", {"latitude": 31.0439, "longitude": -115.4637})
    async with (
        DeviceServer(configs, Environment(folder=tmp_path)) as server,
        NativeServer(ports_of(server, "test")) as native,
    ):
        await server.ready(Actor("admin", (ROLES["admin"],)))
        yield ["--url", native.url, "--token", "test"]


async def test_add_list_show_and_cancel(node: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def run(*words: str, code: int = 0) -> str:
        assert await asyncio.to_thread(run_cli, [*SEQUENCE, *words, *node]) == code
        said = capsys.readouterr()
        return said.out + said.err

    file = tmp_path / "m31.toml"
    file.write_text(TOML, encoding="utf-8")
    assert await run("add", str(file)) == "sequence 1 added\n"
    assert json.loads(await run("add", str(file), "--json"))["id"] == 2
    assert "TOBEPLANNED  M31  0 of 2 images" in await run("list")
    assert [json.loads(line)["id"] for line in (await run("list", "--json")).splitlines()] == [2, 1]
    assert await run("cancel", "2", "--why", "clouds") == "sequence 2: CANCELLED\n"
    shown = await run("show", "2")
    assert "Visible camera: 2 x 20 s r" in shown
    assert "CANCELLED  clouds" in shown
    assert json.loads(await run("show", "2", "--json"))["status"] == "CANCELLED"
    assert "no sequence 9" in await run("show", "9", code=1)
    file.write_text(TOML.replace("exposure", "exposre"), encoding="utf-8")
    assert f"{file}:2: sequence 1: " in await run("add", str(file), code=2)
    assert "cannot be read: No such file" in await run("add", str(tmp_path / "none.toml"), code=2)
    assert "'planned'" in await run("list", "--status", "FOO", code=2)
