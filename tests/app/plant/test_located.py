"""The line of every key, against what tomllib parsed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.app.plant.located import load_toml
from sereno.model import ConfigurationError

TEXT = '''# a plant
[plant]
name = "A # not a comment"   # comment
include = [
    "one.toml",  # first
    "two.toml",
]

[[device]]
name = 'x'
groups = { fast = "100ms", slow = { period = "1s" } }

[[device.tag]]
name = """multi
line"""
address = "holding:1"
alarm.hi = 5

[[device.tag]]
name = "second"

[[device]]
name = "y"
[[device.tag]]
name = "third"
'''


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plant.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("plant",), 2),
        (("plant", "name"), 3),
        (("plant", "include"), 4),
        (("plant", "include", 1), 6),
        (("device", 0), 9),
        (("device", 0, "groups", "slow", "period"), 11),
        (("device", 0, "tag", 0, "name"), 14),
        (("device", 0, "tag", 0, "address"), 16),
        (("device", 0, "tag", 0, "alarm", "hi"), 17),
        (("device", 0, "tag", 1, "name"), 20),
        (("device", 1, "tag", 0, "name"), 25),
        (("device", 1, "tag", 0, "nowhere"), 24),
    ],
)
def test_key_is_found_on_its_line(tmp_path: Path, key: tuple[str | int, ...], line: int) -> None:
    file = load_toml(write(tmp_path, TEXT))
    assert file.where(*key) == f"{file.path}:{line}"


def every_key(value: Any, key: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [k for name, v in value.items() for k in ((*key, name), *every_key(v, (*key, name)))]
    if isinstance(value, list):
        return [k for i, v in enumerate(value) for k in every_key(v, (*key, i))]
    return []


NAMES = st.text("abcdefgh_-0123", min_size=1, max_size=6)
STRINGS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
SCALARS = st.one_of(st.integers(-9, 9), st.booleans(), STRINGS)


def spell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[\n " + ",\n ".join(spell(v) for v in value) + "\n]" if value else "[]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {spell(v)}" for k, v in value.items()) + " }"
    return str(value)


@given(
    st.dictionaries(
        NAMES,
        st.dictionaries(
            NAMES, st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(NAMES, SCALARS, max_size=3))
        ),
        max_size=4,
    )
)
def test_every_key_has_the_line_that_holds_its_name(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]
) -> None:
    lines: list[str] = []
    for table, pairs in data.items():
        lines += ["", f"[[{table}]]", *[f"{k} = {spell(v)}  # it is {k}" for k, v in pairs.items()]]
    text = "\n".join(lines) + "\n"
    file = load_toml(write(tmp_path_factory.mktemp("toml"), text))
    for key in every_key(file.data):
        line = int(file.where(*key).rsplit(":", 1)[1])
        assert str(key[-1]) in text.splitlines()[line - 1], (key, line)
        assert key in file.lines


@pytest.mark.parametrize(
    ("raw", "line", "words"),
    [
        (b"[plant\nname = 1\n", 1, "not TOML"),
        (b"a = 1\nb = \n", 2, "not TOML"),
        (b"a = 1\na = 2\n", 2, "not TOML"),
        (b"a = 1\nb = '\xff'\n", 2, "0xff"),
        (b'a = """never closed\n', 2, "not TOML"),
    ],
)
def test_broken_file_is_refused_with_its_line(tmp_path: Path, raw: bytes, line: int, words: str) -> None:
    path = tmp_path / "plant.toml"
    path.write_bytes(raw)
    with pytest.raises(ConfigurationError, match=words) as caught:
        load_toml(path)
    assert caught.value.faults[0].where == f"{path}:{line}"


def test_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "plant.toml").write_text("")
    with pytest.raises(ConfigurationError, match=r"no such file.*plant\.toml"):
        load_toml(tmp_path / "plants.toml")
