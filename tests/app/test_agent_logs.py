"""Logs of agents: each has its own lines, those of its process too, and nobody else's are mixed in."""

from __future__ import annotations

import asyncio
import json

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.app.agent_logs import KEPT, KEPT_OF_OTHERS, LONGEST, OTHERS, AgentLogs
from sereno.app.apart.said import INFO, pass_on, ready_line, said
from sereno.model import NotFoundError, SystemClock

READER = Actor("reader", (Role("reader", (Permission(Right.READ, "lab/*"),)),))


def logs() -> AgentLogs:
    return AgentLogs(lambda: ["lab/keeper", "home/cook"], SystemClock())


async def test_lines_go_to_the_agent_that_they_name() -> None:
    ring = logs()
    ring.take({"event": "one", "level": "info", "device": "lab/keeper", "sun": -12.5})
    ring.take({"event": "two", "level": "warning", "device": "lab/keeper/below"})
    ring.take({"event": "three", "level": "error", "agent": "lab/keeper", "why": "silent"})
    ring.take({"event": "elsewhere", "device": "lab/keepers"})
    ring.take({"event": "of nobody"})
    ring.take({"event": "of another", "device": "home/cook"})
    lines = await ring.log("lab/keeper", READER)
    assert [(line.event, line.level, dict(line.fields)) for line in lines] == [
        ("one", "info", {"sun": "-12.5"}),
        ("two", "warning", {}),
        ("three", "error", {"why": "silent"}),
    ]
    assert [line.event for line in await ring.log("lab/keeper", READER, after=lines[0].number)] == ["two", "three"]
    assert [line.event for line in await ring.log("lab/keeper", READER, limit=1)] == ["three"]


async def test_other_devices_have_logs_too_shorter_ones_and_of_those_only_who_spoke_last() -> None:
    many = {f"lab/d{i}": None for i in range(OTHERS + 5)}
    ring = AgentLogs(lambda: ["lab/keeper"], SystemClock(), lambda: many)
    for device in many:
        for _ in range(KEPT_OF_OTHERS + 3):
            ring.take({"event": "link down", "link": device})
    ring.take({"event": "of nobody", "device": "elsewhere"})
    assert len(await ring.log(f"lab/d{OTHERS + 4}", READER)) == KEPT_OF_OTHERS
    assert await ring.log("lab/d0", READER) == []
    ring.take({"event": "again", "device": "lab/d0/child"})
    assert [line.event for line in await ring.log("lab/d0", READER)] == ["again"]
    with pytest.raises(NotFoundError, match="no agent and no device 'elsewhere'; agents: lab/keeper"):
        await ring.log("elsewhere", READER)


async def test_what_is_said_of_a_link_is_in_the_log_of_each_of_its_devices() -> None:
    ring = AgentLogs(lambda: ["lab/keeper"], SystemClock(), lambda: {"lab/plc", "lab/meter"})
    ring.take({"event": "link down", "link": "tcp://h:5003", "devices": ["lab/plc", "lab/meter"], "error": "gone"})
    for device in ("lab/plc", "lab/meter"):
        (line,) = await ring.log(device, READER)
        assert (line.event, line.fields) == ("link down", {"error": "gone"})


async def test_who_asks_on_after_a_restart_gets_what_the_new_run_says() -> None:
    before = logs()
    for _ in range(3):
        before.take({"event": "before", "device": "lab/keeper"})
    last = (await before.log("lab/keeper", READER))[-1].number
    await asyncio.sleep(0.001)
    restarted = logs()
    restarted.take({"event": "again", "device": "lab/keeper"})
    assert [line.event for line in await restarted.log("lab/keeper", READER, after=last)] == ["again"]
    assert last < 2**53  # as pages count


async def test_who_may_not_read_an_agent_learns_nothing_of_it() -> None:
    with pytest.raises(NotFoundError, match=r"agents: lab/keeper$"):
        await logs().log("home/cook", READER)


async def test_an_agent_that_says_much_is_kept_in_bounds() -> None:
    ring = logs()
    for number in range(KEPT + 10):
        ring.take({"event": f"{number} " + "x" * 10_000, "device": "lab/keeper", "more": "y" * 10_000})
    lines = await ring.log("lab/keeper", READER, limit=KEPT)
    assert (len(lines), lines[0].event[:3]) == (KEPT, "10 ")
    assert {len(line.event) for line in lines} == {LONGEST}
    assert {len(line.fields["more"]) for line in lines} == {LONGEST}


def test_a_log_line_of_a_process_and_what_is_none() -> None:
    line = json.dumps(
        {"event": "decision", "level": "warning", "timestamp": "t", "device": "lab/keeper", "why": "rain"}
    )
    assert said(line) == (30, "decision", {"device": "lab/keeper", "why": "rain"})
    assert said("Traceback (most recent call last):") == (INFO, "Traceback (most recent call last):", {})
    assert said("[1, 2]") == (INFO, "[1, 2]", {})
    assert said('{"event": 3}') == (INFO, '{"event": 3}', {})


@given(st.text() | st.dictionaries(st.text(), st.integers() | st.text()).map(json.dumps))
def test_whatever_a_process_writes_is_passed_on(line: str) -> None:
    level, event, fields = said(line)
    assert level in (10, 20, 30, 40, 50)
    assert event == line or json.loads(line)["event"] == event
    assert not {"event", "level", "timestamp"} & set(fields)


async def test_what_a_process_prints_before_it_is_ready_does_not_count_as_ready() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b'it begins\n{"number": 1}\n{"url": "tcp://x", "token": "t"}\nlater\n')
    reader.feed_eof()
    with structlog.testing.capture_logs() as captured:
        assert await ready_line(reader, "lab/keeper") == {"url": "tcp://x", "token": "t"}
        assert await ready_line(reader, "lab/keeper") is None
    assert [one["event"] for one in captured] == ["it begins", '{"number": 1}', "later"]


async def test_it_is_ready_although_a_thread_of_its_own_prints_in_between() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b'plain {"words{"url":"tcp://x","token":"t"}\n\nlater\n')
    reader.feed_eof()
    with structlog.testing.capture_logs() as captured:
        assert await ready_line(reader, "lab/keeper") == {"url": "tcp://x", "token": "t"}
        assert await ready_line(reader, "lab/keeper") is None
    assert [one["event"] for one in captured] == ['plain {"words', "later"]


async def test_a_line_without_end_ends_nothing() -> None:
    reader = asyncio.StreamReader(limit=64)
    reader.feed_data(b"x" * 1000 + b"\n" + b"short\n")
    reader.feed_eof()
    with structlog.testing.capture_logs() as captured:
        await pass_on(reader, "lab/keeper")
    assert [(one["event"][:10], one["agent"]) for one in captured][-1] == ("short", "lab/keeper")
    assert len(captured) == 2


@pytest.mark.parametrize("line", ["[" * 60_000, '{"event": "it works", "self": 1, "event_": 2, "method_name": 3}'])
async def test_no_line_ends_the_hearing(line: str) -> None:
    output = asyncio.StreamReader(limit=1 << 17)
    output.feed_data(f"{line}\nand on\n".encode())
    output.feed_eof()
    with structlog.testing.capture_logs() as told:
        await pass_on(output, "lab/agent")
    assert [one["event"] for one in told][-1] == "and on"
