"""Alarms of a running node: over REST, the socket, the client of another process, and the command line."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect as connect_socket

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import AlarmState, connect
from sereno.device import Environment
from sereno.model import DeniedError, NotFoundError, RefusedError
from sereno.testing import MemoryPlant
from tests.web.browser.conftest import WATERWORKS, in_memory

LEVEL = "river/plc1/tank_level"
WHO = "admin:this machine's console"
HI, HIHI = f"{LEVEL}.hi", f"{LEVEL}.hihi"


class Running:
    """A node over devices in memory."""

    def __init__(self, node: Node, memory: MemoryPlant, url: str, token: str, data: Path) -> None:
        self.node, self.memory, self.url, self.token, self.data = node, memory, url, token, data
        self.headers = {"Authorization": f"Bearer {token}"}

    def set(self, value: float) -> None:
        self.memory.unit("1", "memory://river/plc1").values["tank_level"] = value

    async def until(self, client: httpx.AsyncClient, alarm: str, state: str, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in range(2400):
            every = (await client.get("/api/v1/alarms")).raise_for_status().json()["alarms"]
            found = next(one for one in every if one["id"] == alarm)
            if found["state"] == state and more.items() <= found.items():
                return found
            await asyncio.sleep(0.025)
        pytest.fail(f"never {state}: {found}")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    memory = MemoryPlant()
    plant = in_memory(load_plant(WATERWORKS), memory)
    data = tmp_path / "data"
    async with Node(plant, DataFolder(data), Environment()) as node:
        ready = await node.start("127.0.0.1", 0)
        yield Running(node, memory, ready.url, ready.token, data)


def test_every_alarm_of_the_demo_says_why_it_comes_and_what_follows() -> None:
    alarms = load_plant(WATERWORKS).alarms
    assert len(alarms) > 60
    assert [a.id for a in alarms if not (a.cause and a.consequence and a.response and a.priority)] == []


async def test_over_rest_and_the_socket(running: Running) -> None:
    await over_the_socket(running)
    async with httpx.AsyncClient(base_url=running.url, headers=running.headers, timeout=60) as client:
        for path, body, status in REFUSED:
            answer = await client.post(f"/api/v1/alarms{path}", json=body)
            assert (answer.status_code, bool(answer.json()["detail"])) == (status, True), (path, body, answer.text)
        came = await running.until(client, HI, "unacknowledged")
        assert (came["active"], came["value"], came["quality"], came["unit"]) == (True, 3.8, "good", "m")
        assert came["response"]
        assert came["priority"] in (1, 2, 3, 4)
        done = await client.post(f"/api/v1/alarms/{HI}/ack", json={"note": "seen"})
        (one,) = done.raise_for_status().json()["alarms"]
        assert (one["state"], one["actor"], one["note"]) == ("acknowledged", WHO, "seen")
        body = {"act": "shelve", "ids": [HI, HIHI], "note": "works", "seconds": 60}
        shelved = (await client.post("/api/v1/alarms", json=body)).raise_for_status().json()["alarms"]
        assert {a["state"] for a in shelved} == {"shelved"}
        assert all(a["shelved_until"] for a in shelved)
        running.set(2.0)
        await running.until(client, HI, "shelved", active=False)
        (await client.post(f"/api/v1/alarms/{HI}/unshelve")).raise_for_status()
        await running.until(client, HI, "normal")
        asked = await client.get("/api/v1/alarms/journal", params={"alarm": HI, "limit": 3})
        page = asked.raise_for_status().json()
        assert len(page["events"]) == 3
        rest = await client.get("/api/v1/alarms/journal", params={"alarm": HI, "before": page["next"]})
        events = [e["event"] for e in page["events"] + rest.json()["events"]]
        assert sorted(events) == ["acknowledged", "cleared", "raised", "shelved", "unshelved"]
        assert rest.json()["next"] is None
        exported = (await client.get("/api/v1/alarms/export", params={"event": "shelved"})).text.splitlines()
        assert exported[0].startswith("seq,t,alarm")
        assert [line.split(",")[2] for line in exported[1:]] == [HIHI, HI]
        lines = (await client.get("/api/v1/alarms/export", params={"format": "jsonl"})).text.splitlines()
        assert len(lines) >= 6


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("/river/plc1/none.hi/ack", {}, 404),
    (f"/{HI}/shelve", {"note": "x"}, 409),
    (f"/{HI}/shelve", {"seconds": 60}, 409),
    (f"/{HI}/out", {}, 409),
    (f"/{HI}/ack", {"nota": "x"}, 422),
    ("", {"act": "forget", "ids": [HI]}, 422),
    ("", {"act": "ack", "ids": []}, 422),
    ("", {"act": "ack", "ids": [HI, "river/none"]}, 404),
]


async def over_the_socket(running: Running) -> None:
    url = running.url.replace("http", "ws") + "/api/v1/live"
    async with connect_socket(url, additional_headers=running.headers) as socket:

        async def told() -> dict[str, Any]:
            async with asyncio.timeout(60):
                return await next_told()

        async def next_told() -> dict[str, Any]:
            while True:
                message = await socket.recv()
                if isinstance(message, str) and (found := json.loads(message))["type"] == "alarms":
                    return found

        await socket.send('{"type": "alarms"}')
        first = await told()
        assert first["whole"]
        running.set(3.8)
        news: list[Any] = []
        while not any(one["id"] == HI and one["state"] == "unacknowledged" for one in news):
            message = await told()
            assert not message["whole"]
            news += message["alarms"]
    for _ in range(3000):
        if running.node.parts.alarms.statistics()["watchers"] == 0:
            break
        await asyncio.sleep(0.02)
    assert running.node.parts.alarms.statistics()["watchers"] == 0, "nobody looks any more"


async def test_from_another_process_and_the_command_line(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    running.set(3.8)
    async with connect(url=running.url, token=running.token) as client:
        watching = client.alarm.watch(client.actor)
        found = {s.spec.id: s for s in await anext(watching)}
        while found[HI].state is not AlarmState.UNACKNOWLEDGED:
            found.update((s.spec.id, s) for s in await anext(watching))
        assert found[HI].spec == next(a for a in running.node.plant.alarms if a.id == HI)
        (done,) = await client.acknowledge(HI, note="seen")
        assert (done.state, done.note) == (AlarmState.ACKNOWLEDGED, "seen")
        await client.shelve(HI, reason="works", seconds=60)
        (back,) = await client.unshelve(HI)
        assert back.state is AlarmState.UNACKNOWLEDGED
        rows = await client.alarm_journal("*tank_level.hi", start="now-1h")
        assert [r.event for r in rows] == ["unshelved", "shelved", "acknowledged", "raised"]
        assert rows[0].actor == WHO
        with pytest.raises(NotFoundError):
            await client.acknowledge("river/none")
        with pytest.raises((RefusedError, DeniedError)):
            await client.shelve(HI, reason="", seconds=60)

    async def run(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(run_cli, ["alarm", *arguments, "--data", str(running.data)])
        return code, capsys.readouterr().out

    code, out = await run("list")
    assert (code, HI in out, "unacknowledged" in out) == (0, True, True)
    code, out = await run("ack", "*tank_level*", "--note", "seen", "--json")
    assert [json.loads(line)["state"] for line in out.splitlines()] == ["acknowledged"]
    assert (await run("ack", "*tank_level*"))[0] == 1
    assert (await run("ack", "river/none"))[0] == 1
    assert (await run("shelve", HI, "--for", "soon", "--reason", "x"))[0] == 2
    code, out = await run("shelve", HI, "--for", "2h", "--reason", "works")
    assert (code, "shelved until" in out) == (0, True)
    assert (await run("unshelve", "*"))[0] == 0
    assert (await run("out", HI, "--reason", "rebuilt"))[0] == 0
    assert (await run("in", HI))[0] == 0
    assert (await run("reset", HI))[0] == 0
    code, out = await run("history", "*tank_level.hi", "--json")
    assert [json.loads(line)["event"] for line in out.splitlines()] == [
        "raised", "acknowledged", "shelved", "unshelved",
        "acknowledged", "shelved", "unshelved", "out_of_service", "in_service",
    ]  # fmt: skip
    code, out = await run("history")
    assert (code, "rebuilt" in out) == (0, True)


async def test_figures_and_the_replay_of_a_change(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    async with httpx.AsyncClient(base_url=running.url, headers=running.headers, timeout=60) as client:
        running.set(2.5)
        await running.until(client, f"{LEVEL}.lo", "normal")
        for value, state in ((3.8, "unacknowledged"), (2.5, "returned")) * 3:
            running.set(value)
            await running.until(client, HI, state)
        found = (await client.get("/api/v1/alarms/figures", params={"from": "now-10min"})).raise_for_status().json()
        assert (found["top"][0]["alarm"], found["top"][0]["count"]) == (HI, 3)
        assert {"alarm": HI, "count": 3} in found["chattering"]
        assert found["priorities"] == {"1": found["annunciated"]}
        assert (await client.get("/api/v1/alarms/figures", params={"from": "now", "to": "now-1h"})).status_code == 409

    async def run(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(run_cli, ["alarm", *arguments, "--data", str(running.data)])
        return code, capsys.readouterr().out

    code, out = await run("figures", "--from", "now-10min", "--json")
    assert json.loads(out)["top"][0]["count"] == 3
    code, out = await run("figures", "--from", "now-10min")
    assert (code, "chattering" in out, HI in out) == (0, True, True)
    code, out = await run("report", "--from", "now-10min")
    assert (code, out.startswith("# Alarms of "), f"| {HI} | 3 | 100 % |" in out) == (0, True, True)
    assert "| alarms that chatter | 1 | none | **no** |" in out
    folder = running.data.parent / "plant"
    shutil.copytree(WATERWORKS.parent, folder)
    text = (folder / "river.csv").read_text(encoding="utf-8")
    assert text.count(",3.7,3.9,") == 1
    (folder / "river.csv").write_text(text.replace(",3.7,3.9,", ",3.85,3.9,"), encoding="utf-8")
    plant = str(folder / "plant.toml")
    code, out = await run("replay", plant, "--from", "now-10min", "--json")
    replayed = json.loads(out)
    (row,) = [one for one in replayed["alarms"] if one["alarm"] == HI]
    assert row == {"alarm": HI, "now": 3, "then": 0, "difference": -3}
    assert (replayed["difference"], replayed["missing_tags"]) == (-3, [])
    code, out = await run("replay", plant, "--from", "now-10min")
    assert (code, "-3" in out) == (0, True)
    assert (await run("replay", plant, "--from", "now-10d", "--to", "now-9d"))[0] == 1
