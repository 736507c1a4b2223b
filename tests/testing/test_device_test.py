from __future__ import annotations

import pytest

from sereno import Device, tag
from sereno.model import DeviceError, NotConnectedError, OperationError, RefusedError
from sereno.testing import DeviceTest
from tests.device.authoring.devices import Everything, PowerSupply, Rack


def test_tags_are_attributes_and_commands_are_methods() -> None:
    with DeviceTest(PowerSupply, limit=12.0) as ps:
        ps.voltage = 5
        assert ps.voltage == 5.0
        assert ps.ramp(6.0) == 6.0
        with pytest.raises(RefusedError, match="above the limit"):
            ps.voltage = 31
        with pytest.raises(DeviceError) as caught:
            ps.voltage = 13
        error = caught.value
        assert (error.reason, error.description, error.origin) == (
            "over_limit", "at most 12 V", "test/power_supply/voltage")  # fmt: skip
        with pytest.raises(AttributeError, match="no tag or command 'volts'"):
            _ = ps.volts
        with pytest.raises(AttributeError, match="no tag 'volts'"):
            ps.volts = 3
        assert {"voltage", "current", "reset", "ramp"} <= set(dir(ps))
        assert ps.reading("current").tag.unit == "A"
        assert ps.status.commands[0].name in ("reset", "ramp")


def test_several_devices_at_once() -> None:
    with DeviceTest({"lab/a": PowerSupply, "lab/b": PowerSupply}) as lab:
        lab["lab/a"].voltage = 1
        lab["lab/b"].voltage = 2
        assert [lab[path].voltage for path in sorted(lab)] == [1.0, 2.0]


async def test_in_async_code() -> None:
    async with DeviceTest(PowerSupply, Everything) as lab:
        assert set(lab) == {"test/power_supply", "test/everything"}
        assert await lab["test/power_supply"].call("ramp", 3.0, 4) == 3.0


def test_a_mock_runs_no_code_and_notes_what_is_asked() -> None:
    with DeviceTest(PowerSupply, mock=True) as ps:
        assert (ps.current, ps.voltage) == (0.0, 0.0)
        ps.mock.set("current", 3.3)
        while ps.current != 3.3:
            pass
        ps.voltage = 25
        assert ps.ramp(1.0, 2) == 0.0
        ps.mock.answers["ramp"] = 1.25
        assert ps.ramp(2.0) == 1.25
        ps.mock.answers["reset"] = RuntimeError("no")
        with pytest.raises(OperationError, match="RuntimeError: no"):
            ps.reset()
        assert ps.mock.writes == [("voltage", 25.0)]
        assert ps.mock.calls == [("ramp", (1.0, 2)), ("ramp", (2.0,)), ("reset", ())]


def test_children_are_mocked_too() -> None:
    with DeviceTest({"lab/rack": Rack}, mock=True) as lab:
        assert lab["lab/rack/left"].inside() == 0
        assert lab["lab/rack/left"].mock.calls == [("inside", ())]


def test_a_device_that_does_not_start_says_why() -> None:
    class Absent(Device):
        here: float = tag()

        def startup(self) -> None:
            raise NotConnectedError("nobody at /dev/ttyS7")

    with pytest.raises(NotConnectedError, match="test/absent: nobody at /dev/ttyS7"), DeviceTest(Absent, patience=0.05):
        pass


def test_at_least_one_class() -> None:
    with pytest.raises(TypeError, match="at least one class"):
        DeviceTest()


def test_over_the_wire_it_is_the_same() -> None:
    with DeviceTest(PowerSupply, wire=True, limit=12.0) as ps:
        with pytest.raises(DeviceError) as caught:
            ps.voltage = 13
        assert (caught.value.reason, str(caught.value.severity)) == ("over_limit", "error")
        ps.voltage = 5
        assert ps.voltage == 5.0
        assert ps.ramp(6.0) == 6.0
        assert ps.status.commands[0].name in ("reset", "ramp")
        with pytest.raises(RefusedError, match="above the limit"):
            ps.voltage = 31
