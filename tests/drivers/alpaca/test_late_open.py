"""A dome that hears an order to open after the one to close that overtook it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sereno.model import AckState
from sereno.sim.instruments.alpaca import AlpacaServer
from tests.drivers.alpaca.rig import Rig
from tests.drivers.alpaca.test_driver import at


class _Deaf:
    """Orders to open are taken up late, although who gave them has hung up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.began = 0
        self.tasks: list[asyncio.Task[Any]] = []
        answer = AlpacaServer.answer

        async def late(server: AlpacaServer, request: Any) -> Any:
            if request.method != "PUT" or not request.path.endswith("/openshutter"):
                return await answer(server, request)

            async def later() -> Any:
                await server._clock.sleep(seconds)
                return await answer(server, request)

            self.began += 1
            self.tasks.append(asyncio.create_task(later()))
            return await asyncio.shield(self.tasks[-1])

        monkeypatch.setattr(AlpacaServer, "answer", late)


ANSWER = AlpacaServer.answer
ORDERS = st.lists(
    st.tuples(st.sampled_from(["open", "close", "abort"]), st.floats(0.0, 40.0), st.floats(0.0, 30.0)), max_size=6
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ORDERS)
def test_the_last_word_is_what_was_ordered_last(tmp_path: Path, orders: list[tuple[str, float, float]]) -> None:
    """An order to open lands so many seconds after it was given, and the next order comes so many after it."""

    lands, tasks = [seconds for name, seconds, _ in orders if name == "open"], list[asyncio.Task[Any]]()

    async def later(server: AlpacaServer, request: Any, seconds: float) -> Any:
        await server._clock.sleep(seconds)
        return await ANSWER(server, request)

    async def late(server: AlpacaServer, request: Any) -> Any:
        if request.method != "PUT" or not request.path.endswith("/openshutter"):
            return await ANSWER(server, request)
        tasks.append(asyncio.create_task(later(server, request, lands[len(tasks)])))
        return await asyncio.shield(tasks[-1])

    def played() -> None:
        @at(tmp_path, "dome")
        async def _(bench: Rig) -> None:
            orders_given = []
            for name, _, pause in [*orders, ("close", 0.0, 0.0)]:
                orders_given.append(asyncio.create_task(bench.client.call("site/dome", name)))
                await bench.clock.sleep(max(pause, 0.1))
            await bench.clock.sleep(150.0)
            assert (await orders_given[-1]).state is AckState.DONE
            assert await bench.read("dome/shutter") == "closed"
            await asyncio.gather(*orders_given, *tasks, return_exceptions=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AlpacaServer, "answer", late)
        played()


@pytest.mark.parametrize("answered", [True, False])
def test_an_open_that_lands_after_the_close_that_overtook_it_is_closed_again(
    answered: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`answered` False: nobody waits for the order any more when the close comes."""
    deaf = _Deaf(monkeypatch, 8.0)

    @at(tmp_path, "dome")
    async def _(bench: Rig) -> None:
        order = asyncio.create_task(bench.client.call("site/dome", "open"))
        while not deaf.began:
            await bench.clock.sleep(0.01)
        await bench.clock.sleep(1.0 if answered else 6.0)
        assert order.done() is not answered
        await bench.call("dome", "close")
        assert (await order).state is AckState.UNKNOWN
        await bench.until("dome/shutter", "opening")
        await bench.until("dome/shutter", "closed")
        await bench.clock.sleep(90.0)
        assert await bench.read("dome/shutter") == "closed"
        bench.site.dome.move(1.0)  # somebody else's order is theirs
        await bench.until("dome/shutter", "open")
        await bench.clock.sleep(90.0)
        assert await bench.read("dome/shutter") == "open"


def test_an_order_to_open_ends_what_a_close_insists_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = _Deaf(monkeypatch, 4.0)

    @at(tmp_path, "dome")
    async def _(bench: Rig) -> None:
        order = asyncio.create_task(bench.client.call("site/dome", "open"))
        while not deaf.began:
            await bench.clock.sleep(0.01)
        await bench.call("dome", "close")
        assert (await order).state is AckState.UNKNOWN
        await bench.call("dome", "open")
        await bench.until("dome/shutter", "open")
        await bench.clock.sleep(90.0)
        assert await bench.read("dome/shutter") == "open"
