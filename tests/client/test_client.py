from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import ROLES, Actor
from sereno.client import Client, HistoryRequest, Reading, Series
from sereno.model import Ack, AckState, Command, NotFoundError, TagSpec, Verb

NOW = 1_763_600_000_000_000_000
ANNA = Actor("anna", (ROLES["operator"],), origin="here")
LEVEL, SPARE = TagSpec(path="north/plc1/level"), TagSpec(path="north/plc1/level/spare")


class Plant:
    """Every port at once; notes what it was asked."""

    def __init__(self, states: tuple[AckState, ...] = (AckState.ACCEPTED, AckState.DONE)) -> None:
        self.states = states
        self.asked: list[Any] = []

    def wall_ns(self) -> int:
        return NOW

    async def tags(self, globs: Any, actor: Actor) -> list[TagSpec]:
        self.asked.append((globs, actor))
        return [LEVEL]

    async def read(self, globs: Any, actor: Actor) -> list[Reading]:
        self.asked.append((globs, actor))
        return [Reading(tag, 1.5, 0, "", NOW, 0.1) for tag in (SPARE, LEVEL)]

    async def subscribe(self, globs: Any, actor: Actor, **how: Any) -> Any:
        self.asked.append((globs, actor, how))

    async def submit(self, command: Command, actor: Actor) -> Any:
        self.asked.append((command, actor))
        for state in self.states:
            yield Ack(key=command.key, state=state, t=NOW)

    async def acks(self, key: str, actor: Actor) -> list[Ack]:
        return [Ack(key=key, state=AckState.DONE, t=NOW)]

    async def query(self, request: HistoryRequest, actor: Actor) -> list[Series]:
        self.asked.append((request, actor))
        return [Series(t, "", np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint16)) for t in request.tags]

    async def devices(self, actor: Actor) -> list[Any]:
        return []

    async def trace(self, device: str, actor: Actor) -> Any:
        yield (device, actor)


def client_of(plant: Plant) -> Client:
    return Client(plant, plant, plant, plant, ANNA, clock=plant)  # type: ignore[arg-type]


async def test_every_call_names_the_actor() -> None:
    plant = Plant()
    async with client_of(plant) as client:
        assert await client.tags("north/*") == [LEVEL]
        assert len(await client.read()) == 2
        await client.subscribe("a", "b", min_interval=0.5)
        assert [line async for line in client.trace("north/plc1")] == [("north/plc1", ANNA)]
        assert await client.devices() == []
        other = client.as_actor(Actor("ben"))
        await other.read("x")
    assert plant.asked == [
        (("north/*",), ANNA),
        ((), ANNA),
        (("a", "b"), ANNA, {"min_interval": 0.5, "lossless": False}),
        (("x",), Actor("ben")),
    ]


async def test_get_takes_the_tag_itself_and_not_what_is_below() -> None:
    client = client_of(Plant())
    assert (await client.get("north/plc1/level")).tag is LEVEL
    with pytest.raises(NotFoundError, match="north/plc1/level/spare"):
        await client.get("north/plc1")


async def test_write_gives_the_final_ack_and_an_expiry() -> None:
    plant = Plant()
    ack = await client_of(plant).write("north/plc1/level", 2.5, expected=1.0, timeout=3.0, comment="why", key="k" * 8)
    assert (ack.state, ack.key) == (AckState.DONE, "k" * 8)
    command, actor = plant.asked[0]
    assert (command.verb, command.value, command.expected, command.comment) == (Verb.WRITE, 2.5, 1.0, "why")
    assert (command.actor, command.origin, command.expires, actor) == ("anna", "here", NOW + 3_000_000_000, ANNA)


async def test_a_refused_write_raises_nothing() -> None:
    ack = await client_of(Plant((AckState.REFUSED,))).write("north/plc1/level", 2.5)
    assert ack.state is AckState.REFUSED


async def test_acks_without_an_end_mean_unknown() -> None:
    ack = await client_of(Plant((AckState.ACCEPTED,))).write("north/plc1/level", 2.5)
    assert ack.state is AckState.UNKNOWN


async def test_call_carries_name_and_arguments() -> None:
    plant = Plant()
    await client_of(plant).call("north/plc1", "reset", 1, "b")
    command, _ = plant.asked[0]
    assert (command.target, command.verb, command.name, command.arguments) == (
        "north/plc1",
        Verb.CALL,
        "reset",
        (1, "b"),
    )


@pytest.mark.parametrize(
    ("start", "ns"),
    [
        (5, 5),
        ("now-6h", NOW - 6 * 3600 * 10**9),
        ("2025-11-20T00:53:20Z", NOW),
        (datetime(2025, 11, 20, 0, 53, 20, tzinfo=UTC), NOW),
        (datetime.fromisoformat("2025-11-20T00:53:20"), NOW),
        (datetime(2025, 11, 20, 1, 53, 20, tzinfo=timezone(timedelta(hours=1))), NOW),
    ],
)
async def test_query_takes_times_in_every_form(start: Any, ns: int) -> None:
    plant = Plant()
    assert [s.tag for s in await client_of(plant).query("a/b/c", "a/b/d", start=start, points=7)] == ["a/b/c", "a/b/d"]
    assert plant.asked == [(HistoryRequest(("a/b/c", "a/b/d"), ns, NOW, 7), ANNA)]
