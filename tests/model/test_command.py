from __future__ import annotations

import pytest

from sereno.model import AckState, Command, Verb, new_key

FINAL = {"done", "failed", "refused", "cancelled", "timed_out", "unknown"}


@pytest.mark.parametrize("state", AckState)
def test_final_states(state: AckState) -> None:
    assert state.final == (state.value in FINAL)


def test_every_command_has_its_own_key() -> None:
    assert Command(target="a/d/t").key != Command(target="a/d/t").key
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) == 32


def test_a_command_is_a_write_that_never_expires_unless_told() -> None:
    command = Command(target="a/d/t", value=3)
    assert (command.verb, command.expires, command.arguments) == (Verb.WRITE, 0, ())
