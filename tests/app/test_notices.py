"""Notices and logbook of a running node: over REST, by the link in a mail, from the command line, over kill -9."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import AlarmState, EntryKind, LogQuery, RosterSwap, connect, connect_sync
from sereno.device import Environment
from sereno.model import NotFoundError, OperationError, SerenoError, SystemClock
from sereno.store.audit import AuditLog, AuditQuery

ALARM = "lab/silent"
PASSWORD = "correct horse battery"
PLANT = """
[history]
enabled = false
[notices]
url = "{url}"
[notices.way.mail]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
sender = "scada@works.example"
[notices.way.horn]
kind = "command"
command = ["{python}", "-c", "raise SystemExit(1)"]
[notices.person.olga]
mail = "olga@works.example"
[notices.person.eva]
mail = "eva@works.example"
[notices.roster.operators]
shift = [{{ people = ["olga", "eva"], turn = "day", since = 2026-01-01 }}]
[[notices.pipeline]]
name = "urgent"
priority = 1
group = 0
step = {{ to = "olga", by = "mail" }}
[[alarm]]
name = "lab/silent"
kind = "stale"
tag = "lab/plc/x"
priority = 1
response = "Look at the cable"
[[device]]
name = "lab/plc"
driver = "modbus"
url = "tcp://127.0.0.1:1"
stale_after = "100ms"
tag = [{{ name = "x", address = "holding:0", type = "int16" }}]
"""


class Mailbox:
    """A mail server of another make; it takes mail, or hangs after the last byte of it."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.hangs = False
        self.come = asyncio.Event()
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(message_from_bytes(envelope.content, policy=default))
        self.come.set()
        if self.hangs:
            await asyncio.sleep(3600)
        return "250 taken"

    async def next(self) -> Any:
        async with asyncio.timeout(60):
            await self.come.wait()
        self.come.clear()
        return self.taken[-1]


@asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    from aiosmtpd.smtp import SMTP

    box, loop = Mailbox(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    async with server:
        yield box


@pytest.fixture(autouse=True)
def _server(require_package: Callable[..., Any]) -> None:
    require_package("aiosmtpd", "aiosmtpd")


def plant_file(folder: Path, box: Mailbox, url: str = "") -> Path:
    path = folder / "plant.toml"
    path.write_text(PLANT.format(port=box.port, python=sys.executable, url=url), encoding="utf-8")
    return path


@asynccontextmanager
async def running(folder: Path, box: Mailbox) -> AsyncIterator[tuple[Node, httpx.AsyncClient]]:
    async with Node(load_plant(plant_file(folder, box)), DataFolder(folder / "data"), Environment()) as node:
        ready = await node.start("127.0.0.1", 0)
        await node.parts.accounts.add_user("olga", PASSWORD, ["operator"], by="test")
        headers = {"Authorization": f"Bearer {ready.token}"}
        async with httpx.AsyncClient(base_url=ready.url, headers=headers, timeout=60) as client:
            yield node, client


async def test_a_mail_its_link_and_what_is_on_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with mailbox() as box, running(tmp_path, box) as (node, client):
        mail = await box.next()
        assert mail["to"] == "olga@works.example"
        text = mail.get_content()
        assert "Look at the cable" in text
        link = next(line for line in text.splitlines() if "/notice/" in line).strip()
        assert link.startswith(str(client.base_url))
        async with httpx.AsyncClient(timeout=60) as stranger:
            page = await stranger.get(link, headers={"accept": "text/html"})
            assert (page.status_code, ALARM in page.text, "olga" in page.text) == (200, True, True)
            assert page.headers["referrer-policy"] == "same-origin"
            assert await state(node) is AlarmState.UNACKNOWLEDGED
            forged = await stranger.post(link, data={"note": "x"}, headers={"origin": "https://evil.example"})
            assert forged.status_code == 403
            own = {"origin": str(client.base_url).rstrip("/")}
            done = await stranger.post(link, data={"note": "on my way"}, headers=own)
            assert done.status_code == 200
            assert await state(node) is AlarmState.ACKNOWLEDGED
            assert (await stranger.post(link, data={}, headers=own)).status_code == 409
            assert (await stranger.get(link[:-1])).status_code == 404
        audit = AuditLog(node.parts.store, node.parts.clock)
        (entry,) = [e async for e in audit.all(AuditQuery(action="alarm.acknowledged"))]
        assert (entry.actor, entry.comment) == ("olga", "on my way")
        assert entry.origin.startswith("link of notice 1, ")
        await over_rest(client)
        await asyncio.to_thread(without_async, str(client.base_url), client.headers["authorization"].split()[1])
        await from_the_command_line(tmp_path, capsys, box)


def without_async(url: str, token: str) -> None:
    """Notices by the blocking client."""
    with connect_sync(url, token) as client:
        notices, now = client.notices, SystemClock().wall_ns()
        assert [way["name"] for way in notices.overview()["ways"]] == ["mail", "horn"]
        (sent,) = [one for one in notices.sent(limit=10) if one.alarms == (ALARM,)]
        assert (sent.person, sent.way, sent.state) == ("olga", "mail", "sent")
        assert notices.sent(before=sent.id) == []
        days = notices.duty(now, now + 3 * 86400 * 10**9)
        assert {person for day in days for person in day.people} == {"olga", "eva"}
        with pytest.raises(OperationError, match="ended with 1"):
            notices.test("horn", "")
        later = now + 30 * 86400 * 10**9
        (before,) = notices.duty(later, later + 10**9)
        takes = {"olga": "eva", "eva": "olga"}[before.people[0]]
        change = RosterSwap(roster="operators", start=later, end=later + 10**9, leaves=before.people[0], takes=takes)
        assert notices.swap(change) > 0
        assert notices.duty(later, later + 10**9)[0].people == (takes,)
        with pytest.raises(NotFoundError):
            notices.swap(RosterSwap(roster="none", start=later, end=later + 10**9, takes="eva"))


async def state(node: Node) -> AlarmState:
    return next(state for alarm, state, _ in node.parts.alarms.standing() if alarm == ALARM)


async def over_rest(client: httpx.AsyncClient) -> None:
    (sent,) = (await client.get("/api/v1/notices/sent")).raise_for_status().json()["sent"]
    assert (sent["person"], sent["way"], sent["state"], sent["alarms"]) == ("olga", "mail", "sent", [ALARM])
    assert sent["acknowledged"]
    found = (await client.get("/api/v1/notices")).raise_for_status().json()
    assert [way["name"] for way in found["ways"]] == ["mail", "horn"]
    assert "works.example" not in json.dumps(found), "addresses of people are nobody's business"
    failed = await client.post("/api/v1/notices/test", json={"way": "horn"})
    assert (failed.status_code, "ended with 1" in failed.json()["detail"]) == (409, True)
    for _ in range(1200):
        alarms = (await client.get("/api/v1/alarms")).raise_for_status().json()["alarms"]
        if next(a for a in alarms if a["id"] == "sereno/node/notices_failing")["state"] == "unacknowledged":
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("a way that fails is an alarm")
    assert (await client.get("/api/v1/notices/duty", params={"from": "soon"})).status_code == 422
    assert (
        await client.post("/api/v1/notices/swap", json={"roster": "none", "start": "now", "end": "now+1h"})
    ).status_code == 404


async def from_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str], box: Mailbox) -> None:
    async def run(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(run_cli, [*arguments, "--data", str(folder / "data")])
        return code, capsys.readouterr().out

    code, out = await run("notice", "list")
    assert (code, "olga" in out, "acknowledged by its link" in out) == (0, True, True)
    code, out = await run("notice", "list", "--json")
    assert json.loads(out.splitlines()[0])["pipeline"] == "urgent"
    code, out = await run("notice", "test", "mail", "--to", "eva")
    assert (code, out) == (0, "taken by 127.0.0.1\n")
    assert box.taken[-1]["to"] == "eva@works.example"
    assert (await run("notice", "test", "pigeon"))[0] == 1
    code, out = await run("notice", "status")
    assert (code, "ended with 1" in out) == (1, True)
    code, out = await run("notice", "roster", "--to", "now+3d", "--json")
    times = [json.loads(line) for line in out.splitlines()]
    assert len(times) in (3, 4)
    assert {p for t in times for p in t["people"]} == {"olga", "eva"}
    here = times[0]["people"][0]
    other = {"olga": "eva", "eva": "olga"}[here]
    code, out = await run(
        "notice", "swap", "operators", "--from", "now", "--to", "now+1min", "--out", here, "--in", other
    )
    assert code == 0
    code, out = await run("notice", "roster", "--to", "now+30s")
    assert (code, other in out) == (0, True)
    assert (await run("notice", "roster", "--to", "soon"))[0] == 2


def logbook_without_async(url: str, token: str) -> None:
    """By the blocking client, as olga."""
    with connect_sync(url, token) as client:
        logbook = client.logbook
        entry = logbook.write("valve 7 is stiff", subject=ALARM)
        assert (entry.id, entry.actor, entry.subject) == (6, "olga:t", ALARM)
        assert logbook.correct(6, "valve 8").kind is EntryKind.CORRECTION
        assert logbook.hand_over("all quiet").facts
        with pytest.raises(SerenoError):
            logbook.take_over(8, "")
        assert [one.id for one in logbook.entries(LogQuery(subject=ALARM, text="valve 7"))] == [6]
        assert [one.id for one in logbook.entries()][:3] == [8, 7, 6]


async def test_the_logbook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with mailbox() as box, running(tmp_path, box) as (node, client):
        await box.next()

        async def run(*arguments: str) -> tuple[int, str]:
            code = await asyncio.to_thread(run_cli, ["logbook", *arguments, "--data", str(tmp_path / "data")])
            return code, capsys.readouterr().out

        assert (await run("add", "pump 2 sounds rough"))[0] == 0
        assert (await run("add", "cable is old", "--about", ALARM))[0] == 0
        assert (await run("correct", "1", "pump 3 sounds rough"))[0] == 0
        _, out = await run("hand-over", "quiet night", "--json")
        handed = json.loads(out)
        assert (handed["id"], handed["kind"]) == (4, "hand_over")
        assert {"alarm": ALARM, "state": "unacknowledged", "priority": 1} in handed["facts"]["alarms"]
        assert (await run("take-over", "4"))[0] == 1, "who hands over does not take over"
        token = await node.parts.accounts.tokens.issue("olga", "t", "operator", 60.0, by="test", origin="test")
        async with connect(url=str(client.base_url), token=token[1]) as olga:
            taken = await olga.logbook.take_over(4, "", olga.actor)
            assert (taken.actor, taken.refers) == ("olga:t", 4)
        _, out = await run("list")
        lines = [line for line in out.splitlines() if line[0] != " "]
        assert [line.split("  ")[0] for line in lines] == ["1", "2", "3", "4", "5"]
        assert "correction of 1" in out
        _, out = await run("list", "--about", ALARM, "--json")
        assert [json.loads(line)["text"] for line in out.splitlines()] == ["cable is old"]
        await asyncio.to_thread(logbook_without_async, str(client.base_url), token[1])
        page = (await client.get("/api/v1/logbook", params={"limit": 2})).raise_for_status().json()
        assert ([e["id"] for e in page["entries"]], page["next"]) == ([8, 7], 7)
        wrong = await client.post("/api/v1/logbook", json={"kind": "correction", "text": "x"})
        assert wrong.status_code == 422


def started(folder: Path) -> subprocess.Popen[bytes]:
    command = [
        "-m",
        "sereno",
        "run",
        str(folder / "plant.toml"),
        "--port",
        "0",
        "--data",
        str(folder / "data"),
        "--json",
    ]
    return subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def test_kill_9_while_a_mail_goes_out(tmp_path: Path) -> None:
    """The server has taken it, the node never heard so: it comes again, says so, and has the same number."""
    async with mailbox() as box:
        plant_file(tmp_path, box)
        box.hangs = True
        node = started(tmp_path)
        try:
            first = await box.next()
        finally:
            node.send_signal(signal.SIGKILL)
            await asyncio.to_thread(node.wait)
        box.hangs = False
        (tmp_path / "data" / "credential.json").unlink(missing_ok=True)
        node = started(tmp_path)
        try:
            second = await box.next()
            assert second["message-id"] == first["message-id"]
            assert "may have reached you before" in second.get_content()
            assert "may have reached" not in first.get_content()
            async with asyncio.timeout(60), connected(tmp_path) as client:
                while (await client.notices.sent(client.actor))[0].state != "sent":
                    await asyncio.sleep(0.05)
                assert [s.attempts for s in await client.notices.sent(client.actor)] == [2]
        finally:
            os.kill(node.pid, signal.SIGTERM)
            await asyncio.to_thread(node.wait)
        assert len(box.taken) == 2


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[Any]:
    while not (folder / "data" / "credential.json").exists():
        await asyncio.sleep(0.05)
    async with connect(data=folder / "data") as client:
        yield client
