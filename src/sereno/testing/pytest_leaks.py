"""A pytest plugin that fails a test for what it leaves behind.

Switch it on with `pytest_plugins = ["sereno.testing.pytest_leaks"]` in conftest.py. An async test fails when tasks of
its loop are pending after its fixtures are closed; any test fails when it leaves a socket open, or when an event loop
reported an error that nobody handled. Sockets that a module or session fixture opens belong to that fixture.
With `filterwarnings = ["error"]` unclosed files and transports fail the test that dropped them as well.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
import traceback
from collections.abc import Generator
from functools import partial
from types import TracebackType

import pytest

from sereno.testing._leaks import LoopComplaints, OpenSocket, open_sockets, pending_tasks

GRACE_S = 10.0  # for the far end of a closed connection, in another thread, to close too on a busy machine

_complaints = LoopComplaints()
_adopted: set[OpenSocket] = set()
_tracebacks: list[TracebackType] = []


def pytest_configure() -> None:
    """Listen to the event loops."""
    logging.getLogger("asyncio").addHandler(_complaints)


def pytest_unconfigure() -> None:
    """Stop listening."""
    logging.getLogger("asyncio").removeHandler(_complaints)


def pytest_collection_finish() -> None:
    """Set aside what importing made, so that collecting a test's garbage takes a millisecond."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """After the last test of a file, set aside what its imports have made, too."""
    yield
    if nextitem is not None and nextitem.path != item.path:
        gc.collect()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
    """Give longer-lived fixtures what they open; check a loop for tasks before its runner cancels them."""
    before = open_sockets() if fixturedef.scope != "function" else None
    result = yield
    if before is not None:
        _adopted.update(open_sockets() - before)
    if isinstance(result, asyncio.Runner):
        fixturedef.addfinalizer(partial(_check_tasks, result))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what failed: its frames keep sockets alive that a later test would be blamed for."""
    report = yield
    if call.excinfo is not None:
        _tracebacks.append(call.excinfo.tb)
    return report


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> Generator[None]:
    before = open_sockets()
    _complaints.take()
    yield
    while _tracebacks:
        _forget_locals(_tracebacks.pop())
    gc.collect()
    leaked = _open_after_grace(before)
    found = [f"a socket left open, {one}" for one in leaked]
    found += [f"the event loop reported: {line}" for line in _complaints.take()]
    if found:
        pytest.fail("the test left something behind:\n" + "\n".join(found), pytrace=False)


def adopt_sockets() -> None:
    """What is open now is a library's, which keeps it for the life of the process: no test is blamed for it."""
    _adopted.update(open_sockets())


def _forget_locals(failed: TracebackType) -> None:
    traceback.clear_frames(failed)
    for frame, _ in traceback.walk_tb(failed):
        _ = frame.f_locals  # before Python 3.13 a dict that was made for the report, brought up to date by this


def _check_tasks(runner: asyncio.Runner) -> None:
    pending = pending_tasks(runner.get_loop())
    if pending:
        lines = "\n".join(pending)
        pytest.fail(
            f"the test left tasks pending (cancel and await them, or close their owner):\n{lines}", pytrace=False
        )


def _open_after_grace(before: frozenset[OpenSocket]) -> list[OpenSocket]:
    deadline = time.monotonic() + GRACE_S
    while True:
        leaked = sorted(open_sockets() - before - _adopted)
        if not leaked or time.monotonic() > deadline:
            return leaked
        time.sleep(0.01)
