from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.model import check_path, split_tag_path, suggest_segment, tag_id

SEGMENTS = st.text("abcxyz0189_", min_size=1, max_size=12)
PATHS = st.lists(SEGMENTS, min_size=2, max_size=5).map("/".join)


def test_the_id_of_a_path_is_stored_and_must_never_change() -> None:
    assert tag_id("north/plc1/level") == 8596368911892920834


@given(PATHS)
def test_ids_are_63_bit(path: str) -> None:
    assert 0 <= tag_id(path) < 2**63
    assert tag_id(path) == tag_id(path)


def test_ids_differ() -> None:
    assert len({tag_id(f"a/d/tag{i}") for i in range(10_000)}) == 10_000


@given(PATHS)
def test_good_paths_pass_and_split(path: str) -> None:
    assert check_path(path) == path
    device, name = split_tag_path(path)
    assert f"{device}/{name}" == path
    assert "/" not in name


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("level", "expected at least 2"),
        ("", "expected at least 2"),
        ("a//b", "try 'tag'"),
        ("a/b/", "lower_snake"),
        ("North/PLC 1", "try 'north'"),
        ("north/PLC 1", "try 'plc_1'"),
        ("north/plc-1\n", "try 'plc_1'"),
        ("north/plc1\n", "try 'plc1'"),
        ("año/x", "try 'a_o'"),
        ("a/" + "b" * 200, "at most 200"),
    ],
)
def test_bad_paths_are_refused_with_a_hint(path: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_path(path)


def test_devices_may_have_one_segment() -> None:
    assert check_path("plc1", segments=1) == "plc1"


@given(st.text())
def test_a_suggestion_is_a_good_segment(text: str) -> None:
    check_path(suggest_segment(text)[:100], segments=1)
