"""docs/reports.md: its plant file is taken as it stands, it names every key, and its commands are there."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from sereno.app.commands.reports import report
from sereno.app.plant.load import load_plant
from sereno.app.plant.report_schema import ReportPartTable, ReportTable

TEXT = (Path(__file__).parents[2] / "docs/reports.md").read_text(encoding="utf-8")
PLANT = """
[plant]
name = "North"
[[device]]
name = "north/plc1"
driver = "modbus"
url = "tcp://127.0.0.1:1"
tag = [
    { name = "level", address = "holding:0", type = "float32", unit = "m" },
    { name = "flow", address = "holding:2", type = "float32", unit = "m3/h" },
    { name = "pump1", address = "coil:0", type = "bool" },
]
"""


def test_the_example_is_a_report(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "plant.toml").write_text(PLANT + example, encoding="utf-8")
    (found,) = load_plant(tmp_path / "plant.toml").reports
    assert [table.title for table in found.tables] == ["", "What was pumped"]


def test_every_key_is_named() -> None:
    keys = {
        key
        for line in TEXT.splitlines()
        if line.startswith("| `")
        for key in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert keys == set(ReportTable.model_fields)
    (table,) = (line for line in TEXT.splitlines() if line.startswith("| `table`"))
    assert all(f"`{key}`" in table for key in ReportPartTable.model_fields)


LINES = re.findall(r"^sereno report (\w+) ?([^#\n]*)", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("name", "rest"), LINES, ids=[f"{name} {rest}".strip() for name, rest in LINES])
def test_every_command_is_there(name: str, rest: str) -> None:
    command = report.commands[name]
    command.make_context(name, rest.split(), parent=click.Context(report))
    assert command.help


def test_the_commands_were_found() -> None:
    assert {name for name, _ in LINES} == set(report.commands)
