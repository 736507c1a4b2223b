from __future__ import annotations

from pathlib import Path

import pytest

from sereno.app.serve.units import check_units
from sereno.app.serve.wanted import Wanted, wanted_devices
from sereno.device import Device, child, tag
from sereno.model import ConfigurationError
from tests.device.authoring.devices import PowerSupply, Rack


class Odd(Device):
    speed: float = tag(unit="parsnips")


class Holder(Device):
    inner: Odd = child()


HERE = "tests.device.authoring.devices"


def test_classes_with_names_and_without() -> None:
    found = wanted_devices([f"{HERE}:PowerSupply", "lab/a", "lab/b", f"{HERE}:Rack"])
    assert [(w.cls, w.path) for w in found] == [(PowerSupply, "lab/a"), (PowerSupply, "lab/b"), (Rack, "local/rack")]


def test_settings_for_all_for_one_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text('["lab/a"]\nlimit = 5.0\nport = "x"\n')
    found = wanted_devices(
        [f"{HERE}:PowerSupply", "lab/a", "lab/b"],
        settings=["limit=12", "lab/b:limit=13.5", "lab/b:name=/dev/ttyS0", "lab/b:list=[1, 2]"],
        file=file,
    )
    assert found[0].settings == {"limit": 12, "port": "x"}
    assert found[1].settings == {"limit": 13.5, "name": "/dev/ttyS0", "list": [1, 2]}


def test_settings_from_json(tmp_path: Path) -> None:
    file = tmp_path / "lab.json"
    file.write_text('{"lab/a": {"port": "\\ud83d\\ude00"}}')
    (found,) = wanted_devices([f"{HERE}:PowerSupply", "lab/a"], file=file)
    assert found.settings == {"port": "\U0001f600"}
    file.write_text("[1]")
    with pytest.raises(ConfigurationError, match="an object per device"):
        wanted_devices([f"{HERE}:PowerSupply", "lab/a"], file=file)


def test_all_faults_at_once(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text('speed = 1\n["lab/z"]\nlimit = 5.0\n')
    with pytest.raises(ConfigurationError) as caught:
        wanted_devices(
            ["early", f"{HERE}:PowerSuply", "lab/x", f"{HERE}:PowerSupply", "lab/a", "lab/a"],
            settings=["limit", "lab/q:limit=1"],
            file=file,
        )
    told = str(caught.value)
    for words in (
        "early: a name before its class",
        "has no 'PowerSuply'. There is PowerSupply.",
        "lab/a: named twice",
        "--set limit: no setting",
        "'lab/q' is none of the devices served; expected lab/a",
        "['lab/z'] is none of the devices served",
        "speed = 1",
    ):
        assert words in told, told
    with pytest.raises(ConfigurationError, match="nothing to serve"):
        wanted_devices([])


def test_a_unit_must_be_one() -> None:
    with pytest.raises(ConfigurationError, match=r"test_wanted.py:\d+: Odd: speed: unknown unit 'parsnips'"):
        check_units([Wanted(Holder, "x:Holder", "lab/x")])
