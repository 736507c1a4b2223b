"""The restore drill: a plant at work is backed up, restored elsewhere, started there, and compared."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.demo import TEMPLATE
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.simulators.placing import with_urls
from sereno.client import iso_time
from sereno.device import Environment
from sereno.sim.waterworks.run import RunningWaterworks, run_waterworks
from sereno_observatory.sequences.book import Book
from tests.observatory.sequences.asked import EPOCH, asked

TAG, FLOW = "river/plc1/chlorine_setpoint", "river/plc1/intake_flow"
PASSWORD = "correct horse battery staple"


@asynccontextmanager
async def node_over(sim: RunningWaterworks, data: Path, plant: Path) -> AsyncIterator[tuple[Node, httpx.AsyncClient]]:
    async with Node(with_urls(load_plant(plant), sim.urls), DataFolder(data), Environment()) as node:
        ready = await node.start("127.0.0.1", 0)
        headers = {"Authorization": f"Bearer {ready.token}"}
        async with httpx.AsyncClient(base_url=ready.url, headers=headers, timeout=60) as client:
            yield node, client


async def sereno(*arguments: str | Path) -> tuple[int, str]:
    def run() -> tuple[int, str]:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run_cli([str(argument) for argument in arguments])
        return code, out.getvalue() or err.getvalue()

    return await asyncio.to_thread(run)


async def history(client: httpx.AsyncClient, tag: str, start: str, end: str) -> dict[str, Any]:
    query = {"tag": tag, "from": start, "to": end}
    series = (await client.get("/api/v1/history", params=query)).raise_for_status().json()["series"][0]
    return {name: series[name] for name in ("t_ns", "value", "quality")}


async def until(client: httpx.AsyncClient, rows: int) -> None:
    for _ in range(2400):
        if len((await history(client, FLOW, "now-1h", "now"))["t_ns"]) >= rows:
            return
        await asyncio.sleep(0.025)
    pytest.fail("no history")


async def write_on(client: httpx.AsyncClient, stop: asyncio.Event) -> int:
    """Set-points, one after the other, as fast as they are read back."""
    count = 0
    while not stop.is_set():
        body = {"value": 0.5 + count % 5 / 10}
        answer = await client.put(f"/api/v1/values/{TAG}", json=body)
        assert answer.json()["state"] == "done", answer.text
        count += 1
    return count


async def test_drill(tmp_path: Path) -> None:
    plant = shutil.copytree(TEMPLATE.parent, tmp_path / "plant")
    data, new, archive = tmp_path / "data", tmp_path / "new", tmp_path / "backup.sereno"
    async with run_waterworks(control_port=None, seed=1) as sim:
        async with node_over(sim, data, plant / "plant.toml") as (node, client):
            await node.parts.accounts.add_user("ann", PASSWORD, ["operator"], by="test")
            signed_in = await node.parts.accounts.sign_in("ann", PASSWORD, "10.0.0.1")
            await until(client, 20)
            report = "daily/daily-2026-10-25T0200+0200.html"
            (data / "reports" / report).write_text("<p>kept</p>", encoding="utf-8")
            stop = asyncio.Event()
            writing = asyncio.create_task(write_on(client, stop))
            before = (await history(client, FLOW, "now-1h", "now"))["t_ns"][-1]
            code, text = await sereno("backup", archive, "--data", data, "--json")
            assert code == 0, text
            facts = json.loads(text)
            assert facts["warnings"] == []
            stop.set()
            assert await writing > 0
            end = iso_time(before // 1000 * 1000) or ""
            kept = {tag: await history(client, tag, "1970-01-01", end) for tag in (FLOW, TAG, "river/plc1/recipe")}
            users = [(u.name, u.roles) for u in await node.parts.accounts.users()]
        assert stat.S_IMODE(archive.stat().st_mode) == 0o600

        code, text = await sereno("restore", archive, "--data", new, "--json")
        assert code == 0, text
        restored = json.loads(text)
        assert restored["audit_whole"] is True
        assert restored["plant"] == str(new / "plant" / "plant.toml")
        assert (await sereno("check", new / "plant"))[0] == 0
        for file in plant.iterdir():
            assert (new / "plant" / file.name).read_bytes() == file.read_bytes()

        for name in ("daily/state.json", report):
            assert (new / "reports" / name).read_bytes() == (data / "reports" / name).read_bytes()
        async with node_over(sim, new, new / "plant" / "plant.toml") as (node, client):
            for tag, series in kept.items():
                again = await history(client, tag, "1970-01-01", end)
                assert again == series, tag
                assert series["t_ns"], tag
            assert [(u.name, u.roles) for u in await node.parts.accounts.users()] == users
            assert await node.parts.accounts.sessions.actor(signed_in.secret) is None, "sessions of then are over"
            assert (await node.parts.accounts.sign_in("ann", PASSWORD, "")).user == "ann"
            faults = (await client.get("/readyz")).json()
            assert faults == {"ready": True, "reasons": [], "warnings": []}
            assert (await client.put(f"/api/v1/values/{TAG}", json={"value": 0.9})).json()["state"] == "done"
            record = (await client.get("/api/v1/audit", params={"action": "restore"})).json()["records"][0]
            assert record["seq"] == facts["records"] + 1
        for folder in (data, new):
            code, text = await sereno("audit", "verify", "--data", folder)
            assert code == 0, text
        assert '"backup"' in (await sereno("audit", "list", "--action", "backup", "--json", "--data", data))[1]


async def made(tmp_path: Path) -> Path:
    """An installation that ran for a moment."""
    async with run_waterworks(control_port=None, seed=1) as sim, node_over(sim, tmp_path / "data", TEMPLATE):
        pass
    return tmp_path / "data"


async def test_an_audit_that_was_cut_stays_cut_in_the_copy(tmp_path: Path) -> None:
    """A backup must not put a fresh anchor under a forged log."""
    data = await made(tmp_path)
    with closing(sqlite3.connect(data / "sereno.db", isolation_level=None)) as other:
        other.execute("DROP TRIGGER audit_no_delete")
        other.execute("DELETE FROM audit WHERE id > 2")
    code, text = await sereno("backup", tmp_path / "b", "--data", data)
    assert code == 0
    assert "warning: the audit is not whole: record 3: " in text
    code, text = await sereno("restore", tmp_path / "b", "--data", tmp_path / "new")
    assert code == 1
    assert "records 3 to" in text


async def test_what_is_said_when_it_cannot_be_done(tmp_path: Path) -> None:
    data = await made(tmp_path)
    code, text = await sereno("backup", tmp_path / "b", "--data", tmp_path / "no")
    assert (code, "no installation" in text) == (1, True), text
    code, text = await sereno("backup", tmp_path / "no" / "b", "--data", data)
    assert (code, "No such file" in text) == (1, True), text
    code, text = await sereno("backup", tmp_path / "b", "--data", data, "--plant", tmp_path / "gone.toml")
    assert (code, "is gone; name it with --plant" in text) == (1, True), text
    code, text = await sereno("backup", tmp_path / "b", "--data", data)
    assert code == 0, text
    code, text = await sereno("backup", tmp_path / "b", "--data", data)
    assert (code, "exists; choose another name" in text) == (1, True), text
    code, text = await sereno("restore", tmp_path / "b", "--data", data)
    assert (code, "is not empty" in text) == (1, True), text
    assert not list(tmp_path.glob(".*")), "nothing lies about"


async def test_a_plant_file_with_faults_does_not_stop_a_backup(tmp_path: Path) -> None:
    plant = shutil.copytree(TEMPLATE.parent, tmp_path / "plant")
    async with (
        run_waterworks(control_port=None, seed=1) as sim,
        node_over(sim, tmp_path / "data", plant / "plant.toml"),
    ):
        pass
    (plant / "plant.toml").write_text("[plant\n")
    code, text = await sereno("backup", tmp_path / "b", "--data", tmp_path / "data")
    assert (code, "the plant file has faults" in text) == (0, True), text
    assert (await sereno("restore", tmp_path / "b", "--data", tmp_path / "new"))[0] == 0
    assert (tmp_path / "new" / "plant" / "river.csv").exists()


async def test_includes_beside_the_plant_keep_their_place(tmp_path: Path) -> None:
    (tmp_path / "site" / "mill").mkdir(parents=True)
    (tmp_path / "site" / "shared").mkdir()
    device = '[[device]]\nname = "a/b"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:1"\n'
    tag = '[[device.tag]]\nname = "x"\naddress = "holding:1"\n'
    (tmp_path / "site" / "shared" / "more.toml").write_text(device + tag)
    (tmp_path / "site" / "mill" / "plant.toml").write_text('[plant]\ninclude = ["../shared/more.toml"]\n')
    data = await made(tmp_path)
    plant = tmp_path / "site" / "mill"
    code, text = await sereno("backup", tmp_path / "b", "--data", data, "--plant", plant)
    assert code == 0, text
    code, text = await sereno("restore", tmp_path / "b", "--data", tmp_path / "new", "--plant", tmp_path / "plants")
    assert code == 0, text
    assert (await sereno("check", tmp_path / "plants" / "mill"))[0] == 0


async def test_what_applications_keep_comes_back(tmp_path: Path) -> None:
    """The book of an observatory, still open with its last entry in the write-ahead log; images only when asked for."""
    data = await made(tmp_path)
    image = data / "nights" / "2026-11-28" / "m31.fits"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"SIMPLE" * 1000)
    book = Book(data / "observatory.db")
    try:
        book.add([asked("M 31")], EPOCH)
        assert (data / "observatory.db-wal").stat().st_size > 0
        code, text = await sereno("backup", tmp_path / "b", "--data", data)
        code_json, text_json = await sereno("backup", tmp_path / "j", "--data", data, "--json")
        code_all, text_all = await sereno("backup", tmp_path / "all", "--data", data, "--with", "nights,moon")
    finally:
        book.close()
    assert (code, code_json, code_all) == (0, 0, 0), text + text_all
    assert "not in the archive: nights (1 files, 0.0 MB)" in text
    assert "to take them too: --with nights\n" in text
    assert json.loads(text_json)["left_out"] == [{"name": "nights", "files": 1, "bytes": 6000}]
    assert "not in the archive" not in text_all
    assert "warning: devices keep nothing that is called 'moon'" in text_all

    for archive, with_images in (("b", False), ("all", True)):
        new = tmp_path / f"new_{archive}"
        code, text = await sereno("restore", tmp_path / archive, "--data", new)
        assert code == 0, text
        assert ("not in the archive: nights" in text) is not with_images
        assert (new / "nights" / "2026-11-28" / "m31.fits").exists() is with_images
        again = Book(new / "observatory.db")
        assert [entry.sequence.name for entry in again.newest()] == ["M 31"]
        again.close()
