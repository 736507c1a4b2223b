"""How much of the record those may fill who may do no more than read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.hub.questions import AT_ONCE, MOST_ACTORS, PER_SECOND, Questions


def test_a_burst_then_so_many_a_second_each_for_themselves() -> None:
    now = [7.0]
    questions = Questions(lambda: now[0])
    assert [questions.admits("eve") for _ in range(int(AT_ONCE) + 3)] == [True] * int(AT_ONCE) + [False] * 3
    assert questions.admits("rita")
    now[0] += 1.0
    assert [questions.admits("eve") for _ in range(7)] == [True] * int(PER_SECOND) + [False] * 2


@given(st.lists(st.floats(0.0, 3.0), max_size=300))
def test_in_the_long_run_nobody_gets_more(pauses: list[float]) -> None:
    now = [0.0]
    questions, admitted = Questions(lambda: now[0]), 0
    for pause in pauses:
        now[0] += pause
        admitted += questions.admits("eve")
    assert admitted <= AT_ONCE + PER_SECOND * sum(pauses) + 1e-6


def test_names_without_end_take_no_memory_without_end() -> None:
    questions = Questions(lambda: 0.0)
    for number in range(MOST_ACTORS + 50):
        questions.admits(f"reader {number}")
    assert len(questions._left) == MOST_ACTORS
