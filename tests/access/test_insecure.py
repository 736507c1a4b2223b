"""Protocols without authentication: who is let in, as whom, and how the refused are counted and kept on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import ClassVar

import pytest
from pydantic import ValidationError

from sereno.access import insecure as module
from sereno.access.accounts import Accounts
from sereno.access.actor import Right
from sereno.access.insecure import Insecure, Peers, network
from sereno.access.insecure_table import InsecureTable
from sereno.store.audit import AuditLog
from sereno.store.engine import Store
from sereno.store.errors import StoreError
from sereno.testing import JumpingClock, jumping


class LineTable(InsecureTable):
    protocol: ClassVar[str] = "the line protocol"

    port: int = 5050


def _insecure(**keys: object) -> Insecure:
    return LineTable.model_validate({"insecure": True, **keys}).insecure_as("gateway/line")


@asynccontextmanager
async def _door(clock: JumpingClock) -> AsyncIterator[tuple[Peers, AuditLog]]:
    """The door of a listener for 10.1.0.0/16, with its record kept."""
    store = Store.open("sqlite://")
    audit = AuditLog(store, clock)
    peers = Peers(_insecure(allow=["10.1.0.0/16"]), audit, clock)
    running = asyncio.create_task(peers.run())
    try:
        yield peers, audit
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await store.close()


@pytest.mark.parametrize(
    ("address", "welcome"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("somewhere", False),
        ("", False),
    ],
)
def test_without_a_list_only_this_machine_is_let_in(address: str, welcome: bool) -> None:
    assert _insecure().admits(address) is welcome


def test_the_list_replaces_the_default() -> None:
    insecure = _insecure(allow=["10.1.0.0/16", "192.168.7.9", "fd00:1::/64"])
    assert [a for a in ("10.1.255.255", "192.168.7.9", "fd00:1::5%en0") if not insecure.admits(a)] == []
    assert [a for a in ("10.2.0.0", "192.168.7.8", "fd00:2::5", "127.0.0.1") if insecure.admits(a)] == []


def test_the_actor_reads_and_writes_nothing_unless_it_is_listed() -> None:
    actor = _insecure().actor
    assert (actor.kind, actor.name, [role.name for role in actor.roles]) == ("agent", "gateway/line", ["gateway/line"])
    assert actor.may(Right.READ, "mill/plc1/level")
    assert [right for right in Right if actor.may_somewhere(right)] == [Right.READ, Right.HISTORY]


def test_what_is_listed_may_be_written_and_called_and_nothing_else() -> None:
    actor = _insecure(writes=["mill/plc1/*"], reads=["mill/*"]).actor
    assert actor.may(Right.WRITE, "mill/plc1/speed")
    assert actor.may(Right.CALL, "mill/plc1/start")
    assert not actor.may(Right.WRITE, "mill/plc2/speed")
    assert not actor.may(Right.READ, "well/plc1/level")
    assert not actor.may_somewhere(Right.CONFIGURE)
    assert not actor.may_somewhere(Right.USERS)


@pytest.mark.parametrize("keys", [{}, {"insecure": False}, {"allow": ["10.0.0.0/8"]}])
def test_without_insecure_it_is_refused_with_reason_and_fix(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"the line protocol has no authentication.*insecure = true.*`allow`"):
        LineTable.model_validate(keys)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"allow": ["10.1.2.3/16"]}, r"'10.1.2.3/16' is no network \(did you mean 10.1.0.0/16\?\)"),
        ({"allow": ["pumphouse"]}, "'pumphouse' is no network, expected such as"),
        ({"allow": ["0.0.0.0/0"]}, "lets everybody in"),
        ({"allow": ["::/0"]}, "lets everybody in"),
        ({"allow": []}, "at least 1 item"),
        ({"writes": [""]}, "'' names no tags"),
        ({"writes": [" mill/*"]}, "names no tags"),
        ({"alow": ["10.0.0.0/8"]}, "Extra inputs"),
    ],
)
def test_lists_with_mistakes_are_refused(keys: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        LineTable.model_validate({"insecure": True, **keys})


@jumping
async def test_a_flood_of_refused_is_one_record_a_minute(clock: JumpingClock) -> None:
    async with _door(clock) as (peers, audit):
        assert peers.admit("10.9.0.1") is None
        await clock.sleep(0.1)
        for host in range(5000):
            peers.admit(f"10.2.{host // 250}.{host % 250}")
        await clock.sleep(module.PERIOD - 0.2)
        (first,) = await audit.entries()
        assert (first.action, first.target, first.origin) == ("peer.refused", "gateway/line", "10.9.0.1")
        assert first.outcome == "refused: 1 from outside the allow-list"
        await clock.sleep(0.2)
        second, _ = await audit.entries()
        assert second.outcome == "refused: 5000 from outside the allow-list, 1000 addresses or more"
        assert peers.figures() == {"peers_admitted": 0, "peers_refused": 5001}


@jumping
async def test_what_cannot_be_kept_on_record_is_told_later(clock: JumpingClock) -> None:
    async def full(*_: object) -> None:
        raise StoreError("the disk is full")

    async with _door(clock) as (peers, audit):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(audit, "record", full)
            peers.admit("10.9.0.1")
            await clock.sleep(0.1)
        assert await audit.count() == 0
        peers.admit("10.9.0.2")
        await clock.sleep(module.PERIOD)
        assert [r.outcome for r in await audit.entries()] == ["refused: 2 from outside the allow-list, 2 addresses"]


async def test_a_listener_hangs_up_on_who_is_not_listed(accounts: Accounts, clock: JumpingClock) -> None:
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        actor = peers.admit(writer.get_extra_info("peername")[0])
        if actor is not None:
            seen.append(f"{actor.name} from {actor.origin}")
            writer.write(await reader.readline())
        writer.close()
        await writer.wait_closed()

    async def answer_to(line: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
        writer.write(line)
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        peers = Peers(_insecure(), accounts.audit, clock)
        assert await answer_to(b"level?\n") == b"level?\n"
        peers = Peers(_insecure(allow=["10.1.0.0/16"]), accounts.audit, clock)
        assert await answer_to(b"level?\n") == b""
    assert seen == ["gateway/line from 127.0.0.1"]
    assert peers.refused == 1


def test_one_address_is_a_network() -> None:
    assert str(network("10.0.0.7")) == "10.0.0.7/32"
