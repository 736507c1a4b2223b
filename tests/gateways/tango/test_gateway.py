"""Our devices in the eyes of Tango's own client."""

import asyncio
import json
import os
import signal
import socket

import numpy as np
import pytest

from sereno.model import OperationError
from tests.gateways.tango.devices import INTEGERS
from tests.gateways.tango.rig import PATH, Events, site

thread = asyncio.to_thread


async def test_every_type_is_read_and_written(pytango):
    async with site(["lab/*"]) as here:
        proxy = await here.proxy()
        names = [f"{kind}_tag" for kind in INTEGERS]
        assert [a.value for a in await thread(proxy.read_attributes, names)] == list(INTEGERS.values())
        flag, ratio, level, text, mode, wave, small, image, texts = await thread(
            proxy.read_attributes, ["flag", "ratio", "level", "text", "mode", "wave", "small", "image", "names"]
        )
        assert (flag.value, ratio.value, level.value, text.value, mode.value) == (True, 0.5, 5.0, "hello", 1)
        assert (wave.value.tolist(), small.value.tolist(), list(texts.value)) == ([1.0, 2.0], [-1, 1], ["a", "b"])
        assert image.value.tolist() == [[1, 2, 3], [4, 5, 6]]
        assert 0 < level.time.totime() <= (await here.client.get(f"{PATH}/level")).t_source / 1e9
        for name, value in {
            "flag": False, "ratio": 1.5, "level": 7.25, "text": "grüß dich", "mode": 0, "int8_tag": 5,
            "uint64_tag": 2**63 + 1, "int64_tag": -5, "wave": np.array([3.0]), "names": ["x", "y", "z"],
            "image": np.array([[9, 8, 7], [6, 5, 4]], np.uint16), "secret": "psst",
        }.items():  # fmt: skip
            await thread(proxy.write_attribute, name, value)
        readings = {r.tag.name: r.value for r in await here.client.read()}
        assert (readings["flag"], readings["ratio"], readings["level"], readings["text"]) == (
            False,
            1.5,
            7.25,
            "grüß dich",
        )
        assert (readings["mode"], readings["uint64_tag"], list(readings["names"])) == (
            "idle",
            2**63 + 1,
            ["x", "y", "z"],
        )
        assert (readings["wave"].tolist(), readings["image"].tolist()) == ([3.0], [[9, 8, 7], [6, 5, 4]])


async def test_units_bounds_and_limits_are_told_and_kept(pytango):
    async with site([f"{PATH}/level", f"{PATH}/mode"]) as here:
        proxy = await here.proxy()
        level, mode, locked = await thread(proxy.get_attribute_config_ex, ["level", "mode", "locked"])
        assert (level.unit, level.description, level.format) == ("m", "how full it is", "%.2f")
        assert (float(level.min_value), float(level.max_value)) == (0.0, 50.0)
        alarms = level.alarms
        limits = (alarms.min_alarm, alarms.min_warning, alarms.max_warning, alarms.max_alarm)
        assert [float(one) for one in limits] == [1, 2, 8, 9]
        assert list(mode.enum_labels) == ["idle", "fast"]
        assert [str(info.writable) for info in (level, mode, locked)] == ["READ_WRITE", "READ_WRITE", "READ"]
        assert "secret" not in await thread(proxy.get_attribute_list), "cannot be written, and has nothing to read"
        assert await thread(lambda: [c.cmd_name for c in proxy.command_list_query()]) == ["Init", "State", "Status"]
        assert (await here.refused(proxy.write_attribute, "locked", 2.0))[0] == "API_AttrNotWritable"
        assert (await here.refused(proxy.write_attribute, "level", 80.0))[0] == "API_WAttrOutsideLimit"


async def test_events_carry_values_qualities_and_states(pytango):
    async with site() as here:
        proxy, level, state = await here.proxy(), Events(), Events()
        change, mode = pytango.EventType.CHANGE_EVENT, pytango.EventSubMode.AsyncRead
        numbers = [
            await thread(proxy.subscribe_event, name, change, taker, mode)
            for name, taker in (("level", level), ("State", state))
        ]
        await level.wait_for(lambda e: e.attr_value.value == 5.0)
        await here.joined(proxy)
        for value, quality in ((3.0, "VALID"), (8.5, "WARNING"), (9.5, "ALARM")):
            await here.client.write(f"{PATH}/level", value)
            event = await level.wait_for(lambda e, value=value: e.attr_value.value == value)
            assert str(event.attr_value.quality) == f"ATTR_{quality}"
        await here.client.call(PATH, "doubt", 4.0)
        event = await level.wait_for(lambda e: e.attr_value.value == 4.0)
        assert str(event.attr_value.quality) == "ATTR_WARNING"
        await here.client.call(PATH, "doubt", 0.0)
        await level.wait_for(lambda e: str(e.attr_value.quality) == "ATTR_INVALID")
        assert str((await thread(proxy.read_attribute, "level")).quality) == "ATTR_INVALID"
        await here.client.call(PATH, "fail", True)
        await state.wait_for(lambda e: str(e.attr_value.value) == "FAULT")
        assert await thread(proxy.status) == "the tube has burst"
        await here.client.call(PATH, "fail", False)
        await here.client.write(f"{PATH}/level", 5.0)
        await state.wait_for(lambda e: str(e.attr_value.value) == "ON" and state.seen.index(e) > 1)
        await thread(proxy.command_inout, "Init")
        assert (await thread(proxy.read_attribute, "level")).value == 5.0
        for number in numbers:
            await thread(proxy.unsubscribe_event, number)


async def test_commands_and_their_errors(pytango):
    async with site(["lab/*"]) as here:
        proxy = await here.proxy()
        call = proxy.command_inout
        assert await thread(call, "double", 2.5) == 5.0
        assert await thread(call, "add", "[20, 3]") == 23
        assert await thread(call, "add", "[20]") == 21
        assert await thread(call, "total", [1.0, 2.0]) == 3.0
        assert await thread(call, "turn", "idle") == "IDLE"
        assert json.loads(await thread(call, "table")) == [[1.0, 2.0], [3.0, 4.0]]
        assert (await here.refused(call, "burst")) == ("TubeBurst", "the tube has burst")
        assert "JSON" in (await here.refused(call, "add", "20, 3"))[1]
        assert "sideways" in (await here.refused(call, "turn", "sideways"))[1]
        assert here.gateway.figures()["ended"] == 0


async def test_tags_and_commands_come_and_go(pytango):
    async with site(["lab/*"]) as here:
        proxy, interface = await here.proxy(), Events()
        kind = pytango.EventType.INTERFACE_CHANGE_EVENT
        await thread(proxy.subscribe_event, kind, interface)
        await here.joined(proxy)
        await here.client.call(PATH, "grow")
        await interface.wait_for(lambda e: not e.err and "extra" in [a.name for a in e.att_list])
        assert (await thread(proxy.read_attribute, "extra")).value == 3.0
        await thread(proxy.write_attribute, "extra", 4.0)
        await interface.wait_for(lambda e: not e.err and "extend" in [c.cmd_name for c in e.cmd_list])
        count = len(interface.seen)
        await here.client.call(PATH, "shrink")
        await interface.wait_for(
            lambda e: interface.seen.index(e) >= count and "extra" not in [a.name for a in e.att_list]
        )
        assert (await here.refused(proxy.read_attribute, "extra"))[0] == "API_AttrNotFound"


async def test_a_process_that_dies_is_told_and_another_one_serves(pytango):
    async with site() as here:
        proxy, first = await here.proxy(), here.gateway.pid
        assert (await thread(proxy.read_attribute, "level")).value == 5.0
        os.kill(first, signal.SIGKILL)
        while not here.record.lines:
            await here.client.clock.sleep(0.01)
        assert here.record.lines[0][:2] == ("gateway/tango", "gateway.ended")
        assert "code -9" in here.gateway.problem
        assert await here.gateway.ready(60.0)
        assert (here.gateway.pid != first, here.gateway.problem, here.gateway.figures()["ended"]) == (True, "", 1)
        assert (await thread((await here.proxy()).read_attribute, "level")).value == 5.0


async def test_who_is_not_allowed_gets_no_answer(pytango):
    async with site(allow=["127.0.0.5/32"]) as here:
        proxy = await thread(pytango.DeviceProxy, here.gateway.address("sereno/lab/bench"))
        reason, words = await here.refused(proxy.ping)
        assert "API_C" in reason, words


async def test_an_address_that_is_taken_is_told(pytango):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OperationError, match="already in use"):
        async with site(port=taken.getsockname()[1]):
            pass
