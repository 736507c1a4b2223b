from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.hub.paths import PathIndex
from sereno.model import TagHandle, match_paths

SEGMENT = st.sampled_from(["a", "b", "ab", "a1", "a_b", "pump", "p", "0"])
PATH = st.lists(SEGMENT, min_size=2, max_size=4).map("/".join)
GLOB = st.one_of(
    PATH,
    SEGMENT,
    st.lists(st.sampled_from(["a", "b", "/", "*", "?", "[ab]", "p", "_"]), max_size=6).map("".join),
)


def index_of(paths: list[str]) -> PathIndex:
    index = PathIndex()
    for handle, path in enumerate(paths):
        index.add(path, TagHandle(handle))
    return index


@given(st.lists(PATH, unique=True, max_size=30), GLOB)
def test_find_is_match_paths(paths: list[str], glob: str) -> None:
    assert index_of(paths).find(glob) == match_paths(glob, sorted(paths))


def test_find_all_names_each_once() -> None:
    index = index_of(["b/c", "a/b/c", "a/b/d"])
    assert index.find_all(["a/*", "a/b/d", "b"]) == ["a/b/c", "a/b/d", "b/c"]
    assert index.find_all([]) == ["a/b/c", "a/b/d", "b/c"]
    assert index.find_all(["z"]) == []


def test_adding_after_finding() -> None:
    index = index_of(["b/c"])
    assert index.find("*") == ["b/c"]
    index.add("a/c", TagHandle(1))
    assert index.find("*") == ["a/c", "b/c"]
    assert index.get("a/c") == 1
    assert index.get("a") is None


def test_nearest_looks_in_the_device_then_for_the_device() -> None:
    index = index_of(["river/plc1/tank_level", "river/plc1/turbidity", "town/plc2/demand"])
    assert index.nearest("river/plc1/tank_levle") == ["river/plc1/tank_level"]
    assert index.nearest("rivr/plc1/turbidity") == ["river/plc1/turbidity"]
    assert index.nearest("rivr/plc1/turbidty", lambda p: False) == []
    assert index.nearest("something/else/entirely") == []
    assert index.nearest("level") == []
