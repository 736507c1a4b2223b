"""What doctor complains of: values that are bad and should not be."""

from __future__ import annotations

import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from sereno.app.commands.doctor import OK, WARNING, compiled_finding, complaints, unended
from sereno.client import Reading
from sereno.model import Access, Quality, TagSpec, ValueType


def test_what_an_instrument_does_not_have_and_what_is_only_written_is_no_complaint() -> None:
    given = {
        "site/dome/azimuth": (Quality.GOOD, Access.READ),
        "site/dome/watchdog": (Quality.NOT_IMPLEMENTED, Access.READ),
        "site/plc/dome_open": (Quality.WAITING, Access.WRITE),
        "site/plc/wind": (Quality.STALE, Access.READ),
    }
    readings = [
        Reading(TagSpec(path=path, access=access), 1.0, int(quality), "", 0, 0.0)
        for path, (quality, access) in given.items()
    ]
    assert [reading.tag.path for reading in complaints(readings)] == ["site/plc/wind"]


def test_modules_that_are_compiled_at_each_start_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "site" / "sereno" / "app" / "commands" / "doctor.py"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = compiled_finding(module)
    assert (found.name, found.level) == ("start", WARNING)
    assert "PYTHONDONTWRITEBYTECODE" in found.text
    assert found.text.endswith(f"-m compileall -q {tmp_path / 'site'}")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert f"{module.parent} cannot be written to" in compiled_finding(module).text
    kept = Path(cache_from_source(module))
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert compiled_finding(module).level == OK


def test_an_agent_that_does_not_end_is_told_although_its_device_is_up() -> None:
    labels = ("running", "stopping")
    paths = ("site/keeper/supervision/state", "site/dome/state", "site/other/supervision/state")
    specs = [TagSpec(path=path, type=ValueType.ENUM, labels=labels) for path in paths]
    readings = [
        Reading(spec, value, Quality.GOOD, "", 0, 0.0)
        for spec, value in zip(specs, ("stopping", "stopping", "running"), strict=True)
    ]
    assert unended(readings) == ["site/keeper"]
