from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sereno.access.actor import ROLES, Actor, Permission, Right, Role
from sereno.client import Lock
from sereno.hub.hub import Hub
from sereno.hub.locks import Locks
from sereno.model import DeniedError, NotFoundError, OperationError, RefusedError
from sereno.testing import JumpingClock, jumping

ANNA, BERT = (Actor(name, (ROLES["operator"],)) for name in ("anna", "bert"))
EVA = Actor("eva", (ROLES["engineer"],))
DEVICES = ["lab", "lab/ps", "lab/ps/1", "lab/ps/2"]


class Site:
    def __init__(self, clock: JumpingClock) -> None:
        self.clock = clock
        self.hub = Hub(self.clock)
        self.told: list[tuple[str, str, str]] = []
        self.full = False
        self.locks = Locks(self.hub, self.clock, self.record, DEVICES)

    async def record(self, actor: str, action: str, target: str = "", origin: str = "", **more: object) -> None:
        if self.full:
            raise OperationError("disk full")
        self.told.append((actor, action, target))

    def admits(self, device: str, actor: str) -> bool:
        lock = self.hub.lock_on(device)
        return lock is None or lock.admits(actor)


@asynccontextmanager
async def site_on(clock: JumpingClock) -> AsyncIterator[Site]:
    site = Site(clock)
    running = asyncio.create_task(site.locks.run())
    yield site
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@jumping
async def test_a_lock_keeps_the_others_out_of_the_device_and_what_is_below(clock: JumpingClock) -> None:
    async with site_on(clock) as site:
        lock = await site.locks.lock("lab/ps", ANNA, seconds=60)
        assert isinstance(lock, Lock)
        for device in ("lab/ps", "lab/ps/1"):
            assert site.admits(device, "anna")
            assert not site.admits(device, "bert")
            assert site.admits(device, "guard/close_intake")
        assert site.admits("lab", "bert")
        assert site.admits("lab/ps2", "bert")
        assert [one.device for one in await site.locks.locks(BERT)] == ["lab/ps"]
        assert site.told == [("anna", "device.lock", "lab/ps")]


@pytest.mark.parametrize("device", ["lab", "lab/ps", "lab/ps/1"])
@jumping
async def test_two_actors_never_have_locks_that_meet(clock: JumpingClock, device: str) -> None:
    async with site_on(clock) as site:
        await site.locks.lock("lab/ps", ANNA, seconds=60)
        with pytest.raises(RefusedError, match="lab/ps is locked by anna"):
            await site.locks.lock(device, BERT, seconds=60)
        await site.locks.lock(device, ANNA, seconds=90)


@jumping
async def test_without_a_lock_there_is_nothing_to_look_after(clock: JumpingClock) -> None:
    async with site_on(clock) as site:
        looks, expire = [], site.locks._expire

        def counted() -> None:
            looks.append(clock.monotonic())
            expire()

        site.locks._expire = counted  # type: ignore[method-assign]
        await clock.sleep(60)
        assert looks == []
        await site.locks.lock("lab/ps", ANNA, seconds=5)
        await clock.sleep(10)
        assert site.told[-1] == ("sereno", "device.unlock", "lab/ps")
        until = looks[-1]
        assert until <= 66.0
        await clock.sleep(60)
        assert looks[-1] == until


@jumping
async def test_it_is_given_back_by_its_owner(clock: JumpingClock) -> None:
    async with site_on(clock) as site:
        await site.locks.lock("lab/ps/1", ANNA, seconds=60)
        with pytest.raises(RefusedError, match="taking it away has to be asked for"):
            await site.locks.unlock("lab/ps/1", BERT)
        with pytest.raises(DeniedError, match="may not take away"):
            await site.locks.unlock("lab/ps/1", BERT, force=True)
        await site.locks.unlock("lab/ps/1", ANNA)
        assert site.admits("lab/ps/1", "bert")
        with pytest.raises(NotFoundError, match="is not locked"):
            await site.locks.unlock("lab/ps/1", ANNA)


@jumping
async def test_who_may_configure_takes_it_away_on_record(clock: JumpingClock) -> None:
    async with site_on(clock) as site:
        await site.locks.lock("lab/ps/1", ANNA, seconds=60)
        await site.locks.unlock("lab/ps/1", EVA, force=True)
        assert site.told[-1] == ("eva", "device.unlock_forced", "lab/ps/1")
        assert site.admits("lab/ps/1", "bert")


@jumping
async def test_it_ends_with_its_time(clock: JumpingClock) -> None:
    async with site_on(clock) as site:
        await site.locks.lock("lab/ps/1", ANNA, seconds=60)
        await clock.sleep(59.9)
        assert not site.admits("lab/ps/1", "bert")
        await clock.sleep(0.2)
        assert site.admits("lab/ps/1", "bert")
        await clock.sleep(1.0)
        assert site.told[-1] == ("sereno", "device.unlock", "lab/ps/1")
        assert await site.locks.locks(ANNA) == []


@jumping
async def test_it_ends_with_its_connection(clock: JumpingClock) -> None:
    async with site_on(clock) as site:
        await site.locks.lock("lab/ps/1", ANNA, holder="c1")
        await site.locks.lock("lab/ps/2", ANNA, seconds=60, holder="c2")
        site.locks.gone("c1")
        assert [one.device for one in await site.locks.locks(ANNA)] == ["lab/ps/2"]
        await clock.sleep(1.0)
        assert site.told[-1] == ("sereno", "device.unlock", "lab/ps/1")


@jumping
async def test_what_is_refused(clock: JumpingClock) -> None:
    async with site_on(clock) as site:
        for seconds in (-1.0, 1e9, float("nan")):
            with pytest.raises(RefusedError, match="expected 0 to"):
                await site.locks.lock("lab/ps/1", ANNA, seconds=seconds)
        with pytest.raises(RefusedError, match="needs a connection"):
            await site.locks.lock("lab/ps/1", ANNA)
        with pytest.raises(NotFoundError, match="did you mean 'lab/ps/1'"):
            await site.locks.lock("lab/ps/11", ANNA, seconds=1)
        viewer = Actor("vera", (ROLES["viewer"],))
        with pytest.raises(DeniedError, match="may not command"):
            await site.locks.lock("lab/ps/1", viewer, seconds=1)
        blind = Actor("mole", (Role("mole", (Permission(Right.CALL, "lab/ps/1"),)),))
        with pytest.raises(NotFoundError):
            await site.locks.lock("lab/ps/1", blind, seconds=1)


@jumping
async def test_a_lock_that_cannot_be_recorded_does_not_hold(clock: JumpingClock) -> None:
    async with site_on(clock) as site:
        site.full = True
        with pytest.raises(OperationError, match="disk full"):
            await site.locks.lock("lab/ps/1", ANNA, seconds=60)
        assert site.admits("lab/ps/1", "bert")
