from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from sereno.client import connect
from sereno.wire.tracing import following, present_context
from tests.gateways.native.site import DEVICE, site_at

TRACE, SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


@pytest.fixture
def trace(require_package: Callable[[str, str], ModuleType]) -> ModuleType:
    require_package("opentelemetry", "opentelemetry-api")
    from opentelemetry import trace

    return trace


def span(trace: Any) -> Any:
    context = trace.SpanContext(TRACE, SPAN, is_remote=False, trace_flags=trace.TraceFlags(1))
    return trace.use_span(trace.NonRecordingSpan(context))


async def test_what_a_device_does_belongs_to_the_callers_span(trace: Any) -> None:
    seen = []
    async with site_at() as site, connect(site.server.url, "operator") as client:
        site.publish(voltage=1.0)
        site.handler.write = lambda *_, **__: note()

        async def note() -> None:
            seen.append(trace.get_current_span().get_span_context().trace_id)

        site.handler.call = lambda *_, **__: note()
        with span(trace):
            await client.call(DEVICE, "reset")
        await client.call(DEVICE, "reset")
    assert seen == [TRACE, 0]


def test_fields_are_those_of_w3c(trace: Any) -> None:
    with span(trace):
        assert present_context() == {"traceparent": f"00-{TRACE:032x}-{SPAN:016x}-01"}


@pytest.mark.parametrize(
    "fields", [{}, {"traceparent": "x" * 2000}, {str(n): "" for n in range(20)}, {"traceparent": "nonsense"}]
)
def test_what_is_no_context_is_ignored(trace: Any, fields: dict[str, str]) -> None:
    with following(fields):
        assert trace.get_current_span().get_span_context().trace_id == 0


def test_nothing_is_imported_where_nobody_traces() -> None:
    code = (
        "import sys; from sereno.wire.tracing import present_context; "
        "assert present_context() == {}; assert 'opentelemetry' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_tasks_begun_in_it_follow(trace: Any) -> None:
    async def work() -> int:
        async def inner() -> int:
            found: int = trace.get_current_span().get_span_context().trace_id
            return found

        with following({"traceparent": f"00-{TRACE:032x}-{SPAN:016x}-01"}):
            task = asyncio.create_task(inner())
        return await task

    assert asyncio.run(work()) == TRACE
