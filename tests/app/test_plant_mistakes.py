"""The plants that Sereno brings, with one line written wrong: one fault, whatever names what the line makes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import sereno_observatory
from sereno.app import templates
from sereno.app.plant.load import load_plant
from sereno.model import ConfigurationError

TEMPLATES = Path(next(iter(templates.__path__)))
PLANTS = [
    *(TEMPLATES / name for name in ("sensor", "fleet", "plant")),
    Path(str(sereno_observatory.__file__)).parent / "site",
]
EACH = 5
"""Every so-many-th line, another one for each way to write it wrong."""
_PAIR = re.compile(r"(\s*[a-z_]+) = (.*)")


def wrong(line: str, way: int) -> str:
    """A misspelt key, a value of another kind, or a misspelt header; empty if the line has none of these."""
    pair = _PAIR.fullmatch(line)
    if pair is None:
        return line.replace("]]", "x]]") if line.startswith("[[") else ""
    key, value = pair.groups()
    if way % 2:
        return f"{key}x = {value}"
    if "{" in value or value.endswith("["):
        return ""
    other = "7" if value.startswith(('"', "[")) else '"no!"'
    return f"{key} = {other}"


def mistakes(folder: Path) -> Iterator[tuple[Path, str, int]]:
    for file in sorted(folder.rglob("*.toml")):
        lines = file.read_text("utf-8").splitlines()
        for at, line in enumerate(lines):
            way = at % EACH
            if way < 2 and (new := wrong(line, way)):
                yield file, "\n".join([*lines[:at], new, *lines[at + 1 :]]) + "\n", at + 1


@pytest.mark.parametrize("source", PLANTS, ids=lambda path: path.name)
def test_a_wrong_line_is_one_fault(tmp_path: Path, source: Path) -> None:
    folder = Path(shutil.copytree(source, tmp_path / "plant"))
    told: list[str] = []
    for file, text, line in list(mistakes(folder)):
        right = file.read_text("utf-8")
        file.write_text(text, "utf-8")
        try:
            load_plant(folder / "plant.toml")
        except ConfigurationError as error:
            told += [f"{file.name}:{line} {len(error.faults)}"]
        file.write_text(right, "utf-8")
    assert len(told) > 10
    assert [one for one in told if not one.endswith(" 1")] == []
