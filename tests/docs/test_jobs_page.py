"""The plant file of docs/jobs.md is one, and its table of steps knows all of them."""

from __future__ import annotations

import re
from pathlib import Path

from sereno.app.plant.job_schema import STEPS, JobTable
from sereno.app.plant.load import load_plant

PAGE = (Path(__file__).parents[2] / "docs" / "jobs.md").read_text(encoding="utf-8")


def test_the_example_is_a_plant_file(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    path = tmp_path / "plant.toml"
    path.write_text(example, encoding="utf-8")
    assert [rule.name for rule in load_plant(path).jobs] == ["tell_total"]


def test_every_step_and_every_key_is_told() -> None:
    table = PAGE.partition("| `do` |")[2]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE))
    keys = {
        do: {field.alias or name for name, field in table.model_fields.items()} - {"do", "text", "otherwise"}
        for do, table in STEPS.items()
    }
    assert {do: set(re.findall(r"`(\w+)`", told)) for do, told in rows.items()} == keys
    head = PAGE.partition("## Steps")[0]
    told = {key for row in re.findall(r"^\| (`.*?) \|", head, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    assert told == set(JobTable.model_fields) - {"name", "description", "step"}
