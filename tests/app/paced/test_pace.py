"""What is typed while a play runs: real time and back, other speeds, and what is no speed; at a real terminal too."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from sereno.app.paced.clock import PacedClock
from sereno.app.paced.pace import Pace


def told(clock: PacedClock, *lines: str) -> list[str]:
    """What is answered to these lines."""
    words: list[str] = []
    pace = Pace(clock, words.append)
    for line in lines:
        pace.typed(line)
    return words


def test_enter_brings_real_time_and_back() -> None:
    clock = PacedClock(0, 120.0)
    assert told(clock, "", "\n", " ") == ["real time", "120 times as fast", "real time"]
    assert clock.speed == 1


@pytest.mark.parametrize(("begun", "back"), [(0.0, "as fast as it goes"), (1.0, "60 times as fast")])
def test_enter_leads_back_to_what_was_or_to_a_usual_speed(begun: float, back: str) -> None:
    clock = PacedClock(0, begun)
    assert told(clock, *[""] * (1 + (begun != 1)))[-1] == back


def test_a_number_is_a_speed_and_is_what_enter_leads_back_to() -> None:
    clock = PacedClock(0, 120.0)
    assert told(clock, "2.5", " 1 ", "", "0") == [
        "2.5 times as fast",
        "real time",
        "2.5 times as fast",
        "as fast as it goes",
    ]
    assert clock.speed == 0


@pytest.mark.parametrize("line", ["fast", "0.5", "-1", "nan", "inf", "12x", "1 2", "é" * 100])
def test_what_is_no_speed_is_said_so_and_changes_nothing(line: str) -> None:
    clock = PacedClock(0, 120.0)
    (answer,) = told(clock, line)
    assert "is no speed, expected 1 or more, or 0" in answer
    assert len(answer) < 200
    assert clock.speed == 120


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_lines_come_from_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()

    async def work() -> list[str]:
        words: list[str] = []
        changed = asyncio.Event()
        pace = Pace(PacedClock(0, 120.0), lambda said: (words.append(said), changed.set())[0])
        pace.listen()
        for line in (b"\n", b"30\n", b"so\n"):
            os.write(ours, line)
            await asyncio.wait_for(changed.wait(), 60)
            changed.clear()
        return words

    try:
        with os.fdopen(theirs, closefd=False) as terminal:
            monkeypatch.setattr(sys, "stdin", terminal)
            real, faster, wrong = asyncio.run(work())
    finally:
        os.close(ours)
        os.close(theirs)
    assert (real, faster) == ("real time", "30 times as fast")
    assert "'so' is no speed" in wrong
