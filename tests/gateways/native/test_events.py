"""Subscriptions to what is no value: tags that come and go, alarms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sereno.access.actor import Actor
from sereno.client import AlarmKind, AlarmSpec, AlarmState, AlarmStatus, NoAlarms, connect
from sereno.client._native import NativeClient
from sereno.gateways.native.alarmnews import alarm_news
from sereno.model import NotConnectedError, RefusedError, TagSpec

from .site import COMMANDS, DEVICE, SPECS, site_at


class Alarms(NoAlarms):
    """One alarm of the voltage, that comes when it is told to."""

    def __init__(self) -> None:
        self.changes: asyncio.Queue[list[AlarmStatus]] = asyncio.Queue()

    async def watch(self, actor: Actor) -> AsyncIterator[list[AlarmStatus]]:
        yield []
        while True:
            yield await self.changes.get()


def alarm(source: str) -> AlarmStatus:
    spec = AlarmSpec(id=f"{source}:hi", source=source, kind=AlarmKind.HI, inputs=(source,))
    return AlarmStatus(spec=spec, state=AlarmState.UNACKNOWLEDGED, active=True)


async def test_tags_that_come_are_told() -> None:
    async with site_at() as site, connect(site.server.url, "viewer") as client:
        assert isinstance(client, NativeClient)
        news = await client.native.watch(["lab/*"], kind="interface")
        added = (await news.next_event())["added"]
        assert added == sorted([*(spec.path for spec in SPECS), *(f"{DEVICE}/{name}()" for name in COMMANDS)])
        site.hub.register_tags([TagSpec(path="lab/ps/2/voltage"), TagSpec(path="other/x/y")])
        event = await news.next_event()
        assert (event["added"], event["removed"], event["changed"]) == (["lab/ps/2/voltage"], [], [])
        site.hub.redeclare([TagSpec(path="lab/ps/2/voltage", unit="V")])
        event = await news.next_event()
        assert (event["added"], event["removed"], event["changed"]) == ([], [], ["lab/ps/2/voltage"])
        await news.close()


async def test_alarms_are_told_by_source() -> None:
    async with site_at() as site:
        await site.server.stop()
        alarms = Alarms()
        site.events = {"alarm": alarm_news(alarms)}
        await site.restart()
        async with connect(site.server.url, "viewer") as client:
            assert isinstance(client, NativeClient)
            news = await client.native.watch([f"{DEVICE}/*"], kind="alarm")
            assert (await news.next_event())["alarms"] == []
            await alarms.changes.put([alarm("other/x/y")])
            await alarms.changes.put([alarm(f"{DEVICE}/voltage"), alarm("other/x/y")])
            event = await news.next_event()
            assert [one["source"] for one in event["alarms"]] == [f"{DEVICE}/voltage"]
            await news.close()


async def test_a_lost_server_is_no_silence() -> None:
    async with site_at() as site, connect(site.server.url, "viewer") as client:
        assert isinstance(client, NativeClient)
        news = await client.native.watch(["*"], kind="interface")
        await news.next_event()
        await site.server.stop()
        event = await news.next_event()
        assert event["kind"] == "lost"
        assert "the server is stopping" in event["reason"]
        with pytest.raises(NotConnectedError):
            await client.tags()
        await site.restart()
        assert f"{DEVICE}/voltage" in (await news.next_event())["added"]
        await news.close()


async def test_devices_tell_when_data_is_ready_and_the_last_is_never_missed() -> None:
    async with site_at() as site, connect(site.server.url, "viewer") as client:
        assert isinstance(client, NativeClient)
        news = await client.native.watch(["lab/*"], kind="data_ready")
        assert (await news.next_event())["tag"] == ""
        site.hub.report_ready("other/x/y", 1)
        site.hub.report_ready(f"{DEVICE}/wave", 7)
        event = await news.next_event()
        assert (event["kind"], event["tag"], event["count"]) == ("data_ready", f"{DEVICE}/wave", 7)
        for count in range(100):  # nobody takes them in between
            site.hub.report_ready(f"{DEVICE}/wave", count)
        missed = -1
        while True:
            event = await news.next_event()
            missed += 1 + event["missed"]
            if event["count"] == 99:
                break
        assert missed == 99
        await news.close()


async def test_what_has_no_source_is_refused() -> None:
    async with site_at() as site, connect(site.server.url, "viewer") as client:
        assert isinstance(client, NativeClient)
        with pytest.raises(RefusedError, match="alarm: this server has no alarms"):
            await client.native.watch(["*"], kind="alarm")
