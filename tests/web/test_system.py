"""How the node is: the endpoint behind the system page and `sereno top`, and figures by device and subscriber."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.access.actor import Actor
from sereno.client import DeviceStatus, GroupStatus
from sereno.model import LinkState, OperationalState
from sereno.web import labelled
from sereno.web.labelled import OTHERS, device_families, subscriber_families
from sereno.web.system import device_figures


def _group(name: str, **more: Any) -> GroupStatus:
    given = {"period": 1.0, "phase": 0.0, "tags": 3, "scans": 10, "overruns": 0, "incomplete": 0, "last_scan": 0}
    return GroupStatus(name, **{**given, "last_duration": 0.01, "worst_duration": 0.02, "stale": False, **more})


def _device(path: str, *groups: GroupStatus, link: LinkState = LinkState.UP) -> DeviceStatus:
    return DeviceStatus(path, "modbus", "tcp://x", OperationalState.ENABLED, link, "", 0, 1.0, groups)


async def _ask(site: Any, user: str) -> Any:
    async with await site.signed_in(user) as browser:
        answer = await browser.get("/api/v1/system")
    assert answer.status_code == 200
    return answer.json()


async def test_it_tells_of_node_rooms_devices_and_tasks(site) -> None:
    async with site.running():
        found = await _ask(site, "viewer")
    assert (found["node"]["site"], found["node"]["version"]) == ("Waterworks", "0.1")
    assert [device["path"] for device in found["devices"]] == ["north/plc1", "south/plc2"]
    assert {"name": "web heartbeat", "count": 1} in found["tasks"]
    assert found["left_out"] == {}
    assert found["reasons"] == []


async def test_subscribers_and_what_they_share(site) -> None:
    async with site.running():
        connection = site.connect("/api/v1/stream?tag=north", token=await site.token("operator", "operator"))
        await connection.event()
        site.plant.set("north/plc1/level", 2.0)
        await connection.event()
        found = await _ask(site, "admin")
        (one,) = found["subscribers"]
        assert (one["kind"], one["actor"], one["origin"]) == ("sse", "operator:test", "127.0.0.1")
        assert one["since"] == "2025-11-20T12:00:00.000000Z"
        assert one["sent"] == 3
        assert one["bytes"] > 500
        assert found["broadcasts"] == [{"tags": 6, "interval": 0.1, "clients": 1}]
        await connection.close()


@pytest.mark.parametrize(("user", "shown"), [("viewer", False), ("operator", True), ("admin", True)])
async def test_who_listens_is_for_those_who_may_see_people_and_for_oneself(site, user: str, shown: bool) -> None:
    async with site.running():
        connection = site.connect("/api/v1/stream?tag=north", token=await site.token("operator", "operator"))
        await connection.event()
        (one,) = (await _ask(site, user))["subscribers"]
        assert (one["actor"], one["origin"]) == (("operator:test", "127.0.0.1") if shown else (None, None))
        await connection.close()


async def test_the_loop_is_watched(site) -> None:
    async with site.running():
        assert (await _ask(site, "viewer"))["loop"] == {"p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0}
        site.app.state.metrics.late.extend([0.001] * 98 + [0.050] * 2)
        assert (await _ask(site, "viewer"))["loop"] == {"p50_ms": 1.0, "p99_ms": 50.0, "max_ms": 50.0}


def test_a_device_is_the_sum_or_the_worst_of_its_groups() -> None:
    status = _device("a/b", _group("fast", overruns=2, worst_duration=0.5), _group("slow", incomplete=1, stale=True))
    found = device_figures(status)
    assert (found["tags"], found["scans"], found["overruns"], found["incomplete"]) == (6, 20, 2, 1)
    assert (found["worst_duration"], found["stale"]) == (0.5, True)
    assert [group["name"] for group in found["groups"]] == ["fast", "slow"]
    assert device_figures(_device("a/c"))["last_duration"] == 0.0


def _samples(families: Any, name: str) -> dict[str, float]:
    return {next(iter(s.labels.values())): s.value for f in families for s in f.samples if s.name == name}


def test_metrics_of_devices_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "MOST_DEVICES", 2)
    devices = [_device(f"a/d{n}", _group("g", scans=n)) for n in range(5)]
    families = list(device_families(devices))
    assert _samples(families, "sereno_device_scans_total") == {"a/d0": 0, "a/d1": 1, OTHERS: 9}
    assert _samples(families, "sereno_device_up") == {"a/d0": 1.0, "a/d1": 1.0}
    down = list(device_families([_device("a/b", link=LinkState.DOWN)]))
    assert _samples(down, "sereno_device_up") == {"a/b": 0.0}


class _Outlet:
    held, dropped, bytes = 7, 1, 100

    def __init__(self, name: str) -> None:
        self.actor = Actor(name)
        self.sent = 5


def test_metrics_of_subscribers_are_by_actor_and_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "MOST_SUBSCRIBERS", 1)
    outlets: Any = [_Outlet("ann"), _Outlet("ann"), _Outlet("bob"), _Outlet("eve")]
    families = list(subscriber_families(outlets))
    assert _samples(families, "sereno_subscriber_sent") == {"ann": 10, OTHERS: 10}
    assert _samples(families, "sereno_subscriber_held_bytes") == {"ann": 14, OTHERS: 14}


async def test_metrics_name_only_devices_that_the_actor_may_read(site) -> None:
    async with site.running(), await site.signed_in("viewer") as browser:
        text = (await browser.get("/metrics")).text
    assert 'sereno_device_up{device="north/plc1"} 1.0' in text
    assert "sereno_web_frames_total" in text
