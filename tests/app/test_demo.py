"""Demos are found by name, those of other packages too."""

from __future__ import annotations

import pytest

from sereno.app.cli import run_cli
from sereno.app.demo import WATERWORKS, demo_names, find_demo
from sereno.app.plant.load import load_plant
from sereno.model import NotFoundError


def test_demos_by_name() -> None:
    assert {"fleet", "observatory", "plant", "sensor"} <= set(demo_names())
    assert find_demo("plant") is WATERWORKS
    with pytest.raises(NotFoundError, match="there are: fleet, observatory, plant"):
        find_demo("nonsense")


def test_a_demo_of_another_package_is_declared_like_a_built_in_one() -> None:
    demo = find_demo("observatory")
    assert not callable(demo)
    assert load_plant(demo.plant).table.name == "Observatory"
    assert all(words[:2] == ("sim", "observatory") for words in demo.simulators)
    assert demo.look_at


def test_what_cannot_be_run_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["demo", "nonsense"]) == 2
    assert "observatory, plant" in capsys.readouterr().err
    assert run_cli(["demo", "observatory", "--speed", "5"]) == 2
    assert "real time" in capsys.readouterr().err
