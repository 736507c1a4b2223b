"""What a node puts on record by itself, and what it does when nothing can be put on record any more."""

from __future__ import annotations

import asyncio
import io
import json
import platform
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.demo import TEMPLATE
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.simulators.placing import with_urls
from sereno.device import Environment
from sereno.historian.retention import Removed
from sereno.sim.waterworks.run import RunningWaterworks, run_waterworks
from sereno.store.audit import AuditLog, AuditQuery, AuditRecord
from sereno.store.engine import Store
from sereno.store.reserve import Reserve
from sereno.testing import JumpingClock

TAG = "river/plc1/chlorine_setpoint"


@asynccontextmanager
async def node_over(sim: RunningWaterworks, data: Path, plant: Path = TEMPLATE) -> AsyncIterator[tuple[Node, Any]]:
    async with Node(with_urls(load_plant(plant), sim.urls), DataFolder(data), Environment()) as node:
        ready = await node.start("127.0.0.1", 0)
        headers = {"Authorization": f"Bearer {ready.token}"}
        async with httpx.AsyncClient(base_url=ready.url, headers=headers, timeout=60) as client:
            for _ in range(2400):
                answer = (await client.get("/api/v1/values", params={"tag": TAG})).json()
                if answer["values"][0]["quality"] == "good":
                    break
                await asyncio.sleep(0.025)
            yield node, client


async def recorded(data: Path, action: str) -> list[AuditRecord]:
    store = await asyncio.to_thread(Store.open, data / "sereno.db", look=True)
    log = AuditLog(store, JumpingClock())
    found = list(reversed(await log.entries(AuditQuery(action=action))))
    assert (await log.verify()).whole
    await store.close()
    return found


async def test_starts_stops_and_changes_of_the_plant_are_on_record(tmp_path: Path) -> None:
    plant, data = shutil.copytree(TEMPLATE.parent, tmp_path / "plant"), tmp_path / "data"
    async with run_waterworks(control_port=None, seed=1) as sim:
        for content in ("", "", "# a remark\n"):
            with (plant / "river.csv").open("a") as file:
                file.write(content and "\n")
            async with node_over(sim, data, plant / "plant.toml"):
                pass
    starts = await recorded(data, "node.start")
    assert [r.target for r in starts] == ["Waterworks"] * 3
    assert starts[0].new["files"].keys() == {"plant.toml", "templates.toml", "river.csv", "town.csv", "mimic.svg"}
    assert starts[0].new["plant"] == str(plant / "plant.toml")
    assert starts[0].new["python"] == platform.python_version()
    assert starts[0].new["components"]["numpy"] == np.__version__
    assert starts[0].new["components"]["sqlite"] == sqlite3.sqlite_version
    assert len(await recorded(data, "node.stop")) == 3
    (change,) = await recorded(data, "configuration.change")
    assert change.seq == starts[2].seq + 1
    assert change.old == {"river.csv": starts[1].new["files"]["river.csv"]}
    assert change.new == {"river.csv": starts[2].new["files"]["river.csv"]}
    console = await recorded(data, "token.*")
    assert {(r.actor, r.origin) for r in console} == {("sereno", "start")}


async def test_history_that_was_deleted_by_its_limits_is_on_record(tmp_path: Path) -> None:
    async with run_waterworks(control_port=None, seed=1) as sim, node_over(sim, tmp_path) as (node, _):
        node.parts.record.removed(Removed((1, 2), 10, 20, 4096))
    (record,) = await recorded(tmp_path, "history.delete")
    assert record.old == {"segments": [1, 2], "from_ns": 10, "to_ns": 20, "bytes": 4096}


class FullDisk(Reserve):
    """The database may grow only by what is given up of this."""

    def __init__(self, folder: Path, store: Store) -> None:
        super().__init__(folder, pieces=4, size=1024, margin=0)
        self.pages = int(store.run_now(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar()))
        self._store = store
        self.fill()
        self.limit(self.pages)

    def limit(self, pages: int) -> None:
        self.pages = pages
        self._store._engine.raw_connection().driver_connection.execute(f"PRAGMA max_page_count = {pages}")

    def release(self) -> bool:
        self.limit(self.pages + 4)
        return super().release()


async def test_a_full_disk_stops_commands_shows_and_ends_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_waterworks(control_port=None, seed=1) as sim, node_over(sim, tmp_path) as (node, client):
        store = node.parts.store
        monkeypatch.setattr(store.recording, "reserve", disk := FullDisk(tmp_path / "small", store))
        monkeypatch.setattr(FullDisk, "scarce", True)
        detail = ""
        for number in range(200):
            before = sim.servers["river/plc1"].counters["writes"]
            body = {"value": 0.5 + number % 2 / 10, "comment": "x" * 900}
            answer = await client.put(f"/api/v1/values/{TAG}", json=body)
            if answer.status_code != 200:
                detail = answer.json()["detail"]
                break
        assert "cannot be kept on record" in detail, detail
        assert sim.servers["river/plc1"].counters["writes"] == before, "nothing was sent"
        health = await client.get("/readyz")
        assert health.status_code == 503
        assert health.json()["reasons"][0].startswith("audit: the disk is full;")
        assert "sereno_audit_disk_full 1.0" in (await client.get("/metrics")).text
        code, text = await doctor(tmp_path)
        assert (code, "the disk is full" in text) == (1, True), text
        refused = await recorded(tmp_path, "write")
        assert refused[-1].outcome.startswith("refused: nothing is sent that cannot be kept on record")

        monkeypatch.undo()
        monkeypatch.setattr(store.recording, "reserve", disk)
        disk.limit(1 << 30)
        await store.tend()
        assert (await client.get("/readyz")).status_code == 200
        answer = await client.put(f"/api/v1/values/{TAG}", json={"value": 0.9})
        assert answer.json()["state"] == "done"


async def doctor(data: Path) -> tuple[int, str]:
    def run() -> tuple[int, str]:
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            return run_cli(["doctor", "--json", "--data", str(data)]), out.getvalue()

    return await asyncio.to_thread(run)


async def test_an_audit_that_was_cut_is_a_warning_of_the_running_node(tmp_path: Path) -> None:
    async with run_waterworks(control_port=None, seed=1) as sim:
        async with node_over(sim, tmp_path):
            pass
        (tmp_path / "keys" / "audit.anchor").unlink()
        async with node_over(sim, tmp_path) as (_, client):
            warnings = (await client.get("/readyz")).json()["warnings"]
            assert warnings == ["audit, at start: there is no anchor audit.anchor"]
            levels = {(f["name"], f["level"]) for f in map(json.loads, (await doctor(tmp_path))[1].splitlines())}
            assert ("node", "WARNING") in levels
