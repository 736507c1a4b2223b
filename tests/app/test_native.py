"""The native server of a whole node: found by `connect()`, with the node's own tokens and rights."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import RemoteClient, Subscription, connect
from sereno.client._native import NativeClient
from sereno.device import Environment
from sereno.model import ConfigurationError, DeniedError, NotConnectedError, Quality

PLANT = """
[[device]]
name = "mill/plc1"
driver = "modbus"
url = "tcp://127.0.0.1:1"
[[device.tag]]
name = "level"
address = "holding:100"
type = "float32"
"""
LEVEL = "mill/plc1/level"


def node_of(folder: Path, text: str) -> Node:
    (folder / "plant.toml").write_text(text + PLANT, encoding="utf-8")
    return Node(load_plant(folder / "plant.toml"), DataFolder(folder / "data"), Environment())


async def all_of(subscription: Subscription) -> None:
    async with asyncio.timeout(60):
        async for _ in subscription:
            pass


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with node_of(tmp_path, "") as node:
        await node.start("127.0.0.1", 0)
        yield node


async def test_a_client_on_this_machine_goes_the_native_way(node: Node) -> None:
    async with connect(data=node.folder.path) as client:
        assert isinstance(client, NativeClient)
        reading = await client.get(LEVEL)
        assert reading.quality in (Quality.WAITING, Quality.NOT_CONNECTED, Quality.STALE)
        assert "mill/plc1 has not answered" in reading.reason
        assert [d.path for d in await client.devices()] == ["mill/plc1", "sereno/node"]
        assert (await client.query(LEVEL, start="now-1min"))[0].tag == LEVEL
        assert await client.guards() == []
        assert (await client.complaints())[0] == []


async def test_both_ways_answer_the_same(node: Node) -> None:
    found = json.loads(node.folder.credential.read_text())
    async with connect(found["url"], found["token"]) as http, connect(found["native"], found["token"]) as native:
        assert type(http) is RemoteClient
        assert await http.tags() == await native.tags()
        assert [s.path for s in await http.devices()] == [s.path for s in await native.devices()]
        assert http.actor.name == native.actor.name


async def test_a_revoked_token_ends_the_connection(node: Node) -> None:
    accounts = node.parts.accounts
    row, secret = await accounts.tokens.issue("admin", "test", "viewer", 60.0)
    url = json.loads(node.folder.credential.read_text())["native"]
    async with connect(url, secret) as client:
        await client.get(LEVEL)
        subscription = await client.subscribe(LEVEL)
        await accounts.tokens.revoke(row.id)
        with pytest.raises(DeniedError, match="revoked"):
            await all_of(subscription)
        with pytest.raises((DeniedError, NotConnectedError)):
            await client.get(LEVEL)


async def test_without_it_clients_go_over_http(tmp_path: Path) -> None:
    async with node_of(tmp_path, "[native]\nenabled = false\n") as node:
        await node.start("127.0.0.1", 0)
        async with connect(data=node.folder.path) as client:
            assert type(client) is RemoteClient


async def test_beyond_this_machine_it_needs_tls(tmp_path: Path) -> None:
    node = node_of(tmp_path, '[native]\nhost = "0.0.0.0"\n')
    with pytest.raises(ConfigurationError, match=r"\[native\] listening on 0.0.0.0 without TLS"):
        await node.start("127.0.0.1", 0)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
async def test_tls_with_the_certificate_that_the_credential_pins(tmp_path: Path) -> None:
    async with node_of(tmp_path, '[web]\ntls = "generate"\n') as node:
        await node.start("127.0.0.1", 0)
        found = json.loads(node.folder.credential.read_text())
        assert found["native"].startswith("tls://")
        async with connect(data=node.folder.path) as client:
            assert isinstance(client, NativeClient)
            assert (await client.get(LEVEL)).tag.path == LEVEL
        with pytest.raises(NotConnectedError, match="certificate"):
            async with connect(found["native"], found["token"]):
                pass


async def run(*arguments: str) -> tuple[int, str]:
    def work() -> tuple[int, str]:
        with redirect_stdout(io.StringIO()) as out:
            return run_cli(list(arguments)), out.getvalue()

    return await asyncio.to_thread(work)


async def test_locks_at_the_console(node: Node) -> None:
    accounts, data = node.parts.accounts, str(node.folder.path)
    await accounts.add_user("olga", "correct horse battery", ["operator"], by="test")
    _, secret = await accounts.tokens.issue("olga", "test", "operator", 60.0)
    async with connect(json.loads(node.folder.credential.read_text())["native"], secret) as olga:
        await olga.lock("mill/plc1", seconds=60)
        assert "mill/plc1  olga:test" in (await run("lock", "list", "--data", data))[1]
        assert await run("lock", "release", "mill/plc1", "--data", data) == (
            0,
            "mill/plc1: no longer locked by olga:test\n",
        )
        assert await run("lock", "list", "--json", "--data", data) == (0, "")
    kept = [(one.actor, one.action) for one in await accounts.audit.entries() if "lock" in one.action]
    assert kept == [("admin:this machine's console", "device.unlock_forced"), ("olga:test", "device.lock")]


async def test_stubs_at_the_console(node: Node, tmp_path: Path) -> None:
    out = tmp_path / "devices.pyi"
    code, text = await run("stubs", "mill/*", "--out", str(out), "--data", str(node.folder.path))
    assert (code, text) == (0, f"{out}: mill/plc1\n")
    assert "class MillPlc1(DeviceProxy):" in out.read_text()
    assert (await run("stubs", "nothing", "--out", str(out), "--data", str(node.folder.path)))[0] == 1
