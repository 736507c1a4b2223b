"""A job in a node: run from the command line and over HTTP, on record, changed by apply."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.device import Environment
from sereno.sim.gateways.server import run_gateways

PLANT = """
[[device]]
name = "fleet/gateways"
driver = "http"
url = "{url}"
timeout = 1.0
scan = "100ms"
[[device.tag]]
name = "marbles"
get = "/compteur_bille"
length = 3
reduce = "sum"
[[device.tag]]
name = "by_gateway"
get = "/compteur_bille"
length = 3
reduce = "table"

[[job]]
name = "watch"
table = [{{ members = "fleet/gateways/by_gateway", total = "fleet/gateways/marbles", title = "Marbles" }}]
[[job.step]]
do = "read"
tags = ["fleet/gateways/marbles", "fleet/gateways/by_gateway"]
within = "9s"
"""


def cli(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = run_cli(list(words))
    return code, capsys.readouterr().out


async def test_a_job_from_the_command_line_over_http_and_through_apply(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with run_gateways(3, marbles=5, seed=3) as fleet:
        path = tmp_path / "plant.toml"
        path.write_text(PLANT.format(url=f"http://127.0.0.1:{fleet.inventory_port}/inventory"), encoding="utf-8")
        data = ("--data", str(tmp_path / "data"))
        async with Node(load_plant(path), DataFolder(tmp_path / "data"), Environment()) as node:
            ready = await node.start("127.0.0.1", 0)
            code, out = await asyncio.to_thread(lambda: cli("job", "run", "watch", "--json", *data, capsys=capsys))
            run = json.loads(out)
            assert (code, run["number"], run["outcome"], run["why"]) == (0, 1, "done", "asked")
            fleet.down.add(1)
            code, out = await asyncio.to_thread(lambda: cli("job", "run", "watch", *data, capsys=capsys))
            assert code == 1
            assert "1 of 3 did not answer: gw02" in out
            fleet.down.clear()

            headers = {"Authorization": f"Bearer {ready.token}"}
            async with httpx.AsyncClient(base_url=ready.url, headers=headers, timeout=60) as client:
                answer = (await client.post("/api/v1/jobs/watch/run")).raise_for_status().json()
                assert (answer["state"], answer["value"]) == ("done", 3)
                for _ in range(2400):
                    job = (await client.get("/api/v1/jobs/watch")).raise_for_status().json()
                    if len(job["history"]) == 3:
                        break
                    await asyncio.sleep(0.025)
                assert [one["outcome"] for one in job["history"]] == ["done", "failed", "done"]
                (column,) = job["table"]
                assert column["value"] == [5.0, 5.0, 5.0]
                assert sorted(column["by_member"]) == ["gw01", "gw02", "gw03"]
                assert (await client.post("/api/v1/jobs/nothing/run")).status_code == 404

            path.write_text(path.read_text("utf-8").replace('within = "9s"', 'within = "8s"'), encoding="utf-8")
            code, out = await asyncio.to_thread(lambda: cli("apply", "--yes", *data, capsys=capsys))
            assert (code, "job watch" in out) == (0, True), out
            assert node.parts.jobs.rules[0].steps[0].within == 8.0  # type: ignore[union-attr]
            code, out = await asyncio.to_thread(lambda: cli("job", "show", "watch", *data, capsys=capsys))
            assert "gw02" in out
            code, out = await asyncio.to_thread(lambda: cli("job", "list", *data, capsys=capsys))
            assert "never" not in out
            path.write_text(path.read_text("utf-8").partition("[[job]]")[0], encoding="utf-8")
            assert (await asyncio.to_thread(lambda: cli("apply", "--yes", *data, capsys=capsys)))[0] == 0
            assert (await asyncio.to_thread(lambda: cli("job", "show", "watch", *data, capsys=capsys)))[0] == 1
            records = [r for r in await node.parts.accounts.audit.entries() if r.target == "jobs/watch"]
            assert {r.actor for r in records} == {"admin:this machine's console"}
