"""[[simulator]]: what is taken, what is refused with its place, and a plant as it is run with them."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from sereno.access.actor import Right
from sereno.app.plant.load import Plant, load_plant
from sereno.app.plant.simulators import Claims
from sereno.app.simulators.placing import as_placed, free_ports, running, urls_of, with_simulators
from sereno.model import ConfigurationError

BASE = """
[[device]]
name = "lab/plc"
driver = "tiny"
url = "tcp://192.0.2.7:1"
tag = [{ name = "x", address = "r0", type = "int16" }]
"""
PLC = """
[[simulator]]
name = "plc"
command = ["plc", "--bare"]
port = 5003
url = "tcp://127.0.0.1:{port}"
devices = ["lab/plc"]
scenarios = ["rain.json"]
scenario = "rain"
silent = "4s"
"""
OTHER = """
[[simulator]]
name = "camera"
command = ["alpaca", "--telescope", "{plc}"]
start = false
once = true
calls = ["lab/*"]
"""


def load(folder: Path, *more: str) -> Plant:
    (folder / "rain.json").write_text("[1]", encoding="utf-8")
    path = folder / "plant.toml"
    path.write_text("".join((BASE, *more)), encoding="utf-8")
    return load_plant(path)


def faults(folder: Path, *more: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, *more)
    return "\n".join(map(str, caught.value.faults))


def test_what_is_declared_is_known_and_runs_only_when_asked(tmp_path: Path) -> None:
    plant = load(tmp_path, PLC, OTHER)
    plc, camera = plant.simulators
    rule = plc.rule_at(77)
    assert (rule.path, rule.url, rule.scenarios, rule.scenario) == (
        "simulator/plc",
        "tcp://127.0.0.1:77",
        ("rain",),
        "rain",
    )
    assert (rule.begins, rule.ends, rule.patience.silent) == (True, False, 4.0)
    assert plc.actor is None
    assert camera.actor is not None
    assert camera.actor.may(Right.CALL, "lab/plc")
    assert not camera.actor.may(Right.WRITE, "lab/plc/x")
    assert tmp_path / "rain.json" in plant.files
    assert running(plant) == []
    assert plant.devices[0].config.url == "tcp://192.0.2.7:1"


def test_run_with_them_devices_talk_to_them(tmp_path: Path) -> None:
    plant = with_simulators(load(tmp_path, PLC, OTHER))
    port = plant.placed.ports["plc"]
    assert plant.devices[0].config.url == f"tcp://127.0.0.1:{port}"
    plc, camera = running(plant)
    urls = urls_of(plant.simulators, plant.placed.ports)
    assert plc.words(port, urls) == ["plc", "--bare", "--port", str(port)]
    assert camera.words(0, urls) == ["alpaca", "--telescope", f"tcp://127.0.0.1:{port}"]


def test_the_file_read_again_is_placed_as_it_runs(tmp_path: Path) -> None:
    run = with_simulators(load(tmp_path, PLC))
    again = as_placed(load(tmp_path, PLC, OTHER), run.placed)
    assert again.devices[0].config.url == run.devices[0].config.url
    assert [one.table.name for one in running(again)] == ["plc"]


def test_none_to_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no \[\[simulator\]\] to run"):
        with_simulators(load(tmp_path))


def test_a_port_that_is_taken_gives_way_to_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = taken.getsockname()[1]
        found = free_ports({"a": busy, "b": busy, "nowhere": 0}, Claims())
    assert found["nowhere"] == 0
    assert len({busy, found["a"], found["b"]}) == 3
    assert free_ports({"a": busy}, Claims()) == {"a": busy}


def test_two_that_want_one_port_get_two() -> None:
    (wanted,) = free_ports({"a": _some_port()}, Claims()).values()
    found = free_ports({"a": wanted, "b": wanted}, Claims())
    assert found["a"] == wanted
    assert found["b"] != wanted


def test_of_two_runs_that_begin_at_once_none_takes_the_others_port_though_nobody_listens_yet() -> None:
    first, second = Claims(), Claims()
    (port,) = free_ports({"plc": _some_port()}, first).values()
    assert free_ports({"plc": port}, second) != {"plc": port}
    first.give_up()
    assert free_ports({"plc": port}, second) == {"plc": port}
    second.give_up()


def _some_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (PLC.replace('["plc", "--bare"]', '["plk"]'), "there is no `sereno sim plk`"),
        (PLC.replace('"--bare"', '"--port"'), "'--port', which the node adds by itself"),
        (PLC.replace('"--bare"', '"--scenario=x.json"'), "which the node adds by itself"),
        (PLC.replace('"--bare"', '"{camera}"'), "names {camera}"),
        (PLC.replace("lab/plc", "lab/plk"), "'lab/plk' is no device. Did you mean 'lab/plc'?"),
        (PLC.replace('"rain.json"', '"snow.json"'), "no file 'snow.json' beside the plant file"),
        (PLC.replace('scenario = "rain"', 'scenario = "snow"'), "scenario 'snow' of simulator 'plc' is not in"),
        (PLC.replace("port = 5003\n", ""), "url names {port}, and there is no port"),
        (PLC.replace('url = "tcp://127.0.0.1:{port}"\n', ""), "devices without the url"),
        (PLC.replace("silent", "silence"), "unknown key 'silence'"),
        (PLC + PLC, "duplicate simulator 'plc'"),
        (PLC + PLC.replace('"plc"\n', '"other"\n'), "'lab/plc' is simulated by"),
        (OTHER + PLC + "[native]\nenabled = false\n", "that acts in the plant: they need the native protocol"),
        (PLC + BASE.replace("lab/plc", "simulator/plc"), "simulator/plc is a device too"),
        (PLC.replace('name = "plc"', 'name = "port"'), "another name"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, wrong: str, told: str) -> None:
    found = faults(tmp_path, wrong)
    assert told in found
    assert "plant.toml:" in found


def test_a_change_where_none_runs_waits_for_nothing(tmp_path: Path) -> None:
    from sereno.app.configuration.difference import difference

    old, new = load(tmp_path, PLC), load(tmp_path, PLC.replace("4s", "5s"))
    (change,) = difference(old, new).changes
    assert (change.name, change.effect.value) == ("[[simulator]]", "live")  # none runs: nothing waits
    assert difference(old, replace(load(tmp_path, PLC))).changes == []
