"""A fleet of these gateways as the driver sees it: totals reach every PLC by PUT, by POST, and by a GET that writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.app.serve.server import DeviceServer
from sereno.client import Client
from sereno.device import DeviceConfig, DeviceTag, DriverTag, Environment, GroupConfig
from sereno.drivers.http.driver import HttpDriver
from sereno.drivers.http.tags import HttpConfig, HttpTagConfig
from sereno.model import AckState, TagSpec
from tests.gateways.http.plc import Site, site

ADMIN = Actor("admin", (ROLES["admin"],))
DEVICE = "fleet/gateways"


def tag(name: str, **keys: Any) -> DeviceTag:
    made = HttpTagConfig.model_validate({"length": 3, **keys})
    spec = TagSpec(path=f"{DEVICE}/{name}", type=made.default_type, shape=made.shape, access=made.default_access)
    return DeviceTag(DriverTag(spec, made))


@asynccontextmanager
async def fleet(sites: list[Site], method: str) -> AsyncIterator[Client]:
    path = "/compteur_bille/{i}/{value}" if method == "GET" else "/compteur_bille/{i}"
    config = DeviceConfig(
        path=DEVICE,
        driver=HttpDriver,
        config=HttpConfig.model_validate(
            {
                "members": {f"gw{n}": f"127.0.0.1:{one.gateway.port}" for n, one in enumerate(sites)},
                "calls": {"disconnect": {"path": "/deconnection", "method": "GET" if method == "GET" else "POST"}},
            }
        ),
        groups={"default": GroupConfig(0.1)},
        tags=(
            tag("marbles", get="/compteur_bille", reduce="sum"),
            tag("told", write=path, method=method, total="marbles"),
        ),
    )
    async with DeviceServer([config], Environment()) as server:
        await server.ready(ADMIN)
        yield server.client(ADMIN)


@pytest.mark.parametrize("method", ["PUT", "POST", "GET"])
async def test_totals_reach_every_plc(method: str) -> None:
    legacy = method == "GET"
    async with (
        site(legacy_writes=legacy) as one,
        site(legacy_writes=legacy) as other,
        fleet([one, other], method) as client,
    ):
        while (await client.get(f"{DEVICE}/marbles")).value is None:
            await asyncio.sleep(0.02)
        ack = await client.write(f"{DEVICE}/told", [6, 0, 24])
        assert ack.state is AckState.DONE, ack.reason
        assert [(here.plc.total0, here.plc.total1, here.plc.total2) for here in (one, other)] == [(6, 0, 24)] * 2
        assert [here.plc.writes for here in (one, other)] == [[6], [6]]
        ack = await client.call(DEVICE, "disconnect")
        assert (ack.state, ack.value) == (AckState.DONE, {"gw0": "ok", "gw1": "ok"})
        assert one.plc.hung_up == other.plc.hung_up == 1


async def test_a_gateway_that_takes_no_get_says_so_and_nothing_is_changed() -> None:
    async with site() as one, fleet([one], "GET") as client:
        while (await client.get(f"{DEVICE}/marbles")).value is None:
            await asyncio.sleep(0.02)
        ack = await client.write(f"{DEVICE}/told", [3, 0, 12])
        assert ack.state is AckState.FAILED
        assert "0 of 1 took it; gw0 (status 405)" in ack.reason
        assert one.plc.writes == []
