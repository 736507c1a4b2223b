"""Guards of a plant file: checked when it is read, and at work in a node over the waterworks."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.demo import TEMPLATE
from sereno.app.node import Node
from sereno.app.plant.load import Plant, load_plant
from sereno.app.simulators.placing import with_urls
from sereno.device import Environment
from sereno.model import ConfigurationError
from sereno.sim.waterworks.run import run_waterworks

TURBIDITY, DOSE = "river/plc1/turbidity", "river/plc1/chlorine_setpoint"
GUARD = f"""
[[guard]]
name = "more_chlorine"
when = "{TURBIDITY} > 500 or not good({TURBIDITY})"
for = "300ms"
command = {{ target = "{DOSE}", value = 0.7 }}
cooldown = "100ms"
"""


def plant_with(folder: Path, text: str) -> Plant:
    shutil.copytree(TEMPLATE.parent, folder / "plant")
    path = folder / "plant" / "plant.toml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return load_plant(path)


def test_a_rule_as_declared(tmp_path: Path) -> None:
    (rule,) = plant_with(tmp_path, GUARD).guards
    assert (rule.inputs, rule.target, rule.value) == ((TURBIDITY,), DOSE, 0.7)
    assert (rule.actor, rule.hold, rule.cooldown, rule.act_on_stale) == ("guard/more_chlorine", 0.3, 0.1, False)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("turbidity > 500", "turbidty > 500", "turbidity"),
        (" > 500 or", " > > 500 or", "column"),
        ("not good(", "10 < age(", "age()"),
        (f"{DOSE}\", value = 0.7", f"{DOSE}\", value = 999", "above the limit"),
        (f"target = \"{DOSE}", f"target = \"{TURBIDITY}", "read only"),
        (f"target = \"{DOSE}", "target = \"river/plc1/valve", "is no tag"),
        ("cooldown", "cooldwon", "cooldown"),
        ("cooldown = \"100ms\"", "stale = \"maybe\"", "one of act, hold"),
        ("cooldown = \"100ms\"", "actor = \"admin\"", "actor"),
        ("cooldown = \"100ms\"", GUARD, "duplicate"),
        ("cooldown = \"100ms\"", "cooldown = \"50ms\"\nretry = true", "cooldown of 0.1 s or more"),
    ],
)  # fmt: skip
def test_faults_of_a_rule_have_their_line(tmp_path: Path, old: str, new: str, found: str) -> None:
    assert old in GUARD
    with pytest.raises(ConfigurationError) as error:
        plant_with(tmp_path, GUARD.replace(old, new))
    assert found in str(error.value)
    lines = len(TEMPLATE.read_text(encoding="utf-8").splitlines())
    places = [int(fault.where.rpartition(":")[2]) for fault in error.value.faults]
    assert all(place > lines for place in places), error.value


async def eventually(client: httpx.AsyncClient, check: Any, what: str) -> dict[str, Any]:
    for _ in range(2400):
        (guard,) = (await client.get("/api/v1/guards")).raise_for_status().json()["guards"]
        if check(guard):
            found: dict[str, Any] = guard
            return found
        await asyncio.sleep(0.025)
    pytest.fail(f"never {what}: {guard}")


async def test_it_acts_once_and_arms_again(tmp_path: Path) -> None:
    async with run_waterworks(control_port=None, seed=1) as sim:
        plant = with_urls(plant_with(tmp_path, GUARD), sim.urls)
        async with Node(plant, DataFolder(tmp_path / "data"), Environment()) as node:
            ready = await node.start("127.0.0.1", 0)
            headers = {"Authorization": f"Bearer {ready.token}"}
            async with httpx.AsyncClient(base_url=ready.url, headers=headers, timeout=60) as client:
                await eventually(client, lambda g: g["verdict"] == "false", "judged")
                writes = sim.servers["river/plc1"].counters["writes"]
                forced = f"/api/v1/values/{TURBIDITY}/substitution"
                body = {"value": 800, "reason": "to see the guard", "seconds": 60}
                (await client.put(forced, json=body)).raise_for_status()
                acted = await eventually(client, lambda g: g["outcome"].startswith("done"), "done")
                assert (acted["state"], acted["acted"]) == ("fired", 1)
                assert sim.servers["river/plc1"].counters["writes"] == writes + 1
                (await client.put(forced, json={**body, "value": 900})).raise_for_status()
                await client.delete(forced)
                armed = await eventually(client, lambda g: g["state"] == "armed", "armed again")
                assert armed["acted"] == 1
                assert sim.servers["river/plc1"].counters["writes"] == writes + 1
                _, code = await asyncio.to_thread(
                    lambda: (0, run_cli(["guard", "list", "--data", str(tmp_path / "data")]))
                )
                assert code == 0
            records = [r for r in await node.parts.accounts.audit.entries() if r.actor == "guard/more_chlorine"]
            assert {(r.action, r.target, r.new) for r in records} == {("write", DOSE, 0.7)}
