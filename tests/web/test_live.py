"""The pages' socket."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from sereno.access.accounts import Accounts
from sereno.access.actor import Actor
from sereno.access.session_limits import SessionLimits
from sereno.client import WaitingCommand, WaitsFor
from sereno.model import Say, Verb
from sereno.store.engine import Store
from sereno.web.outlets import RIGHTS_CHANGED, SIGNED_OUT
from sereno.wire.frame import FrameKind


async def _open(site: Any, user: str = "viewer") -> Any:
    made = await site.accounts.sessions.open(user, "")
    socket = site.connect("/api/v1/live", origin="http://localhost", cookie=f"{site.context.cookie}={made.secret}")
    assert (await socket.next())["type"] == "websocket.accept"
    return socket


async def test_subscribe_gives_declarations_then_frames(site) -> None:
    async with site.running():
        socket = await _open(site)
        socket.ask(type="subscribe", sub=5, tags=["north"], interval=0.1)
        told = await socket.text()
        assert (told["type"], told["sub"]) == ("subscribed", 5)
        assert told["tags"][0]["tag"] == "north/plc1/level"
        first = await socket.frame()
        assert (first.kind, first.sub, first.objects[0][1]) == (FrameKind.SNAPSHOT, 5, "summer")
        site.plant.set("north/plc1/level", 3.25)
        change = await socket.frame()
        assert (change.kind, change.index.tolist(), change.values.tolist()) == (FrameKind.CHANGES, [0], [3.25])
        socket.ask(type="unsubscribe", sub=5)
        await socket.close()
    assert site.plant.subscriptions[0].closed


async def test_two_subscriptions_on_one_socket(site) -> None:
    async with site.running():
        socket = await _open(site)
        socket.ask(type="subscribe", sub=1, tags=["north"])
        socket.ask(type="subscribe", sub=2, tags=["south"])
        seen = {(await socket.frame()).sub for _ in range(2)}
        assert seen == {1, 2}
        socket.ask(type="unsubscribe", sub=1)
        while not site.plant.subscriptions[0].closed:
            await asyncio.sleep(0)
        site.plant.set("north/plc1/level", 1.0)
        site.plant.set("south/plc2/level", 8.0)
        assert (await socket.frame()).sub == 2
        await socket.close()


async def test_the_same_number_again_replaces(site) -> None:
    async with site.running():
        socket = await _open(site)
        socket.ask(type="subscribe", sub=1, tags=["north"])
        await socket.text()
        socket.ask(type="subscribe", sub=1, tags=["south"])
        assert [tag["tag"] for tag in (await socket.text())["tags"]] == ["south/plc2/level"]
        assert site.plant.subscriptions[0].closed
        await socket.close()


async def test_a_heartbeat_each_second_with_or_without_subscriptions(site) -> None:
    async with site.running():
        socket = await _open(site)
        for second in (1, 2):
            await site.clock.advance(1.0)
            beat = await socket.frame(FrameKind.HEARTBEAT)
            assert (beat.sub, beat.t_hub) == (0, 1_763_640_000_000_000_000 + second * 10**9)
        await socket.close()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"sub": 1, "tags": ["none"]}, "no tag"),
        ({"sub": 0, "tags": []}, "subscription number 0"),
        ({"sub": 2**32, "tags": []}, "subscription number"),
        ({"sub": 1, "tags": [""]}, "1 to 200 characters"),
        ({"sub": 1, "tags": ["x"] * 501}, "at most 500"),
        ({"sub": 1, "interval": -1}, "interval of -1"),
        ({"sub": 1, "interval": 61}, "interval of 61"),
    ],
)
async def test_a_subscription_that_cannot_be_is_an_error_message(site, message: dict[str, Any], words: str) -> None:
    async with site.running():
        socket = await _open(site)
        socket.ask(type="subscribe", **message)
        told = await socket.text()
        assert (told["type"], told["sub"]) == ("error", message["sub"])
        assert words in told["detail"]
        socket.ask(type="subscribe", sub=9, tags=["south"])
        assert (await socket.text())["type"] == "subscribed"
        await socket.close()


async def test_subscriptions_are_bounded(site) -> None:
    async with site.running():
        socket = await _open(site)
        for sub in range(1, 34):
            socket.ask(type="subscribe", sub=sub, tags=["south"])
        told = [await socket.text() for _ in range(33)]
        assert [t["type"] for t in told] == ["subscribed"] * 32 + ["error"]
        await socket.close()


@pytest.mark.parametrize(
    "message",
    [
        {"type": "websocket.receive", "text": "nonsense"},
        {"type": "websocket.receive", "text": '{"type": "write", "tag": "a/b", "value": 1}'},
        {"type": "websocket.receive", "text": '{"type": "subscribe", "sub": 1, "actor": "admin"}'},
        {"type": "websocket.receive", "text": "[" * 60_000},
        {"type": "websocket.receive", "bytes": b"\x00"},
        {"type": "websocket.receive", "text": '"\ud800"'},
    ],
    ids=lambda m: str(m)[30:70],
)
async def test_a_message_that_is_not_understood_ends_the_socket(site, message: dict[str, Any]) -> None:
    async with site.running():
        socket = await _open(site)
        socket.say(message)
        code, reason = await socket.closed()
    assert code == 1003
    assert reason.startswith("not understood")
    assert site.plant.commands == []


async def test_signing_out_closes_open_sockets(site) -> None:
    made = await site.accounts.sessions.open("viewer", "")
    async with site.running():
        socket = site.connect("/api/v1/live", origin="http://localhost", cookie=f"{site.context.cookie}={made.secret}")
        await socket.next()
        other = await _open(site)
        await site.accounts.sessions.end(made.secret)
        assert await socket.closed() == (4401, "signed out")
        await other.close()


async def test_rights_that_change_close_the_socket_for_a_new_start(site) -> None:
    async with site.running():
        socket = await _open(site, "operator")
        await site.accounts.set_roles("operator", ["viewer"], by="test")
        assert await socket.closed() == (4403, "rights have changed")


async def test_a_session_that_runs_out_closes_the_socket_although_values_flow(site) -> None:
    async with site.running():
        socket = await _open(site)
        site.accounts.sessions.limits = SessionLimits(idle=10.0)
        await site.clock.advance(31.0)
        assert (await socket.closed())[0] == 4401


async def test_a_client_that_takes_nothing_is_cut_off(site) -> None:
    async with site.running():
        stuck = await _open(site)
        stuck.flowing.clear()
        await site.clock.advance(15.0)
        await asyncio.wait_for(stuck.task, 60)
        assert len(site.app.state.outlets) == 0


async def test_a_slow_socket_gets_a_fresh_snapshot(site) -> None:
    async with site.running():
        slow, quick = await _open(site), await _open(site)
        for socket in (slow, quick):
            socket.ask(type="subscribe", sub=3, tags=["north"])
            await socket.frame()
        slow.flowing.clear()
        for i in range(20):
            site.plant.set("north/plc1/level", float(i))
            await quick.frame()
        slow.flowing.set()
        frames = [await slow.frame() for _ in range(2)]
        assert (frames[1].kind, frames[1].sub, frames[1].values[0]) == (FrameKind.SNAPSHOT, 3, 19.0)
        assert frames[1].dropped > 10
        await slow.close()
        await quick.close()


async def test_a_stopping_node_says_so(site) -> None:
    async with site.running():
        socket = await _open(site)
        site.app.state.outlets.close()
        assert await socket.closed() == (1012, "the node is stopping")


async def test_another_process_takes_rights_away_and_the_open_page_ends(site, tmp_path) -> None:
    other = Store.open(tmp_path / "sereno.db")
    console = Accounts(other, site.clock)
    async with site.running():
        for user, change, code in (
            ("operator", console.set_roles("operator", ["viewer"], by="console"), RIGHTS_CHANGED),
            ("viewer", console.set_disabled("viewer", True, by="console"), SIGNED_OUT),
        ):
            socket = await _open(site, user)
            await site.clock.advance(0.6)
            await site.accounts.users()
            await change
            await site.clock.advance(0.6)
            assert (await socket.closed())[0] == code
    await other.close()


class Waits:
    """A WaitingPort with one command, or none."""

    def __init__(self) -> None:
        self.commands: list[WaitingCommand] = []
        self.actors: set[str] = set()

    async def waiting(self, actor: Actor) -> list[WaitingCommand]:
        self.actors.add(actor.name)
        return self.commands


async def test_what_waits_for_people_is_told_when_it_changes(site) -> None:
    waits = Waits()
    object.__setattr__(site.context, "waiting", waits)
    one = WaitingCommand(
        key="k", target="north/plc1/setpoint", verb=Verb.WRITE, value=2.0, old=1.0, actor="ann", since=1, until=2,
        waits_for=WaitsFor.APPROVAL, may=(Say.APPROVE,),
    )  # fmt: skip
    async with site.running():
        socket = await _open(site)
        await site.clock.advance(1.0)
        waits.commands = [one]
        await site.clock.advance(1.0)
        told = await socket.text()
        assert (told["type"], [c["key"] for c in told["commands"]]) == ("waiting", ["k"])
        assert told["commands"][0]["may"] == ["approve"]
        await site.clock.advance(2.0)
        waits.commands = []
        await site.clock.advance(1.0)
        assert await socket.text() == {"type": "waiting", "commands": []}, "and nothing in between"
        await socket.close()
    assert waits.actors == {"viewer"}


async def test_tags_that_are_declared_otherwise_are_told_again_with_a_snapshot(site) -> None:
    async with site.running():
        socket = await _open(site)
        socket.ask(type="subscribe", sub=1, tags=["north"])
        socket.ask(type="subscribe", sub=2, tags=["south"])
        north, south = (await socket.text())["tags"], (await socket.text())["tags"]
        for _ in range(2):
            assert (await socket.frame()).kind is FrameKind.SNAPSHOT
        site.plant.redeclare(
            [replace(one, unit="ft") if one.path == north[0]["tag"] else one for one in site.plant.specs]
        )
        again = await socket.text()
        assert (again["type"], again["sub"], again["tags"][0]["unit"]) == ("subscribed", 1, "ft")
        assert ((found := await socket.frame()).sub, found.kind) == (1, FrameKind.SNAPSHOT)
        site.plant.set(south[0]["tag"], 8.0)
        assert (await socket.frame()).sub == 2
        await socket.close()
