"""The order in which derived tags are worked out, and cycles with the way round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.derive.rule import CycleError, levels


def test_levels_follow_what_is_needed() -> None:
    needs = {"d/c/z": ["d/c/y", "a/b/x"], "d/c/y": ["a/b/x"], "d/c/w": ["a/b/x"]}
    assert levels(needs) == [["d/c/y", "d/c/w"], ["d/c/z"]]
    assert levels({}) == []


def test_a_cycle_is_told_with_its_way() -> None:
    with pytest.raises(CycleError, match="derived from itself") as caught:
        levels({"start": ["a"], "a": ["b", "plain"], "b": ["c"], "c": ["a"]})
    cycle = caught.value.cycle
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"a", "b", "c"}
    with pytest.raises(CycleError, match="x -> x"):
        levels({"x": ["x"]})


def test_a_long_chain_is_no_matter_of_the_stack() -> None:
    needs = {str(n): [str(n - 1)] for n in range(1, 5000)}
    assert len(levels(needs)) == 4999


@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=4), max_size=13))
def test_either_every_need_comes_earlier_or_there_is_a_cycle(graph: dict[int, list[int]]) -> None:
    needs = {str(node): [str(one) for one in wanted] for node, wanted in graph.items()}
    try:
        order = levels(needs)
    except CycleError as error:
        for path, needed in zip(error.cycle, error.cycle[1:], strict=False):
            assert needed in needs[path]
        return
    depth = {path: number for number, level in enumerate(order) for path in level}
    assert depth.keys() == needs.keys()
    assert all(depth[one] < depth[path] for path in needs for one in needs[path] if one in needs)
