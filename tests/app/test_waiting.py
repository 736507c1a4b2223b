"""Commands that wait for people, from outside of a real node: REST, the client in both kinds, the command line."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import WaitsFor, connect, connect_sync
from sereno.device import Environment
from sereno.model import AckState, DeniedError, NotFoundError, RefusedError, Say
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory

PASSWORD = "correct horse battery staple"
TAGS = {
    "flow": "{ select = true }",
    "dose": "{ approval = true }",
    "recipe": '{ sign = ["released", "trial"] }',
    "limit": "{ select = true, approval = true }",
    "batch": '{ approval = true, sign = "released" }',
}
FLOW, DOSE, RECIPE, LIMIT, BATCH = (f"mill/plc1/{name}" for name in TAGS)
DEVICE = '[[device]]\nname = "mill/plc1"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:{port}"\nscan = "50ms"\n'
TAG = """
[[device.tag]]
name = "{name}"
type = "uint16"
address = "holding:{at}"
access = "read_write"
setpoint = {how}
"""


@dataclass
class Mill:
    node: Node
    url: str
    data: Path
    memory: RegisterMemory
    tokens: dict[str, str]

    def held(self, tag: str) -> int:
        return int(self.memory.registers("holding")[list(TAGS).index(tag.rpartition("/")[2])])

    def rest(self, who: str) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.tokens[who]}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60)

    def client(self, who: str) -> Any:
        return connect(self.url, self.tokens[who])

    async def cli(self, *arguments: str, who: str = "") -> tuple[int, str]:
        """A command line in a thread, there being no terminal."""
        address = ["--url", self.url, "--token", self.tokens[who]] if who else ["--data", str(self.data)]
        out = io.StringIO()

        def run() -> int:
            with redirect_stdout(out), redirect_stderr(out):
                return run_cli([*arguments, *address])

        return await asyncio.to_thread(run), out.getvalue()

    async def beside(self, *arguments: str, who: str = "") -> tuple[asyncio.subprocess.Process, str]:
        """The same as a process of its own, when it has said its first line."""
        address = ["--url", self.url, "--token", self.tokens[who]] if who else ["--data", str(self.data)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sereno", *arguments, *address,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        return process, (await process.stdout.readline()).decode()

    async def waits(self, rest: httpx.AsyncClient, target: str) -> dict[str, Any]:
        for _ in range(3000):
            for one in (await rest.get("/api/v1/commands")).raise_for_status().json()["commands"]:
                if one["target"] == target:
                    found: dict[str, Any] = one
                    return found
            await asyncio.sleep(0.02)
        pytest.fail(f"nothing waits for {target}")


@pytest.fixture
async def server() -> AsyncIterator[ModbusServer]:
    server = ModbusServer({1: RegisterMemory(words=8, bits=8)})
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def mill(tmp_path: Path, server: ModbusServer) -> AsyncIterator[Mill]:
    tags = "".join(TAG.format(name=name, at=at, how=how) for at, (name, how) in enumerate(TAGS.items()))
    (tmp_path / "plant.toml").write_text(DEVICE.format(port=server.port) + tags)
    folder = DataFolder(tmp_path / "data")
    async with Node(load_plant(tmp_path / "plant.toml"), folder, Environment()) as node:
        ready = await node.start("127.0.0.1", 0)
        accounts, tokens = node.parts.accounts, {}
        for who, role in (("olga", "operator"), ("eva", "engineer")):
            await accounts.add_user(who, PASSWORD, [role], by="test")
            tokens[who] = (await accounts.tokens.issue(who, "script", role, 3600.0))[1]
        mill = Mill(node, ready.url, tmp_path / "data", server.units[1], tokens)
        async with mill.client("olga") as client:
            while (await client.get(LIMIT)).value is None:
                await asyncio.sleep(0.02)
        yield mill


async def test_rest_from_selection_to_done(mill: Mill) -> None:
    async with mill.rest("olga") as olga, mill.rest("eva") as eva:
        body = {"target": LIMIT, "value": 7, "key": "limit-0001", "comment": "trial", "expected": 0}
        answer = await olga.post("/api/v1/commands", json=body)
        told = answer.json()
        assert (answer.status_code, told["state"]) == (202, "selected")
        waiting = told["waiting"]
        assert (waiting["waits_for"], waiting["old"], waiting["value"], waiting["comment"]) == (
            "approval",
            0,
            7,
            "trial",
        )
        assert waiting["may"] == ["cancel"]
        early = await olga.post("/api/v1/commands/limit-0001/execute", json={})
        assert (early.status_code, "second person" in early.json()["detail"]) == (409, True)
        assert (await olga.post("/api/v1/commands/limit-0001/approve", json={})).status_code == 403
        assert (await eva.post("/api/v1/commands/nothing-here/approve", json={})).status_code == 404
        approved = await eva.post("/api/v1/commands/limit-0001/approve", json={"comment": "seen"})
        assert approved.status_code == 202
        assert mill.held(LIMIT) == 0
        assert (await mill.waits(olga, LIMIT))["approved_by"] == "eva:script"
        assert (await olga.post("/api/v1/commands/limit-0001/execute", json={})).status_code == 202
        for _ in range(3000):
            found = (await olga.get("/api/v1/commands/limit-0001")).json()
            if found["state"] == "done":
                break
            await asyncio.sleep(0.02)
        assert (found["state"], mill.held(LIMIT)) == ("done", 7)
        assert (await olga.get("/api/v1/commands")).json() == {"commands": []}


async def test_put_says_that_it_waits_and_what_is_wrong_is_told(mill: Mill) -> None:
    async with mill.rest("olga") as olga, mill.rest("eva") as eva:
        answer = await olga.put(f"/api/v1/values/{DOSE}", json={"value": 3, "key": "dose-0001"})
        assert (answer.status_code, answer.json()["state"]) == (202, "selected")
        assert (await eva.post("/api/v1/commands/dose-0001/decline", json={})).status_code == 422
        declined = await eva.post("/api/v1/commands/dose-0001/decline", json={"reason": "not today"})
        assert declined.status_code == 202
        found = (await olga.get("/api/v1/commands/dose-0001")).json()
        assert (found["state"], found["reason"]) == ("refused", "declined by eva:script: not today")
        wrong = await olga.post("/api/v1/commands/dose-0001/execute", json={"passwort": "x"})
        assert wrong.status_code == 422
        assert "x" not in [e.get("input") for e in wrong.json()["errors"]]


async def test_only_a_person_signs_and_the_record_says_what_it_means(mill: Mill) -> None:
    async with mill.rest("olga") as script, httpx.AsyncClient(base_url=mill.url, timeout=60) as page:
        form = {"user": "olga", "password": PASSWORD}
        assert (await page.post("/sign-in", data=form, headers={"origin": mill.url})).status_code == 303
        key = (await script.post("/api/v1/commands", json={"target": RECIPE, "value": 4})).json()["key"]
        url, signed = f"/api/v1/commands/{key}/execute", {"password": PASSWORD, "meaning": "released"}
        assert (await script.post(url, json=signed)).status_code == 403
        for body, status in (({}, 409), ({**signed, "password": "wrong"}, 403), ({**signed, "meaning": "ok"}, 409)):
            refused = await page.post(url, json=body, headers={"origin": mill.url})
            assert refused.status_code == status, refused.text
        assert mill.held(RECIPE) == 0
        assert (await page.post(url, json=signed, headers={"origin": mill.url})).status_code == 202
        async with mill.client("olga") as client:
            while not (acks := await client.acks(key))[-1].state.final:
                await asyncio.sleep(0.02)
        assert (acks[-1].state, mill.held(RECIPE)) == (AckState.DONE, 4)
    records = await mill.node.parts.accounts.audit.entries()
    execute = next(r for r in records if r.action == "command.execute")
    assert (execute.actor, execute.command, execute.old, execute.new["value"]) == ("olga", key, 0, 4)
    assert (execute.new["signature"]["name"], execute.new["signature"]["meaning"]) == ("olga", "released")
    assert [r.outcome for r in records if r.action == "command.sign"] == ["refused"]
    assert PASSWORD not in repr(records)


async def test_a_person_signs_on_the_command_line(mill: Mill, tmp_path: Path) -> None:
    secret, wrong = tmp_path / "secret", tmp_path / "wrong"
    secret.write_text(PASSWORD + "\n")
    wrong.write_text("something else here\n")
    async with mill.client("olga") as olga:
        key = (await olga.select(RECIPE, 6)).key
        signed = ("command", "sign", RECIPE, "--meaning", "trial", "--password-file")
        for arguments, who, code, said in (
            ((*signed, str(wrong)), "olga", 4, "user or password is wrong"),
            ((*signed, str(secret)), "eva", 4, "eva may not sign"),
            ((*signed[:3], "--password-file", str(secret)), "olga", 1, "means released or trial"),
            (signed[:-1], "olga", 1, "on a terminal only"),
            ((*signed, str(secret)), "olga", 0, "0 -> 6, by olga:script: execute, signed by olga as 'trial'"),
        ):
            found, out = await mill.cli(*arguments, who=who)
            assert (found, said in out) == (code, True), out
        while not (acks := await olga.acks(key))[-1].state.final:
            await asyncio.sleep(0.02)
        assert (acks[-1].state, mill.held(RECIPE)) == (AckState.DONE, 6)
        key = (await olga.select(BATCH, 7)).key
        more = ("--as", "eva", "--comment", "seen", "--password-file", str(secret), "--json")
        code, out = await mill.cli("command", "sign", key[:8], *more, who="olga")
        assert (code, json.loads(out)["act"], json.loads(out)["by"]) == (0, "approve", "eva"), out
        code, out = await mill.cli("command", "sign", key[:8], *more[:1], "olga", *more[2:], who="olga")
        assert (code, json.loads(out)["act"]) == (0, "execute"), out
    records = await mill.node.parts.accounts.audit.entries()
    meanings = [
        (r.actor, r.new["signature"]["meaning"]) for r in records if isinstance(r.new, dict) and "signature" in r.new
    ]
    assert sorted(meanings) == [("eva", "released"), ("olga", "released"), ("olga", "trial")]
    assert await mill.node.parts.accounts.sessions.all() == []


async def test_the_client_follows_through(mill: Mill) -> None:
    async with mill.client("olga") as olga, mill.client("eva") as eva:
        done = await olga.write(FLOW, 5)
        assert (done.state, mill.held(FLOW)) == (AckState.DONE, 5)
        selected = await olga.select(FLOW, 6)
        assert selected.state is AckState.SELECTED
        (one,) = await olga.waiting()
        assert (one.key, one.waits_for, one.may) == (selected.key, WaitsFor.EXECUTION, (Say.EXECUTE, Say.CANCEL))
        with pytest.raises(DeniedError, match="only olga:script may execute"):
            await eva.execute(one.key)
        await olga.cancel(one.key)
        with pytest.raises(NotFoundError):
            await olga.execute(one.key)
        both = asyncio.create_task(olga.write(LIMIT, 8, comment="trial"))
        async with mill.rest("eva") as rest:
            key = (await mill.waits(rest, LIMIT))["key"]
        with pytest.raises(RefusedError, match="say why"):
            await eva.decline(key, reason=" ")
        await eva.approve(key)
        assert ((await both).state, mill.held(LIMIT)) == (AckState.DONE, 8)


async def test_the_same_without_async(mill: Mill) -> None:
    def work() -> None:
        with connect_sync(mill.url, mill.tokens["olga"]) as olga, connect_sync(mill.url, mill.tokens["eva"]) as eva:
            first = olga.select(LIMIT, 2)
            eva.approve(first.key, comment="ok")
            olga.execute(first.key)
            while not olga.acks(first.key)[-1].state.final:
                pass
            assert olga.select(DOSE, 3).state is AckState.SELECTED
            (one,) = eva.waiting()
            eva.decline(one.key, reason="no")
            second = olga.future("select", DOSE, 4).result()
            olga.cancel(second.key)
            assert olga.waiting() == []

    await asyncio.to_thread(work)
    assert (mill.held(LIMIT), mill.held(DOSE)) == (2, 0)


async def test_the_command_line(mill: Mill) -> None:
    code, out = await mill.cli("put", FLOW, "9", who="olga")
    assert (code, mill.held(FLOW)) == (0, 9), out
    assert "done, reads back 9" in out
    putting, said = await mill.beside("put", DOSE, "3", "--comment", "trial", who="olga")
    assert "waits for the approval of a second person until" in said
    code, out = await mill.cli("command", "list", "--json", who="eva")
    assert (code, json.loads(out)["target"], json.loads(out)["may"]) == (0, DOSE, ["approve", "decline"])
    assert (await mill.cli("command", "approve", DOSE, who="olga"))[0] == 4
    assert (await mill.cli("command", "approve", "mill/plc1/nothing", who="eva"))[0] == 1
    code, out = await mill.cli("command", "approve", DOSE, who="eva")
    assert (code, out.strip()) == (0, f"{DOSE}: 0 -> 3, by olga:script (trial): approve")
    out = (await putting.communicate())[0].decode()
    assert (putting.returncode, mill.held(DOSE), "0 -> 3: done" in out) == (0, 3, True)
    putting, said = await mill.beside("put", RECIPE, "3")
    assert "waits for signature (released, trial) and execution by admin:" in said
    async with mill.rest("eva") as rest:
        key = (await mill.waits(rest, RECIPE))["key"]
    assert RECIPE in (await mill.cli("command", "list"))[1]
    assert (await mill.cli("command", "execute", key[:8]))[0] == 4, "a token does not sign"
    assert (await mill.cli("command", "decline", key[:8], "--reason", "no", who="eva"))[0] == 0
    out = (await putting.communicate())[0].decode()
    assert (putting.returncode, "refused: declined by eva:script: no" in out) == (1, True)
    assert "waits for     execution (30 s), a second person (600 s)" in (await mill.cli("info", LIMIT))[1]
