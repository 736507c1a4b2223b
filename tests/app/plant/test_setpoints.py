"""What a set-point's table becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.app.plant.load import load_plant
from sereno.model import ConfigurationError, Setpoint

PLANT = """\
[[device]]
name = "mill/plc1"
driver = "tiny"
url = "x"
[[device.tag]]
name = "speed"
address = "r1"
access = "read_write"
"""


def setpoint(tmp_path: Path, keys: str) -> Setpoint:
    path = tmp_path / "plant.toml"
    path.write_text(PLANT + keys, encoding="utf-8")
    return load_plant(path).devices[0].tags[0].spec.setpoint


@pytest.mark.parametrize(
    ("keys", "tolerance"),
    [
        ('type = "float32"\nraw_type = "uint16"\nscale = 0.1', 0.05),
        ('type = "float32"\nraw_type = "int16"\nscale = -0.5', 0.25),
        ('type = "float32"\nraw_type = "uint16"\nraw = [0, 400]\nlow = 0\nhigh = 100', 0.125),
        ('type = "uint16"\nscale = 10', 5.0),
        ('type = "float32"\nraw_type = "uint16"\nscale = 0.1\nsetpoint = { tolerance = 0 }', 0.0),
        ('type = "float32"\nraw_type = "uint16"\nscale = 0.1\nsetpoint = { tolerance = 2 }', 2.0),
        ('type = "float32"\nraw_type = "float32"\nscale = 0.1', 0.0),
        ('type = "float64"\nscale = 0.1', 0.0),
        ('type = "uint16"', 0.0),
    ],
)
def test_half_a_count_is_the_tolerance_of_scaled_integers(tmp_path: Path, keys: str, tolerance: float) -> None:
    assert setpoint(tmp_path, keys).tolerance == pytest.approx(tolerance)


def test_step_and_rate(tmp_path: Path) -> None:
    found = setpoint(tmp_path, "setpoint = { max_step = 5, max_rate = 0.5 }")
    assert (found.max_step, found.max_rate) == (5.0, 0.5)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("setpoint = { max_step = 0 }", "greater than 0"),
        ("setpoint = { max_rate = -1 }", "greater than 0"),
        ('type = "bool"\nsetpoint = { max_step = 1 }', "setpoint.max_step is for numbers, and the type is bool"),
        ('type = "string"\nsetpoint = { max_rate = 1 }', "setpoint.max_rate is for numbers"),
    ],
)
def test_contradictions(tmp_path: Path, keys: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        setpoint(tmp_path, keys)


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ("select = true", (30.0, 0.0, ())),
        ('select = "1min", approval = true', (60.0, 600.0, ())),
        ('approval = "2h", sign = ["released", "reviewed"]', (0.0, 7200.0, ("released", "reviewed"))),
        ('select = "true", sign = "released|reviewed"', (30.0, 0.0, ("released", "reviewed"))),  # a cell of a CSV list
        ("select = false, approval = false", (0.0, 0.0, ())),
    ],
)
def test_what_waits_for_people(tmp_path: Path, keys: str, wanted: tuple[float, float, tuple[str, ...]]) -> None:
    found = setpoint(tmp_path, f"setpoint = {{ {keys} }}")
    assert (found.select, found.approval, found.sign) == wanted
    assert found.marked is any(wanted)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('setpoint = { select = "soon" }', "'soon' is not a duration"),
        ('setpoint = { sign = [""] }', "at least 1 character"),
        ('setpoint = { approvel = "1h" }', "unknown key 'setpoint.approvel'"),
    ],
)
def test_what_does_not_say_how_it_waits(tmp_path: Path, keys: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        setpoint(tmp_path, keys)


def test_a_guard_has_nobody_to_wait_for(tmp_path: Path) -> None:
    guard = '[[guard]]\nname = "g"\nwhen = "mill/plc1/speed > 1"\ncommand = { target = "mill/plc1/speed", value = 0 }\n'
    with pytest.raises(ConfigurationError, match=r"waits for people .*, and a guard acts alone"):
        setpoint(tmp_path, f"setpoint = {{ select = true }}\n{guard}")
