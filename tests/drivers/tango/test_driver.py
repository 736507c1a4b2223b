"""The driver against a real Tango device, without a database."""

import numpy as np
import pytest

from sereno.device import DriverTag
from sereno.drivers.tango.columns import Plan
from sereno.drivers.tango.peer import Answer
from sereno.drivers.tango.tags import TangoTagConfig
from sereno.model import AckState, OperationalState, Quality, TagSpec, severity
from tests.drivers.tango.rig import plant, seen, until
from tests.drivers.tango.values import NEW, START, TYPES


def device(url: str, tags: str, more: str = "") -> str:
    lines = "\n".join(f"[[device.tag]]\n{line}" for line in tags.strip().split("\n"))
    head = f'[[device]]\nname = "lab/dev"\ndriver = "tango"\nurl = "{url}"\nscan = "200ms"\n{more}\n'
    return head + lines.replace("; ", "\n")


def listed(value):
    return value.tolist() if isinstance(value, np.ndarray) else [list(row) for row in value]


async def test_every_type_is_read_and_written(shared, tmp_path):
    tags = [
        f'name = "{name}_{shape}"; type = "{TYPES[name]}"; format = "{shape}"; access = "read_write"'
        for name in START
        for shape in ("spectrum", "image")
    ] + [f'name = "{name}_scalar"; type = "{TYPES[name]}"; access = "read_write"' for name in START]
    async with plant(tmp_path, device(shared.url, "\n".join(tags))) as client:
        for name, value in START.items():
            assert await seen(client, f"lab/dev/{name}_scalar", value)
        for name, value in START.items():
            assert list((await client.get(f"lab/dev/{name}_spectrum")).value) == [value, value]
            assert listed((await client.get(f"lab/dev/{name}_image")).value) == [[value] * 3] * 2
        acks = await client.write_many({f"lab/dev/{name}_scalar": value for name, value in NEW.items()})
        assert {ack.state for ack in acks} == {AckState.DONE}, [ack.reason for ack in acks]
        for name, value in NEW.items():
            assert (await client.get(f"lab/dev/{name}_scalar")).value == value
        acks = await client.write_many({f"lab/dev/{name}_spectrum": [value] * 3 for name, value in NEW.items()})
        acks += await client.write_many({f"lab/dev/{name}_image": [[value, value]] for name, value in NEW.items()})
        assert {ack.state for ack in acks} == {AckState.DONE}, [ack.reason for ack in acks]
        for name, value in NEW.items():
            assert list((await client.get(f"lab/dev/{name}_spectrum")).value) == [value] * 3
            assert listed((await client.get(f"lab/dev/{name}_image")).value) == [[value, value]]


async def test_words_states_and_encoded_values(shared, tmp_path):
    text = device(
        shared.url,
        """name = "state"; attribute = "State"
name = "words"; attribute = "Status"; type = "string"
name = "mode"; type = "enum"; labels = ["idle", "slow", "fast"]; access = "read_write"
name = "valve"; type = "string"
name = "recipe"; type = "string"
name = "bytes"; attribute = "Recipe"; type = "uint8"; format = "spectrum"
name = "blind"; attribute = "wo"; type = "int64"; access = "write"
name = "blind_set"; attribute = "wo"; part = "set"; type = "int64" """,
    )
    async with plant(tmp_path, text) as client:
        await seen(client, "lab/dev/state", "on")
        assert (await client.get("lab/dev/words")).value == "all is well"
        assert (await client.get("lab/dev/valve")).value == "open"
        assert (await client.get("lab/dev/recipe")).value == '{"steps": [1, 2]}'
        assert bytes((await client.get("lab/dev/bytes")).value) == b'{"steps": [1, 2]}'
        ack = await client.write("lab/dev/mode", "fast")
        assert (ack.state, ack.value) == (AckState.DONE, "fast")
        assert (await client.write("lab/dev/blind", 12)).state is AckState.DONE
        await seen(client, "lab/dev/blind_set", 12)


async def test_quality_comes_from_tango_and_alarms_are_none(shared, tmp_path):
    text = device(
        shared.url,
        """name = "level"; access = "read_write"
name = "level_quality"; attribute = "level"; part = "quality"
name = "level_set"; attribute = "level"; part = "set"
name = "doubtful"
name = "broken"
name = "nowhere"
name = "mode"; type = "string" """,
    )
    async with plant(tmp_path, text) as client:
        await seen(client, "lab/dev/level", 5.0)
        assert (await client.write("lab/dev/level", 9.5)).state is AckState.DONE
        await seen(client, "lab/dev/level_quality", "alarm")
        assert (await client.get("lab/dev/level_set")).value == 9.5
        assert (await client.write("lab/dev/level", 2.0)).state is AckState.DONE
        await seen(client, "lab/dev/level_quality", "warning")
        doubtful, broken, nowhere = [await client.get(f"lab/dev/{n}") for n in ("doubtful", "broken", "nowhere")]
        assert severity(doubtful.quality) == "bad"
        assert "invalid, says the device" in doubtful.reason
        assert broken.quality == Quality.DEVICE_FAILURE
        assert "TubeBurst: the tube has burst" in broken.reason
        assert "API_AttrNotFound" in nowhere.reason
        wrong = await client.get("lab/dev/mode")
        assert (severity(wrong.quality), "is not a string" in wrong.reason) == ("bad", True)


async def test_the_limits_of_the_device_refuse(shared, tmp_path):
    async with plant(tmp_path, device(shared.url, 'name = "level"; access = "read_write"')) as client:
        await until(lambda: _good(client, "lab/dev/level"))
        ack = await client.write("lab/dev/level", 50.0)
        assert ack.state is AckState.FAILED
        assert "API_WAttrOutsideLimit" in ack.reason


async def test_events_come_without_polling(shared, tmp_path):
    tags = 'name = "pushed"\nname = "waves"; format = "spectrum"\nname = "polled"'
    text = device(shared.url, tags, 'refresh = "1h"\ngroups = { default = "1h" }').replace('scan = "200ms"', "")
    async with plant(tmp_path, text) as client:
        await seen(client, "lab/dev/pushed", 0.0)
        await client.call("lab/dev", "Push", [1.0, 2.0, 3.5])
        await seen(client, "lab/dev/pushed", 3.5)
        await client.call("lab/dev", "PushWaves", 1.0, 2.0)
        await until(lambda: _is_list(client, "lab/dev/waves", [1.0, 2.0]))
        await client.call("lab/dev", "SetPolled", 8.0)
        await seen(client, "lab/dev/polled", 8.0)
        status = (await client.devices())[0]
        assert status.remarks == ()


def test_old_times_of_events_say_nothing_about_the_clock_of_the_device():
    tag = DriverTag(TagSpec(path="lab/dev/pushed"), TangoTagConfig())
    plan = Plan([tag], [])
    plan.take("pushed", Answer(value=1.0, t=10**18))
    columns = plan.sealed(2 * 10**18)
    assert (columns.t_source.tolist(), columns.fresh) == ([10**18], False)


async def test_an_event_that_got_lost_is_made_up_for_by_the_refresh(shared, tmp_path):
    text = device(shared.url, 'name = "pushed"', 'refresh = "600ms"')
    async with plant(tmp_path, text) as client:
        await until(lambda: _good(client, "lab/dev/pushed"))
        await client.call("lab/dev", "Push", [1.0])
        await seen(client, "lab/dev/pushed", 1.0)
        await client.call("lab/dev", "SetSilently", 2.0)
        await seen(client, "lab/dev/pushed", 2.0)


async def test_without_events_everything_is_read(shared, tmp_path):
    async with plant(tmp_path, device(shared.url, 'name = "pushed"', "events = false\nstate = false")) as client:
        await until(lambda: _good(client, "lab/dev/pushed"))
        await client.call("lab/dev", "SetSilently", 6.0)
        await seen(client, "lab/dev/pushed", 6.0)
        status = (await client.devices())[0]
        assert (status.counters["events"], status.remarks, status.status) == (0, (), "")


async def test_what_has_no_events_is_polled_and_told(shared, tmp_path):
    async with plant(tmp_path, device(shared.url, 'name = "level"\nname = "pushed"')) as client:
        await until(lambda: _remarks(client))
        assert (await client.devices())[0].remarks == ("read by polling, no change events: level",)


async def test_commands_with_their_types(shared, tmp_path):
    async with plant(tmp_path, device(shared.url, 'name = "level"')) as client:
        await until(lambda: _good(client, "lab/dev/level"))
        call = client.call
        assert (await call("lab/dev", "EchoString", "hello")).value == "hello"
        assert (await call("lab/dev", "EchoStrings", ["a", "b"])).value == ["a", "b"]
        assert (await call("lab/dev", "echobig", 2**64 - 1)).value == 2**64 - 1
        assert (await call("lab/dev", "Negate", True)).value is False
        assert (await call("lab/dev", "EchoState", "moving")).value == "moving"
        assert (await call("lab/dev", "Mixed", [1, 2], ["x"])).value == [[1, 2], ["x"]]
        failed = await call("lab/dev", "Burst")
        assert (failed.state, "TubeBurst: the tube has burst" in failed.reason) == (AckState.FAILED, True)
        for arguments in ((), (1, 2), ("no number",)):
            refused = await call("lab/dev", "EchoBig", *arguments)
            assert refused.state in (AckState.REFUSED, AckState.FAILED), refused
        names = {c.name for c in (await client.devices())[0].commands}
        assert {"Push", "EchoBig", "Init"} <= names
        assert "State" not in names


async def test_a_fault_of_the_device_is_seen_and_reset(shared, tmp_path):
    async with plant(tmp_path, device(shared.url, 'name = "level"; access = "read_write"')) as client:
        await until(lambda: _good(client, "lab/dev/level"))
        await client.call("lab/dev", "Break")
        await until(lambda: _state(client, OperationalState.FAULT))
        assert (await client.devices())[0].status == "FAULT: it broke"
        assert (await client.call("lab/dev", "Reset")).state is AckState.DONE
        await until(lambda: _state(client, OperationalState.ENABLED))


async def test_a_call_that_takes_too_long_is_unknown_and_holds_up_nobody(shared, tmp_path):
    async with plant(tmp_path, device(shared.url, 'name = "level"', 'timeout = "0.3s"')) as client:
        await until(lambda: _good(client, "lab/dev/level"))
        ack = await client.call("lab/dev", "Sleep", 1.0)
        assert ack.state is AckState.UNKNOWN
        assert "no answer in time" in ack.reason
        await until(lambda: _good(client, "lab/dev/level"))


async def test_frames_can_be_watched(shared, tmp_path):
    async with plant(tmp_path, device(shared.url, 'name = "level"')) as client:
        found = set()
        async for line in client.trace("lab/dev"):
            found.add(line.direction)
            assert line.text
            if {"tx", "rx"} <= found:
                break


@pytest.mark.parametrize(
    ("tags", "fault"),
    [
        ('name = "a"; part = "quality"; access = "read_write"', "write its value"),
        ('name = "a"; part = "quality"; format = "image"', "one word"),
        ('name = "a"; attribute = "b/c"', "attribute"),
    ],
)
async def test_faults_are_found_before_it_runs(tmp_path, tags, fault):
    with pytest.raises(Exception, match=fault):
        async with plant(tmp_path, device("tango://127.0.0.1:1/a/b/c#dbase=no", tags)):
            pass


async def _good(client, path):
    return (await client.get(path)).quality == 0


async def _is_list(client, path, value):
    found = (await client.get(path)).value
    return found is not None and found.tolist() == value


async def _remarks(client):
    return (await client.devices())[0].remarks


async def _state(client, state):
    return (await client.devices())[0].state is state
