"""What the process of an agent asks before a command begins, and what it makes of the answer."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from sereno.access.actor import Actor
from sereno.app.apart.permit import ANSWER_TIMEOUT, FRESH, QUESTIONS, NodePermits
from sereno.app.apart.seat import ApartSeats
from sereno.client import RemoteClient
from sereno.model import Command, NotConnectedError, RefusedError, Verb
from sereno.testing import JumpingClock, jumping

OPEN = Command(target="lab/gate", verb=Verb.CALL, name="open", key="a-key-of-the-node")


class Node:
    """Answers after so many seconds each time, with an error where one is given."""

    def __init__(self, clock: JumpingClock, *answers: float | Exception) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.asked: list[str] = []

    async def may_begin(self, key: str) -> None:
        """See RemoteClient."""
        self.asked.append(key)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        await self.clock.sleep(answer)


def permits(node: Node) -> NodePermits:
    return NodePermits(cast("RemoteClient", node), node.clock)


@jumping
async def test_an_answer_that_is_fresh_is_enough(clock: JumpingClock) -> None:
    node = Node(clock, 0.1)
    await permits(node)(OPEN)
    assert node.asked == [OPEN.key]


@jumping
async def test_who_slept_before_it_heard_the_answer_asks_again(clock: JumpingClock) -> None:
    node = Node(clock, FRESH * 2, RefusedError("it rains"))
    with pytest.raises(RefusedError, match="it rains"):
        await permits(node)(OPEN)


@jumping
async def test_answers_that_are_never_fresh_are_none(clock: JumpingClock) -> None:
    node = Node(clock, *[FRESH * 2] * QUESTIONS)
    with pytest.raises(RefusedError, match=r"answers take longer than 0\.5 s"):
        await permits(node)(OPEN)


@pytest.mark.parametrize("answer", [ANSWER_TIMEOUT * 2, NotConnectedError("it is gone"), OSError("broken pipe")])
@jumping
async def test_without_an_answer_nothing_begins(clock: JumpingClock, answer: float | Exception) -> None:
    with pytest.raises(RefusedError, match="not begun"):
        await permits(Node(clock, answer))(OPEN)


def test_the_node_answers_for_what_it_waits_for_and_nobody_else(tmp_path: Path) -> None:
    seats = ApartSeats(tmp_path)
    gate, other = (Actor(f"agent/lab/{name}", (), "agent") for name in ("gate", "other"))
    seats.replace({"lab/gate": gate, "lab/other": other})
    asked: list[str] = []
    with seats.given("lab/gate", "a-key-of-the-node", lambda: asked.append("gate")):
        seats.begins("a-key-of-the-node", gate)
        for key, actor in (("a-key-of-the-node", other), ("another-key", gate)):
            with pytest.raises(RefusedError, match="waits for no such command"):
                seats.begins(key, actor)
    with pytest.raises(RefusedError, match="waits for no such command"):
        seats.begins("a-key-of-the-node", gate)
    assert asked == ["gate"]
    seats.replace({})
    with pytest.raises(NotConnectedError, match="no agent"), seats.given("lab/gate", "key", lambda: None):
        pass
