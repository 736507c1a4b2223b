from __future__ import annotations

from pathlib import Path

import pytest

from tools.checks.calls import CLOCK_ALLOWED, PLATFORM_ALLOWED, clock, fork, platform
from tools.checks.source import Source

ROOT = Path(__file__).parents[2]
SRC = "src/sereno/hub/table.py"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import time\ntime.time()", "time.time"),
        ("import time as t\nx = t.monotonic", "time.monotonic"),
        ("from time import perf_counter as now\nnow()", "time.perf_counter"),
        ("def f():\n    import time; time.sleep(1)", "time.sleep"),
        ("import asyncio\nasync def f(): await asyncio.sleep(0.1)", "asyncio.sleep"),
        ("from asyncio import wait_for\nwait_for", "asyncio.wait_for"),
        ("import asyncio\nasync def f():\n    async with asyncio.timeout(1): pass", "asyncio.timeout"),
        ("import asyncio\nasyncio.wait(x, timeout=3)", "asyncio.wait(timeout=)"),
        ("import asyncio\nasyncio.get_running_loop().call_later(1, f)", "loop.call_later"),
        ("def f(self): self._loop.time()", "loop.time"),
        ("from datetime import datetime\ndatetime.now(UTC)", "datetime.datetime.now"),
        ("import datetime as dt\ndt.datetime.utcnow()", "datetime.datetime.utcnow"),
    ],
)
def test_bare_time_is_found_under_any_name(text: str, name: str) -> None:
    (found,) = clock(Source(SRC, text))
    assert found.found == f"a bare {name}"
    assert found.line == len(text.split("\n")) or "async with" in text


@pytest.mark.parametrize(
    "text",
    [
        "async def f(clock): await clock.sleep(1); clock.monotonic()",
        "import asyncio\nasync def f(): await asyncio.sleep(0)",
        "import asyncio\nasyncio.wait(x)",
        "def f(self): return self.time()",
        "from datetime import datetime\ndatetime.fromisoformat(x)",
        "time = 3\ntime.time",
    ],
)
def test_the_injected_clock_and_pure_conversions_pass(text: str) -> None:
    assert not list(clock(Source(SRC, text)))


def test_time_is_allowed_in_the_clock_and_outside_src_and_every_exception_has_its_reason() -> None:
    text = "import time\ntime.time()"
    assert not list(clock(Source("src/sereno/model/_clock.py", text)))
    assert not list(clock(Source("benchmarks/bench_hub.py", text)))
    assert list(clock(Source("src/sereno/testing/pytest_leaks.py", text)))
    for allowed in (CLOCK_ALLOWED, PLATFORM_ALLOWED):
        assert all(reason and (ROOT / path).is_file() for path, (_, reason) in allowed.items())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import os\nos.kill(1, 9)", "os.kill"),
        ("from os import getuid\ngetuid()", "os.getuid"),
        ("import os\nos.fdatasync(3)", "os.fdatasync"),
        ("import signal\nx = signal.SIGKILL", "signal.SIGKILL"),
        ("import fcntl\nfcntl.flock(f, 2)", "fcntl.flock"),
        ("from pwd import getpwuid\ngetpwuid(0)", "pwd.getpwuid"),
        ("import asyncio\nasyncio.get_running_loop().add_signal_handler(2, f)", "loop.add_signal_handler"),
        ("import subprocess\nsubprocess.run(x, preexec_fn=f)", "the argument preexec_fn="),
        ("from asyncio import start_unix_server\nstart_unix_server(f)", "asyncio.start_unix_server"),
    ],
)
def test_calls_that_not_every_system_has_are_found(text: str, name: str) -> None:
    assert [found.found for found in platform(Source(SRC, text))] == [f"{name}, which not every system has"]
    assert not list(platform(Source("src/sereno/app/platform.py", text)))


@pytest.mark.parametrize(
    "text",
    [
        "import os\nsync = getattr(os, 'fdatasync', os.fsync)",
        "import signal\nx = signal.SIGTERM",
        "import os\nos.replace(a, b)",
        "resource = {}\nresource.get('x')",
    ],
)
def test_calls_that_every_system_has_pass(text: str) -> None:
    assert not list(platform(Source(SRC, text)))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("import multiprocessing\nmultiprocessing.Process(target=f)", 1),
        ("import multiprocessing\nmultiprocessing.get_context()", 1),
        ("import multiprocessing\nmultiprocessing.get_context('fork')", 1),
        ("from concurrent.futures import ProcessPoolExecutor\nProcessPoolExecutor(2)", 1),
        ("import multiprocessing\nmultiprocessing.get_context('spawn').Process(target=f)", 0),
        ("from concurrent.futures import ProcessPoolExecutor\nProcessPoolExecutor(2, mp_context=c)", 0),
    ],
)
def test_processes_are_spawned(text: str, count: int) -> None:
    assert len(list(fork(Source(SRC, text)))) == count
