from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.model import Access, TagSpec, ValueType, match_paths, tag_id

PATHS = ["a/d/level", "a/d/level2", "a/d2/level", "b/c/d/level", "b/c/d/state"]


def test_parts_of_the_path() -> None:
    spec = TagSpec(path="north/tanks/plc1/level")
    assert (spec.device, spec.name) == ("north/tanks/plc1", "level")


def test_a_renamed_tag_keeps_its_id() -> None:
    assert TagSpec(path="a/d/new", was="a/d/old").id == tag_id("a/d/old") == TagSpec(path="a/d/old").id


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"path": "level"}, "segment"),
        ({"path": "A/level"}, "lower_snake"),
        ({"was": "A/level"}, "lower_snake"),
        ({"type": ValueType.ENUM}, "labels"),
        ({"low": 2.0, "high": 1.0}, "low = 2 above high = 1"),
    ],
)
def test_wrong_declarations_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TagSpec(**{"path": "a/d/t", **wrong})


@pytest.mark.parametrize("kind", ValueType)
def test_rows_and_objects(kind: ValueType) -> None:
    labels = ("off", "on") if kind is ValueType.ENUM else ()
    assert TagSpec(path="a/t", type=kind, labels=labels).is_row == (kind is not ValueType.STRING)
    assert not TagSpec(path="a/t", type=kind, labels=labels, shape=(3,)).is_row
    assert kind.is_exact == ("64" in kind.value and "int" in kind.value)
    assert kind.is_float == kind.value.startswith("float")


@pytest.mark.parametrize("access", Access)
def test_who_may_write(access: Access) -> None:
    assert access.writable == ("write" in access.value)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, 0.0),
        ({"deadband": 0.5}, 0.5),
        ({"deadband_percent": 5.0}, 0.0),
        ({"deadband_percent": 5.0, "low": 10.0, "high": 30.0}, 1.0),
        ({"deadband_percent": 5.0, "low": 10.0, "high": 30.0, "deadband": 2.0}, 2.0),
    ],
)
def test_the_larger_deadband_counts(keys: dict[str, float], expected: float) -> None:
    assert TagSpec(path="a/t", **keys).deadband_absolute == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("a/d/level", [0]),
        ("a/d", [0, 1]),
        ("a", [0, 1, 2]),
        ("a/d/lev", []),
        ("*", [0, 1, 2, 3, 4]),
        ("*/level", [0, 2, 3]),
        ("b*state", [4]),
        ("a/d?/level", [2]),
        ("a/d/level[0-9]", [1]),
        ("A/*", []),
        ("", []),
    ],
)
def test_globs(glob: str, expected: list[int]) -> None:
    assert match_paths(glob, PATHS) == [PATHS[i] for i in expected]


@given(st.text("ab/_*?", max_size=8))
def test_globs_keep_the_order_and_name_only_what_is_there(glob: str) -> None:
    found = match_paths(glob, PATHS)
    assert found == [path for path in PATHS if path in found]
