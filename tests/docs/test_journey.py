"""docs/journey.md is a map: every file and every name on it exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "journey.md").read_text(encoding="utf-8")
MENTIONED = sorted(set(re.findall(r"`([^`\n]+)`", TEXT)))
FILES = [m for m in MENTIONED if m.startswith("src/")]
NAMES = [m for m in MENTIONED if re.fullmatch(r"[A-Z]\w+(\.\w+)?", m)]
FUNCTIONS = [m for m in MENTIONED if re.fullmatch(r"[a-z_]+", m) and m not in ("stale_after", "fdatasync")]
SOURCE = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "src").rglob("*.py"))


@pytest.mark.parametrize("file", FILES)
def test_file_exists(file: str) -> None:
    assert (ROOT / file).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_class_and_method_exist(name: str) -> None:
    owner, _, method = name.partition(".")
    found = re.search(rf"^class {owner}\b.*?(?=^class |^def |\Z)", SOURCE, re.MULTILINE | re.DOTALL)
    assert found, f"no class {owner}"
    assert not method or re.search(rf"def {method}\(", found[0]), f"{owner} has no {method}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_exists(name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", SOURCE, re.MULTILINE)


def test_every_room_is_on_the_map() -> None:
    rooms = {p.name for p in (ROOT / "src" / "sereno").iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert rooms - {r for r in rooms if f"src/sereno/{r}/" in TEXT} == set()
