from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from sereno.testing import JumpingClock, jumping
from sereno.web.body import ARROW, BodyLimits, too_deep

_json = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\ab', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[]{}"', max_size=3), inner, max_size=3)
    ),
    max_leaves=30,
)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


@given(_json, st.integers(0, 6))
def test_depth_is_that_of_the_parsed_value(value: Any, limit: int) -> None:
    assert too_deep(json.dumps(value).encode(), limit) == (_depth(value) > limit)


@pytest.mark.parametrize("body", [b"[" * 33, b'{"a":' * 33, b'"' + b"[" * 100, b"]" * 10 + b"[" * 43])
def test_what_is_no_json_but_deep_is_too_deep(body: bytes) -> None:
    assert too_deep(body)


@pytest.mark.parametrize("body", [b"", b"[]" * 10_000, b"[" * 32, b'"' + b"[" * 100 + b'"', b"\xff"])
def test_what_is_flat_is_not(body: bytes) -> None:
    assert not too_deep(body)


async def test_a_body_that_grows_beyond_what_it_said_is_refused(site) -> None:
    token = await site.token("operator", "operator")

    async def parts() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    async with site.browser() as client:
        answer = await client.put(
            "/api/v1/values/north/plc1/setpoint", content=parts(), headers={"authorization": f"Bearer {token}"}
        )
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999999999999", "x"])
async def test_odd_lengths_are_refused(site, length: str) -> None:
    async with await site.signed_in("operator") as browser:
        answer = await browser.put(
            "/api/v1/values/north/plc1/setpoint", content=b"1", headers={"content-length": length}
        )
    assert answer.status_code == 413


async def test_a_body_that_does_not_come_is_not_waited_for(site) -> None:
    token = await site.token("operator", "operator")
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = {"host": "localhost", "authorization": f"Bearer {token}", "content-type": "application/json"}
    scope = {
        "type": "http",
        "method": "PUT",
        "path": "/api/v1/values/north/plc1/setpoint",
        "query_string": b"",
        "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }
    task = asyncio.create_task(site.app(scope, asyncio.Event().wait, send))
    while not site.clock._sleepers:
        await asyncio.sleep(0)
    await site.clock.advance(31.0)
    await asyncio.wait_for(task, 60)
    assert sent[0]["status"] == 408


@jumping
async def test_what_did_not_come_whole_is_not_carried_out(clock: JumpingClock) -> None:
    """As much as had come was taken for all of it: the part of an import was put by empty, or cut off."""
    called: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        called.append((await receive())["body"])

    async def send(message: Message) -> None:
        raise AssertionError(f"nobody is there to get {message}")

    for first in ([], [{"type": "http.request", "body": b"half", "more_body": True}]):
        messages = iter([*first, {"type": "http.disconnect"}])

        async def receive(messages: Iterator[Message] = messages) -> Message:
            return next(messages)

        headers = [(b"content-type", ARROW.encode()), (b"content-length", b"8")]
        scope = {"type": "http", "method": "POST", "headers": headers, "state": {"actor": object()}}
        await BodyLimits(app, clock=clock)(scope, receive, send)
    assert called == []
