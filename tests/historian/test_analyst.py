"""Answers in pieces: bounded, whole, and given up when nobody listens."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sereno.access.actor import Actor
from sereno.client import AggregateRequest, Calendar, HistoryRequest
from sereno.historian import analyst
from sereno.historian.analyst import Analyst
from sereno.historian.query import Query
from sereno.model import DeniedError, NotConnectedError, OperationError
from sereno.testing import JumpingClock, run_jumping
from tests.historian.rig import SECOND, T0, VIEWER, ask, batch, floats, running

LEVEL, FLOW = "north/plc1/tag0", "north/plc1/tag1"
MADRID = Calendar("Europe/Madrid")


async def unrecorded(*_: object, **__: object) -> None:
    pass


def test_pieces_put_together_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analyst, "PIECE_ROWS", 30)

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock) as historian:
            for i in range(200):
                historian.accept(batch(T0 + i * SECOND, {0: float(i), 1: 1.0}))
                if i % 10 == 9:
                    await historian.durable()
            whole = await ask(historian, LEVEL, T0 + 5 * SECOND, T0 + 500 * SECOND)
            request = HistoryRequest((LEVEL, FLOW), T0 + 5 * SECOND, T0 + 500 * SECOND)
            found = [p async for p in Analyst(historian, MADRID, unrecorded).pieces(request, VIEWER)]
            mine = [p for p in found if p.tag == LEVEL]
            assert len(mine) > 3
            assert max(len(p.t) for p in mine) <= 40
            assert np.concatenate([p.t for p in mine]).tolist() == whole.t.tolist()
            assert np.concatenate([p.value for p in mine]).tolist() == whole.value.tolist()
            assert [p.tag for p in found] == [LEVEL] * len(mine) + [FLOW] * (len(found) - len(mine))

    run_jumping(story)


def test_aggregates_come_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analyst, "PIECE_BUCKETS", 7)

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            for i in range(100):
                historian.accept(batch(T0 + i * SECOND, {0: float(i)}))
            request = AggregateRequest((LEVEL,), T0, T0 + 90 * SECOND, "1s", ("mean", "increase"))
            found = [p async for p in Analyst(historian, MADRID, unrecorded).aggregate(request, VIEWER)]
            assert [len(p.t) for p in found] == [7] * 12 + [6]
            assert np.concatenate([p.columns["mean"] for p in found]).tolist() == [float(i) for i in range(90)]
            assert np.concatenate([p.columns["increase"] for p in found]).tolist() == [0.0] + [1.0] * 89
            assert found[0].timezone == "Europe/Madrid"

    run_jumping(story)


def test_who_leaves_ends_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analyst, "PIECE_BUCKETS", 5)

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            historian.accept(batch(T0, {0: 1.0}))
            request = AggregateRequest((LEVEL,), T0, T0 + 10**6 * SECOND, "1s", ("mean",))
            pieces = Analyst(historian, MADRID, unrecorded).aggregate(request, VIEWER)
            await anext(pieces)
            assert historian.statistics()["queries"] == 1
            await pieces.aclose()
            assert historian.statistics()["queries"] == 0
            waiting = asyncio.create_task(anext(Analyst(historian, MADRID, unrecorded).aggregate(request, VIEWER)))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert historian.statistics()["queries"] == 0

    run_jumping(story)


@pytest.mark.parametrize("points", [None, 10])
def test_what_is_given_up_leaves_no_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points: int | None
) -> None:
    """Each page that is left while its trend is made would put a traceback into the log."""
    begun = threading.Event()

    def answer(query: Query) -> None:
        begun.set()
        query.stop.wait(60)
        query._check()

    def whole() -> None:
        begun.set()
        time.sleep(0.05)
        raise OperationError("the query was given up")

    monkeypatch.setattr(Query, "answer", answer)
    complaints: list[dict[str, object]] = []

    async def story(clock: JumpingClock) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with running(tmp_path, floats(1), clock) as historian:
            historian.accept(batch(T0, {0: 1.0}))
            if points is None:
                async with historian.asking((LEVEL,), VIEWER) as asking:
                    waiting = asyncio.ensure_future(asking.run(whole))
                    await asyncio.to_thread(begun.wait, 60)
                    waiting.cancel()
            else:
                request = HistoryRequest((LEVEL,), T0, T0 + SECOND, points=points)
                waiting = asyncio.ensure_future(historian.query(request, VIEWER))
                await asyncio.to_thread(begun.wait, 60)
                waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        gc.collect()

    run_jumping(story)
    gc.collect()
    assert [one["message"] for one in complaints] == []


def test_nothing_is_told_to_whoever_may_not_know(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        request = HistoryRequest((LEVEL,), T0, T0 + SECOND)
        async with running(tmp_path, floats(1), clock) as historian:
            with pytest.raises(DeniedError):
                await anext(Analyst(historian, MADRID, unrecorded).pieces(request, Actor("nobody", ())))
        with pytest.raises(NotConnectedError):
            await anext(Analyst(historian, MADRID, unrecorded).pieces(request, VIEWER))

    run_jumping(story)
