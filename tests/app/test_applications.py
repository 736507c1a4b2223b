"""Applications with pages by their entry points: those that are there, and those that cannot be had."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from sereno.app import registry
from sereno.app.plant.load import load_plant
from sereno.app.registry import load_applications
from sereno.model import ConfigurationError
from sereno.pages import Application, BrokenApplication

GOOD = Application(name="good", folder=Path("/nowhere"), pages=[])
VALUES = {
    "good": f"{__name__}:GOOD",
    "gone": "no_such_package.pages:PAGES",
    "other": f"{__name__}:GOOD",
    "path": "pathlib:Path",
}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(entry: EntryPoint) -> Any:
        return GOOD if entry.value.endswith(":GOOD") else real(entry)

    real = EntryPoint.load
    monkeypatch.setattr(EntryPoint, "load", load)
    entries = [EntryPoint(name, value, "sereno.pages") for name, value in VALUES.items()]
    others = registry.entry_points
    monkeypatch.setattr(
        registry, "entry_points", lambda group: entries if group == "sereno.pages" else others(group=group)
    )


def test_one_that_cannot_be_had_says_why_and_the_others_come(installed: None) -> None:
    found = load_applications(["gone", "good", "path", "other", "never"])
    assert found[1] is GOOD
    faults = {one.name: one.fault for one in found if isinstance(one, BrokenApplication)}
    assert faults == {
        "gone": "ModuleNotFoundError: No module named 'no_such_package'",
        "path": "TypeError: pathlib:Path is no sereno.pages.Application",
        "other": f"ValueError: {VALUES['other']} calls itself 'good'; the entry point is 'other'",
        "never": "LookupError: no installed package has an entry point sereno.pages of this name",
    }


def test_the_plant_file_names_those_that_it_wants(installed: None, tmp_path: Path) -> None:
    device = '[[device]]\nname = "a/b"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:1"\n'
    path = tmp_path / "plant.toml"
    path.write_text(f'[web]\npages = ["good"]\n{device}')
    assert load_plant(path).web.pages == ["good"]
    path.write_text(f'[web]\npages = ["god"]\n{device}')
    with pytest.raises(ConfigurationError) as error:
        load_plant(path)
    assert "plant.toml:2: no installed application 'god' has pages" in str(error.value)
    assert "good" in str(error.value)
