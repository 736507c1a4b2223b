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
