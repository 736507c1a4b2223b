"""The tables of the documentation are whole: every driver is in them, every decision has a number of its own."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from sereno.device.instruments import InstrumentFamily

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"


@pytest.mark.parametrize("page", ["README.md", "docs/plant-file.md"])
def test_every_driver_has_a_page_that_is_linked(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    ours = sorted(one.name for one in entry_points(group="sereno.drivers") if one.value.startswith("sereno."))
    assert len(ours) >= 7
    for name in ours:
        assert (ROOT / "docs" / "drivers" / f"{name}.md").is_file()
        assert f"drivers/{name}.md)" in text, name


def test_every_family_of_instruments_is_on_their_page() -> None:
    text = (ROOT / "docs" / "instruments.md").read_text("utf-8")
    families = re.search(r"^Families: .*", text, re.MULTILINE)
    assert families is not None
    ours = [one for one in entry_points(group="sereno.drivers") if one.value.startswith("sereno.")]
    known = sorted(one.name for one in ours if isinstance(one.load(), InstrumentFamily))
    assert known
    assert re.findall(r"drivers/(\w+)\.md", families[0]) == known


def test_every_decision_has_a_number_of_its_own_and_a_line_in_order() -> None:
    lines = re.findall(r"^\| \[(\d+)\]\((.*?)\) \| (.*) \|$", (DECISIONS / "README.md").read_text("utf-8"), re.M)
    files = sorted(path.name for path in DECISIONS.glob("[0-9]*.md"))
    assert [file for _, file, _ in lines] == files
    numbers = [int(number) for number, _, _ in lines]
    assert numbers == sorted(set(numbers)) == [int(file[:4]) for file in files]
    for number, file, _ in lines:
        assert (DECISIONS / file).read_text("utf-8").startswith(f"# {number}. "), file
