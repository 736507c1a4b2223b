from __future__ import annotations

import itertools

import pytest

from sereno.model import TRANSITIONS, OperationalState, path_between

S = OperationalState
PAIRS = list(itertools.product(S, S))


def test_every_state_has_its_transitions_and_none_to_itself() -> None:
    assert set(TRANSITIONS) == set(S)
    assert all(state not in after for state, after in TRANSITIONS.items())


@pytest.mark.parametrize(("start", "goal"), PAIRS)
def test_every_state_is_reached_along_the_table_without_passing_fault(start: S, goal: S) -> None:
    way = [start, *path_between(start, goal)]
    assert way[-1] is goal
    assert all(b in TRANSITIONS[a] for a, b in itertools.pairwise(way))
    assert S.FAULT not in way[1:-1]
    assert len(set(way)) == len(way)


@pytest.mark.parametrize(("start", "goal"), PAIRS)
def test_the_way_is_the_shortest(start: S, goal: S) -> None:
    reached, steps = {start}, 0
    while goal not in reached:
        reached |= {b for a in reached if a is not S.FAULT or a is start for b in TRANSITIONS[a]}
        steps += 1
    assert len(path_between(start, goal)) == steps


def test_ways_that_operators_see() -> None:
    assert path_between(S.OFFLINE, S.ENABLED) == [S.STANDBY, S.DISABLED, S.ENABLED]
    assert path_between(S.ENABLED, S.OFFLINE) == [S.DISABLED, S.STANDBY, S.OFFLINE]
    assert path_between(S.ENABLED, S.FAULT) == [S.FAULT]


def test_a_state_without_a_way_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRANSITIONS, S.STANDBY, frozenset())
    with pytest.raises(ValueError, match="no way from offline to enabled"):
        path_between(S.OFFLINE, S.ENABLED)
