"""Who asks for what in a night that is looked at: an astronomer for its program, simulated users in rounds."""

from __future__ import annotations

from collections.abc import Callable

from sereno.client import Client, done
from sereno.model import Clock, OperationalState
from sereno.sim.scenario import read_scenario
from sereno_observatory.simulators import SCENARIOS
from sereno_observatory.users import REQUESTS, Submission, play, request_texts

from .program import Wanted

BOOK = "observatory/sequences"
ROUND, PAUSE = 7200.0, 100.0
"""Seconds between two rounds of requests, and between two iterations of a round."""


async def book_is_there(client: Client, clock: Clock) -> None:
    """Wait until the book takes commands: its agent may be slower to start than who asks it."""
    while not any(one.path == BOOK and one.state is OperationalState.ENABLED for one in await client.devices()):
        await clock.sleep(1.0)


async def ask_for(client: Client, program: list[Wanted], dusk: float, clock: Clock) -> list[int]:
    """Ask for all of a program, whose night begins at `dusk` (seconds since 1970). Its numbers in the book."""
    numbers: list[int] = []
    for one in program:
        text = one.text(dusk, clock.wall_ns() / 1e9)
        numbers += done(await client.call(BOOK, "add", text)).value
    return numbers


async def rounds(client: Client, tell: Callable[[Submission], None], last: float, clock: Clock) -> None:
    """Have users submit their requests now and every two hours, none of the rounds later than `last` but the first."""
    scenario = read_scenario(SCENARIOS / "full.json")
    texts = request_texts(scenario, REQUESTS)

    async def submit(text: str) -> list[int]:
        numbers: list[int] = done(await client.call(BOOK, "add", text)).value
        return numbers

    while True:
        begun = clock.wall_ns() / 1e9
        await play(scenario, texts, submit, tell, clock=clock, period=PAUSE)
        await clock.sleep(max(0.0, begun + ROUND - clock.wall_ns() / 1e9))
        if clock.wall_ns() / 1e9 > last:
            return
