from __future__ import annotations

import asyncio
import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import Plant, load_plant
from sereno.client import WaitsFor, connect
from sereno.device import Environment
from sereno.model import AckState, ConfigurationError, Marks, OperationalState

MODULE = """
from sereno import Device, DeviceError, child, command, setting, tag

class Channel(Device):
    gain: float = tag(unit="dB", write=True)

class PowerSupply(Device):
    \"\"\"A power supply.\"\"\"
    limit: float = setting(30.0, low=0, high=60)
    left: Channel = child()
    voltage: float = tag(unit="V", low=0, high=30, write=True, memorised=True)

    @tag(unit="A", period="100ms")
    async def current(self) -> float:
        if self.voltage > 20:
            raise DeviceError("over_current", "the fuse")
        return self.voltage / 10

    @command
    async def reset(self) -> None:
        self.voltage = 0.0
"""
DEVICE = """
[[device]]
name = "lab/ps_1"
class = "bench_supplies:PowerSupply"
"""


@pytest.fixture
def folder(tmp_path: Path, own_modules: None) -> Path:
    (tmp_path / "bench_supplies.py").write_text(MODULE)
    return tmp_path


def plant(folder: Path, text: str) -> Plant:
    (folder / "plant.toml").write_text(text, encoding="utf-8")
    return load_plant(folder / "plant.toml")


def test_tags_of_the_class_and_its_children_are_known(folder: Path) -> None:
    loaded = plant(
        folder,
        DEVICE + 'limit = 12\n[[device.tag]]\nname = "current"\ndeadband = 0.1\n'
        'alarm = { hi = 2.5, priority = 2, response = "Reset it" }\n'
        '[[device.tag]]\nname = "voltage"\nsetpoint = { max_step = 5.0, interlock = "lab/ps_1/current < 2" }\n',
    )
    specs = {tag.spec.path: tag.spec for tag in loaded.devices[0].tags}
    assert set(specs) == {"lab/ps_1/voltage", "lab/ps_1/current", "lab/ps_1/left/gain"}
    current, voltage = specs["lab/ps_1/current"], specs["lab/ps_1/voltage"]
    assert (current.unit, current.deadband) == ("A", 0.1)
    assert current.limits is not None
    assert current.limits.hi == 2.5
    assert len(loaded.alarms) == 1
    assert (voltage.setpoint.high, voltage.setpoint.max_step) == (30, 5.0)
    assert folder / "bench_supplies.py" in loaded.files


def test_every_fault_is_told_with_its_line(folder: Path) -> None:
    text = (
        DEVICE.replace("lab/ps_1", "lab/ps_2") + 'limitt = 1\nscan = "1s"\n'
        + DEVICE + "limit = 100\n"
        '[[device.tag]]\nname = "curent"\n[[device.tag]]\nname = "voltage"\nunit = "mV"\n'
        '[[device]]\nname = "lab/x"\nclass = "bench_supplies:PowerSuply"\n'
        '[[device]]\nname = "lab/y"\nclass = "gone_module:Thing"\n'
    )  # fmt: skip
    with pytest.raises(ConfigurationError) as caught:
        plant(folder, text)
    told = str(caught.value)
    for words in (
        "plant.toml:5: unknown key 'limitt' in device 'lab/ps_2'. Did you mean 'limit'?",
        "plant.toml:6: device 'lab/ps_2' has a class and 'scan'",
        "plant.toml:11: limit = 100 in device 'lab/ps_1'",
        "plant.toml:19: bench_supplies has no 'PowerSuply'. There is PowerSupply.",
        "plant.toml:22: gone_module cannot be imported",
    ):
        assert words in told, told


def test_tags_that_are_not_in_the_class_are_faults(folder: Path) -> None:
    tags = '[[device.tag]]\nname = "curent"\n[[device.tag]]\nname = "voltage"\nunit = "mV"\n'
    with pytest.raises(ConfigurationError) as caught:
        plant(folder, DEVICE + tags)
    told = str(caught.value)
    assert "plant.toml:6: tag 'curent' of 'lab/ps_1' is not in its class. Did you mean 'current'?" in told
    assert "plant.toml:9: unit of tag 'voltage' of 'lab/ps_1' is declared by its class" in told


def test_a_unit_of_a_class_is_checked_in_its_module(folder: Path) -> None:
    (folder / "bench_supplies.py").write_text(MODULE.replace('"dB"', '"parsnips"'))
    with pytest.raises(ConfigurationError, match=r"bench_supplies.py:5: Channel: gain: unknown unit 'parsnips'"):
        plant(folder, DEVICE)


async def test_a_node_runs_it_and_remembers(folder: Path) -> None:
    for voltage in (0.0, 8.0):
        loaded = plant(folder, DEVICE + "[history]\nenabled = false\n")
        async with Node(loaded, DataFolder(folder / "data"), Environment()) as node:
            await node.start("127.0.0.1", 0)
            async with connect(data=folder / "data") as client:
                while {d.state for d in await client.devices()} != {OperationalState.ENABLED}:
                    await client.clock.sleep(0.005)
                while (reading := await client.get("lab/ps_1/voltage")).value is None:
                    await client.clock.sleep(0.005)
                assert reading.value == voltage
                assert (await client.write("lab/ps_1/voltage", 8.0)).value == 8.0
                assert str((await client.call("lab/ps_1/left", "nothing")).state) == "failed"
                device = next(d for d in await client.devices() if d.path == "lab/ps_1")
                assert [spec.name for spec in device.commands] == ["reset"]
                assert device.description == "A power supply."
                assert {"lab/ps_1", "lab/ps_1/left", "sereno/node"} == {d.path for d in await client.devices()}


def test_marks_of_commands_that_the_class_has_not_are_faults(folder: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        plant(folder, DEVICE + "commands = { rest = { approval = true }, 'left/zero' = { select = true } }\n")
    told = str(caught.value)
    assert "plant.toml:5: device 'lab/ps_1' has no command 'rest'" in told
    assert "Did you mean 'reset'?" in told
    assert "has no command 'left/zero'" in told
    with pytest.raises(ConfigurationError, match="aproval"):
        plant(folder, DEVICE + "commands = { reset = { aproval = true } }\n")


def _cli(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        return run_cli(list(arguments)), out.getvalue()


async def test_a_marked_command_waits_for_people_and_says_so(folder: Path) -> None:
    module = MODULE.replace("    gain: float", "    @command\n    async def zero(self) -> None: ...\n    gain: float")
    (folder / "bench_supplies.py").write_text(module)
    marks = "commands = { reset = { select = true, sign = ['done'] }, 'left/zero' = { approval = 30 } }\n"
    loaded = plant(folder, DEVICE + marks + "[history]\nenabled = false\n")
    async with Node(loaded, DataFolder(folder / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        async with connect(data=folder / "data") as client:
            while {d.state for d in await client.devices()} != {OperationalState.ENABLED}:
                await client.clock.sleep(0.005)
            specs = {d.path: {s.name: s.marks for s in d.commands} for d in await client.devices()}
            assert specs["lab/ps_1"]["reset"] == Marks(select=30.0, sign=("done",))
            assert specs["lab/ps_1/left"]["zero"] == Marks(approval=30.0)
            for device, name in (("lab/ps_1", "reset"), ("lab/ps_1/left", "zero")):
                assert (await client.select_call(device, name)).state is AckState.SELECTED
            code, out = await asyncio.to_thread(_cli, "command", "list", "--data", str(folder / "data"))
            assert (code, "reset()" in out, "signed done" in out) == (0, True, True), out
            code, out = await asyncio.to_thread(_cli, "call", "lab/ps_1/left", "--data", str(folder / "data"))
            assert (code, "a second person (30 s)" in out) == (0, True), out
            told = {(one.target, one.name, one.waits_for) for one in await client.waiting()}
            assert told == {
                ("lab/ps_1", "reset", WaitsFor.EXECUTION),
                ("lab/ps_1/left", "zero", WaitsFor.APPROVAL),
            }


def test_a_module_whose_file_is_gone_is_a_fault(folder: Path) -> None:
    plant(folder, DEVICE)
    (folder / "bench_supplies.py").unlink()
    with pytest.raises(ConfigurationError, match=r"bench_supplies.py, which cannot be read any more") as caught:
        plant(folder, DEVICE)
    assert ":4" in caught.value.faults[0].where
