"""Whatever instruments do, an execution ends with a reason, and what it asks for is always sensible."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from sereno_observatory.observer.goal import Answer, Order
from sereno_observatory.sequences import Event
from tests.observatory.observer.world import NIR, VIS, Run, World
from tests.observatory.sequences.asked import entry

LIMIT = 4000.0


@st.composite
def troubles(draw: st.DrawFn) -> tuple[int, float, list[tuple[float, str, str]], float | None]:
    """Seed of answers, share that goes wrong, (when, what, to which device), when somebody stops it."""
    what, device = st.sampled_from(["lose", "find", "error", "still"]), st.sampled_from(["mount", "vis", "nir", "plc"])
    events = st.tuples(st.floats(0, 400), what, device)
    stop = draw(st.none() | st.floats(0, 300))
    return draw(st.integers(0, 2**32)), draw(st.sampled_from([0.0, 0.1, 0.5])), draw(st.lists(events, max_size=5)), stop


@settings(max_examples=60, deadline=None)
@given(troubles())
def test_it_ends_with_a_reason_and_stops_what_it_started(
    given: tuple[int, float, list[tuple[float, str, str]], float | None],
) -> None:
    seed, share, events, stop = given
    chance = random.Random(seed)

    def judge(_: Order) -> tuple[Answer, str]:
        return (chance.choice([Answer.REFUSED, Answer.LOST]), "no") if chance.random() < share else (Answer.DONE, "")

    run = Run(entry(), World(judge), left=LIMIT)
    while not run.execution.over:
        assert run.world.now < LIMIT + 100, "it does not end"
        for when, what, device in events:
            if run.world.now <= when < run.world.now + 0.5:
                happen(run.world, what, device)
        if stop is not None and run.world.now >= stop:
            run.execution.end(Event.CANCEL, "somebody")
        run.step()
    assert run.execution.outcome is not None
    assert run.execution.why or run.execution.outcome is Event.FINISH
    check(run, stop, honest=share == 0.0)


def happen(world: World, what: str, device: str) -> None:
    if what == "lose":
        world.lost.add(device)
    elif what == "find":
        world.lost.discard(device)
    elif what == "error":
        world.values |= {f"{device}/state": "error", f"{device}/trouble": "it hurts"}
    else:
        world.coming = []


def check(run: Run, stop: float | None, *, honest: bool) -> None:
    asked = run.kept
    assert len(asked) == len(set(asked)) <= 3
    if run.execution.outcome is Event.FINISH:
        assert len(asked) == 3
    exposures = [(at, order) for at, order in run.world.orders if order.name == "expose"]
    slews = run.ordered("slew")
    assert all(slews and at > slews[0] for at, _ in exposures)
    assert all(order.device in (VIS.camera, NIR.camera) for _, order in exposures)
    if stop is not None:
        assert not [at for at, _ in exposures if at >= stop + 0.5]
    if honest and not run.world.lost:
        assert not any(run.world.values[f"{camera}/state"] == "exposing" for camera in ("vis", "nir"))
