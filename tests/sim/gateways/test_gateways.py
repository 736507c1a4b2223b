from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from sereno.sim.gateways.circuit import LANES, Circuit
from sereno.sim.gateways.server import run_gateways


@given(st.integers(1, 20), st.integers(0, 50), st.integers(0, 2**16), st.integers(0, 50))
def test_the_number_of_marbles_stays(gateways: int, marbles: int, seed: int, rolls: int) -> None:
    circuit = Circuit(gateways, marbles, random.Random(seed))
    for _ in range(rolls):
        circuit.roll(0.25)
    for lane in range(LANES):
        here = [circuit.marbles(i)[lane] for i in range(gateways)]
        assert sum(here) == marbles
        assert min(here) >= 0


async def test_gateways_answer_as_the_original_does() -> None:
    async with run_gateways(3, marbles=5, seed=1) as fleet, httpx.AsyncClient(timeout=60) as client:
        inventory = (await client.get(f"http://127.0.0.1:{fleet.inventory_port}/inventory")).json()
        assert list(inventory) == ["gw01", "gw02", "gw03"]
        found: list[Any] = []
        for entry in inventory.values():
            base = f"http://{entry['RASP_catch']}"
            found.append((await client.get(f"{base}/compteur_bille")).json())
            assert len((await client.get(f"{base}/multi_possible")).json()) == 3
            assert isinstance((await client.get(f"{base}/temperature")).json()["value"], float)
            assert (await client.get(f"{base}/nothing")).status_code == 404
            assert (await client.post(f"{base}/temperature")).status_code == 404
        assert [sum(lane) for lane in zip(*found, strict=True)] == [5, 5, 5]


async def test_one_that_is_down_hangs_up() -> None:
    async with run_gateways(1, seed=1) as fleet:
        fleet.down.add(0)
        port = int(fleet.inventory["gw01"]["RASP_catch"].rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()


async def test_totals_are_told_by_get_and_by_put_and_it_disconnects() -> None:
    async with run_gateways(1, seed=1) as fleet, httpx.AsyncClient(timeout=60) as client:
        base = f"http://{fleet.inventory['gw01']['RASP_catch']}"
        assert (await client.get(f"{base}/totals")).json() == [0, 0, 0]
        assert (await client.get(f"{base}/compteur_bille/0/27")).json() == {"value": 27}
        assert (await client.put(f"{base}/compteur_bille/2", json={"value": 9})).json() == {"value": 9}
        assert (await client.get(f"{base}/totals")).json() == [27, 0, 9]
        for path in ("/compteur_bille/3/1", "/compteur_bille/0", "/compteur_bille/0/x"):
            assert (await client.get(base + path)).status_code == 404
        assert (await client.put(f"{base}/compteur_bille/0", content=b"7")).status_code == 404
        assert fleet.circuit.told == [2]
        fleet.circuit.connections[0] = 3
        assert (await client.get(f"{base}/deconnection")).status_code == 200
        assert (await client.get(f"{base}/connections")).json() == {"value": 0}
