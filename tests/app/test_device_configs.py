"""Back-off between attempts to connect: what the plant file says, else what the driver has."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.app.device_configs import device_configs_of
from sereno.app.plant.load import load_plant
from sereno.device import NoMemory

DEVICE = '[[device]]\nname = "lab/dev"\ndriver = "{driver}"\nurl = "{url}"\n{retry}\n'
URLS = {"modbus": "tcp://127.0.0.1:1", "tango": "tango://127.0.0.1:1/a/b/c#dbase=no"}


@pytest.mark.parametrize(
    ("driver", "retry", "initial", "longest"),
    [
        ("modbus", "", 0.5, 30.0),
        ("tango", "", 0.5, 1.5),
        ("tango", 'retry = { max = "20s" }', 0.5, 20.0),
        ("tango", 'retry = { initial = "5s" }', 5.0, 5.0),
    ],
)
def test_a_driver_may_have_a_longest_pause_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str, retry: str, initial: float, longest: float
) -> None:
    monkeypatch.setattr("sereno.drivers.tango.driver.find_spec", lambda _: True)
    file = tmp_path / "plant.toml"
    file.write_text('[plant]\nname = "Test"\n' + DEVICE.format(driver=driver, url=URLS[driver], retry=retry), "utf-8")
    (config,) = device_configs_of(load_plant(file).linked_devices, NoMemory())
    assert (config.retry.initial, config.retry.max) == (initial, longest)
