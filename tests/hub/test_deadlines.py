"""The expiry of a command goes with it to the device: what waits there too long is never sent."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.model import AckState, Command, ExpiredError, Verb

S = AckState


async def test_the_device_is_told_until_when_it_may_send(bench: Any) -> None:
    expires = bench.clock.wall_ns() + 3_000_000_000
    await bench.finish(bench.command("mode", 1, expires=expires))
    await bench.finish(Command(target="river/plc1", verb=Verb.CALL, name="add", expires=expires + 10**9))
    assert bench.device.deadlines == [pytest.approx(1003.0), pytest.approx(1004.0)]


async def test_what_expired_in_the_queue_of_the_link_timed_out(bench: Any) -> None:
    bench.device.before = ExpiredError("its time was over while it waited for the link of river/plc1")
    acks = await bench.finish(bench.command("mode", 1))
    assert [ack.state for ack in acks] == [S.REQUESTED, S.AUTHORISED, S.ACCEPTED, S.TIMED_OUT]
    assert acks[-1].reason.endswith("waited for the link of river/plc1; never sent")
    assert bench.device.writes == []
