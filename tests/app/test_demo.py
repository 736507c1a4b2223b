"""Demos are found by name, those of other packages too."""

from __future__ import annotations

import gc
import socket
from pathlib import Path

import pytest

from sereno.app.cli import run_cli
from sereno.app.demo import WATERWORKS, demo_names, find_demo, of_folder, simulator, where_it_is
from sereno.app.plant.load import load_plant
from sereno.app.simulators.placing import with_simulators
from sereno.model import NotFoundError, OperationError


def test_demos_by_name() -> None:
    assert {"fleet", "observatory", "plant", "sensor"} <= set(demo_names())
    assert find_demo("plant") is WATERWORKS
    with pytest.raises(NotFoundError, match="there are: fleet, observatory, observatory_alpaca, plant"):
        find_demo("nonsense")


@pytest.mark.parametrize(("name", "title"), [("observatory", "Observatory"), ("observatory_alpaca", "Observatory w")])
def test_a_demo_of_another_package_is_declared_like_a_built_in_one(name: str, title: str) -> None:
    demo = find_demo(name)
    assert not callable(demo)
    assert demo.look_at
    assert not demo.simulators
    plant = with_simulators(load_plant(demo.plant))
    assert plant.table.name.startswith(title)
    with_address = {device.table.name for device in plant.devices if device.table.name.startswith("site/")}
    assert plant.placed.urls.keys() == with_address


@pytest.mark.parametrize("name", ["observatory", "observatory_alpaca"])
def test_what_to_try_names_the_simulators_of_this_run(name: str) -> None:
    demo = find_demo(name)
    assert not callable(demo)
    urls = {
        device.table.name: f"http://127.0.0.1:4{at:03}/0" for at, device in enumerate(load_plant(demo.plant).devices)
    }
    lines = where_it_is(demo.look_at, urls)
    assert not [line for line in lines if "{" in line or "127.0.0.1:5" in line]
    if name == "observatory":
        port = urls["site/plc"].removesuffix("/0").rpartition(":")[2]
        assert [line for line in lines if line.startswith(f"sereno sim force WXT520:RainRate 12 --port {port} ")]
    else:
        assert [line for line in lines if f"observingconditions {urls['site/weather']} rain" in line]


def test_simulators_whose_ports_are_taken_are_begun_at_others_and_nothing_is_left_of_the_first_attempt() -> None:
    """What is left would be a warning, which is an error here."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = ("sim", "waterworks", "--port", str(taken.getsockname()[1]))
        with simulator(WATERWORKS._replace(simulators=(busy, WATERWORKS.simulators[1])), 1.0) as urls:
            gc.collect()
            assert urls.keys() == {"river/plc1", "town/plc2"}
        with (
            pytest.raises(OperationError, match="the simulator did not start; try `sereno sim waterworks`"),
            simulator(WATERWORKS._replace(simulators=(busy, busy)), 1.0),
        ):
            pass


def test_what_cannot_be_run_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["demo", "nonsense"]) == 2
    assert "observatory_alpaca, plant" in capsys.readouterr().err
    assert run_cli(["demo", "observatory", "--speed", "5"]) == 2
    assert "real time" in capsys.readouterr().err


def test_what_to_try_names_a_data_folder_that_is_not_the_usual_one() -> None:
    lines = ("devices: look", "sereno put a/b 1   and see", "sereno sim force X 1   rain", "sereno simulator list")
    assert of_folder(lines, Path("data")) == lines
    assert of_folder(lines, Path("my night")) == (
        "devices: look",
        "sereno put a/b 1 --data 'my night'   and see",
        "sereno sim force X 1   rain",
        "sereno simulator list --data 'my night'",
    )
