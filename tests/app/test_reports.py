"""Reports of a running node: by mail to a server of another make, over REST, from the command line, with an apply."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import RemoteClient, connect
from sereno.device import Environment
from sereno.store.audit import AuditLog, AuditQuery

PLANT = """
[plant]
name = "Works <1> & co"
timezone = "Europe/Madrid"
[notices.way.mail]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
sender = "scada@works.example"
[notices.person.olga]
mail = "olga@works.example"
[[device]]
name = "lab/plc"
driver = "modbus"
url = "tcp://127.0.0.1:1"
tag = [{{ name = "x", address = "holding:0", type = "int16", description = "=cmd()" }}]
[[report]]
name = "daily"
title = "Día <b> & noche"
tags = ["lab/*", "sereno/node/history"]
show = ["last", "time_mean", "states"]
plot = true
alarms = true
logbook = true
by = "mail"
to = "olga"
"""


class Mailbox:
    """A mail server that keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.come = asyncio.Event()
        self.port = 0
        self.refuses = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuses:
            return "451 later"
        self.taken.append(message_from_bytes(envelope.content, policy=default))
        self.come.set()
        return "250 taken"


@asynccontextmanager
async def site(folder: Path, require_package: Callable[..., Any]) -> AsyncIterator[tuple[Mailbox, Node, RemoteClient]]:
    require_package("aiosmtpd", "aiosmtpd")
    from aiosmtpd.smtp import SMTP

    box, loop = Mailbox(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    (folder / "plant.toml").write_text(PLANT.format(port=box.port), encoding="utf-8")
    async with server, Node(load_plant(folder / "plant.toml"), DataFolder(folder / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        async with connect(data=folder / "data") as client:
            assert isinstance(client, RemoteClient)
            yield box, node, client


async def test_a_report_by_mail_by_rest_and_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], require_package: Callable[..., Any]
) -> None:
    async with site(tmp_path, require_package) as (box, node, client):

        async def run(*arguments: str) -> tuple[int, str]:
            code = await asyncio.to_thread(run_cli, ["report", *arguments, "--data", str(tmp_path / "data")])
            return code, capsys.readouterr().out

        assert (await run("list"))[0] == 0
        code, out = await run("run", "daily", "--period", "now", "--to", str(tmp_path / "here"), "--send", "--json")
        made = json.loads(out)
        assert (code, made["state"], len(made["written"])) == (0, "made", 4)
        html, sheet = (Path(name).read_text("utf-8") for name in made["written"][:2])
        async with asyncio.timeout(60):
            await box.come.wait()
        the_mail_is_whole(box.taken[0], html, sheet)
        await over_rest(client, made, html)
        code, out = await run("show", "daily")
        assert (code, "taken by 127.0.0.1" in out) == (0, True)
        assert (await run("run", "daily", "--period", "soon"))[0] == 2
        assert (await run("run", "nightly"))[0] == 1
        audit = AuditLog(node.parts.store, node.parts.clock)
        (entry,) = [one async for one in audit.all(AuditQuery(action="report.order"))]
        assert (entry.target, entry.actor) == (f"daily {made['key']}", "admin:this machine's console")


def the_mail_is_whole(mail: Any, html: str, sheet: str) -> None:
    assert (mail["to"], mail["auto-submitted"]) == ("olga@works.example", "auto-generated")
    assert mail["subject"].startswith("Works <1> & co: Día <b> & noche, ")
    files = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
    assert [name.partition("-made-")[2][15:] for name in files] == [".html", ".csv", "-alarms.csv", "-logbook.csv"]
    assert next(iter(files.values())).strip() == html.strip()
    assert mail.get_body(("html",)).get_content().replace("\r\n", "\n").strip() == html.strip()
    assert "The report is attached" in mail.get_body(("plain",)).get_content()
    tree = ET.fromstring(html.removeprefix("<!DOCTYPE html>\n"))
    assert not [element for element in tree.iter() if element.tag.endswith("script")]
    assert [element.text for element in tree.iter("h1")] == ["Día <b> & noche"]
    mailed = next(text for name, text in files.items() if name.endswith(files_of_tags(files)))
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert list(csv.DictReader(io.StringIO(mailed))) == rows
    assert [row["tag"] for row in rows] == ["lab/plc/x", "sereno/node/history"]
    assert (rows[0]["description"], rows[0]["last"], float(rows[0]["not_known"])) == ("'=cmd()", "", 1.0)


def files_of_tags(files: dict[str, str]) -> str:
    return min((name for name in files if name.endswith(".csv")), key=len)


async def over_rest(client: RemoteClient, made: dict[str, Any], html: str) -> None:
    http: httpx.AsyncClient = client.node.http._pool
    page = await http.get(f"/api/v1/reports/daily/files/{made['files'][0]}")
    assert page.text == html
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; sandbox; style-src 'sha256-")
    assert "unsafe" not in policy
    sheet = await http.get(f"/api/v1/reports/daily/files/{made['files'][1]}")
    assert sheet.headers["content-disposition"].startswith("attachment")
    assert (await http.get("/api/v1/reports/daily/files/state.json")).status_code == 404
    assert (await http.post("/api/v1/reports/daily/runs", json={"period": "2026-99"})).status_code == 422
    (status,) = await client.reports.reports(client.actor)
    assert (status.period, status.last and status.last.key) == ("day", made["key"])
    gone = await http.delete(f"/api/v1/reports/daily/runs/{made['key']}")
    assert gone.status_code == 409


async def test_a_mail_that_does_not_go_is_an_alarm(tmp_path: Path, require_package: Callable[..., Any]) -> None:
    async with site(tmp_path, require_package) as (box, node, client):
        box.refuses = True
        from sereno.client import ReportOrder

        await client.reports.order(ReportOrder(report="daily", send=True), client.actor)
        for _ in range(1200):
            states = {alarm: str(state) for alarm, state, _ in node.parts.alarms.standing()}
            if states["sereno/node/notices_failing"] == "unacknowledged":
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("a way that fails is an alarm")
        (run,) = await client.reports.runs("daily", client.actor)
        assert (run.deliveries[0].state, "451" in run.deliveries[0].outcome) == ("waiting", True)
        await client.reports.cancel("daily", run.key, client.actor)
        (run,) = await client.reports.runs("daily", client.actor)
        assert run.deliveries[0].state == "cancelled"


async def test_another_report_is_applied_while_the_node_runs(
    tmp_path: Path, require_package: Callable[..., Any]
) -> None:
    async with site(tmp_path, require_package) as (_, _, client):
        path, port = tmp_path / "plant.toml", client.configuration
        text = path.read_text("utf-8").replace("plot = true", 'plot = true\nat = "06:30"')
        path.write_text(text + '[[report]]\nname = "weekly"\nperiod = "week"\nalarms = true\n', "utf-8")
        plan = await port.plan(client.actor)
        told = [(one.kind, one.name, one.change, str(one.effect)) for one in plan.changes]
        assert told == [("report", "daily", "changed", "live"), ("report", "weekly", "added", "live")]
        (field,) = plan.changes[0].fields
        assert (field.field, field.old, field.new) == ("at", "", "06:30")
        await port.apply(client.actor, token=plan.token)
        found = await client.reports.reports(client.actor)
        assert [(one.name, one.at) for one in found] == [("daily", "06:30"), ("weekly", "")]
