from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sereno.client import connect
from sereno.model import AckState, RefusedError
from tests.gateways.native.site import DEVICE, Site, site_at

VOLTAGE = f"{DEVICE}/voltage"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with site_at() as site:
        site.publish(voltage=1.5)
        yield site


async def test_a_lock_refuses_the_commands_of_others(site: Site) -> None:
    async with connect(site.server.url, "operator") as anna, connect(site.server.url, "engineer") as bert:
        async with anna[DEVICE].locked():
            with pytest.raises(RefusedError, match="lab/ps/1 is locked by operator"):
                await bert[DEVICE].voltage.write(2.0)
            assert (await bert.call(DEVICE, "add", 1, 2)).state is AckState.REFUSED
            assert (await anna[DEVICE].voltage.write(3.0)).value == 3.0
            assert [(one.device, one.actor) for one in await bert.locks()] == [(DEVICE, "operator")]
        assert (await bert[DEVICE].voltage.write(4.0)).value == 4.0
    assert site.recorded == [("operator", "device.lock", DEVICE), ("operator", "device.unlock", DEVICE)]


async def test_a_lock_is_taken_away_by_who_may(site: Site) -> None:
    url = site.server.url
    async with (
        connect(url, "operator") as anna,
        connect(url, "engineer") as bert,
        anna[DEVICE].locked(seconds=60),
    ):
        await bert.unlock(DEVICE, force=True)
        assert (await bert[DEVICE].voltage.write(4.0)).value == 4.0
    assert ("engineer", "device.unlock_forced", DEVICE) in site.recorded


async def test_a_lock_ends_with_its_connection(site: Site) -> None:
    async with connect(site.server.url, "engineer") as bert:
        async with connect(site.server.url, "operator") as anna:
            await anna.lock(DEVICE)
        async with asyncio.timeout(60):
            while await bert.locks():
                await asyncio.sleep(0)
        assert (await bert[DEVICE].voltage.write(4.0)).value == 4.0
