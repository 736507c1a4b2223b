"""The examples of docs/devices.md and the README run."""

from __future__ import annotations

import linecache
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sereno.device import Device, plan_of
from sereno.testing import DeviceTest

ROOT = Path(__file__).parents[2]


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that examples are run in, as a file would be."""
    module = ModuleType("example")
    monkeypatch.setitem(__import__("sys").modules, "example", module)
    return module


def run(source: str, module: ModuleType) -> dict[str, Any]:
    name = f"<{module.__name__}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    exec(compile(source, name, "exec"), vars(module))
    return vars(module)


def test_the_page_on_devices_runs_from_top_to_bottom(example: ModuleType) -> None:
    for block in blocks("docs/devices.md"):
        run(block, example)
    written = [v for v in vars(example).values() if isinstance(v, type) and issubclass(v, Device) and v is not Device]
    assert {cls.__name__ for cls in written} == {"PowerSupply", "Oven", "Ramped", "Crate", "Opener", "Channel", "Rack"}
    assert all(plan_of(cls).description for cls in written)
    with DeviceTest(example.Oven) as oven:
        oven.target = 100
        assert oven.hours == 12.5


def test_the_device_of_the_readme_is_fifteen_lines_and_runs(example: ModuleType) -> None:
    source = next(block for block in blocks("README.md") if "(Device)" in block)
    assert len([line for line in source.splitlines() if line.strip()]) <= 15
    run(source, example)
    with DeviceTest(example.PowerSupply) as ps:
        ps.voltage = 5
        assert ps.voltage == 5.0
        ps.reset()
        assert ps.voltage == 0.0
