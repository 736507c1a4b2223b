"""Who asks in a played night waits for whom it asks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from sereno.model import OperationalState
from sereno.testing import JumpingClock, jumping
from sereno_observatory.night.asking import BOOK, book_is_there


class Starting:
    """A client of a node whose book is enabled at its third look."""

    def __init__(self) -> None:
        self.looks = 0

    async def devices(self) -> list[Any]:
        self.looks += 1
        here = OperationalState.ENABLED if self.looks > 2 else OperationalState.OFFLINE
        others = [SimpleNamespace(path="site/plc", state=OperationalState.ENABLED)]
        return others + ([SimpleNamespace(path=BOOK, state=here)] if self.looks > 1 else [])


@jumping
async def test_a_book_that_is_slow_to_open_is_waited_for(clock: JumpingClock) -> None:
    client = Starting()
    await book_is_there(cast(Any, client), clock)
    assert (client.looks, clock.monotonic()) == (3, 2.0)
