"""Planted leaks must fail their test, and only theirs."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path

import pytest

from sereno.testing import _leaks

PLANTED = """
import asyncio, gc, socket, threading
import pytest

kept = []

async def test_task_left_pending():
    asyncio.create_task(asyncio.Event().wait(), name="forgotten")

async def test_task_awaited():
    task = asyncio.create_task(asyncio.sleep(0))
    await task

@pytest.fixture
async def server():
    task = asyncio.create_task(asyncio.Event().wait())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

async def test_task_of_a_fixture(server):
    pass

def test_socket_kept_open():
    kept.append(socket.create_server(("127.0.0.1", 0)))

def test_socket_dropped():
    socket.create_server(("127.0.0.1", 0))

def test_socket_in_a_cycle():
    holder = {"socket": socket.create_server(("127.0.0.1", 0))}
    holder["itself"] = holder

def test_fails_with_a_socket_in_its_frame():
    listener = socket.create_server(("127.0.0.1", 0))
    raise RuntimeError(listener.fileno())

def test_innocent_after_a_failure():
    for _ in range(50):
        gc.collect()

def test_socket_closed():
    socket.create_server(("127.0.0.1", 0)).close()

async def test_transport_left_open():
    async def idle(reader, writer):
        writer.close()
        await writer.wait_closed()
    server = await asyncio.start_server(idle, "127.0.0.1", 0)
    kept.append(await asyncio.open_connection(*server.sockets[0].getsockname()))
    server.close()
    await asyncio.sleep(0.01)

async def test_exception_nobody_retrieved():
    async def fail():
        raise LookupError("lost")
    task = asyncio.create_task(fail())
    await asyncio.wait([task])

def test_file_dropped():
    open(__file__)

@pytest.fixture(scope="module")
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener

def test_socket_of_a_module_fixture(listener):
    pass

def test_far_end_closes_a_little_later(listener):
    def serve():
        connection, _ = listener.accept()
        with connection:
            while connection.recv(1):
                pass
    threading.Thread(target=serve).start()
    with socket.create_connection(listener.getsockname()) as near:
        near.sendall(b"x")
"""

CLEAN = {
    "test_task_awaited",
    "test_task_of_a_fixture",
    "test_innocent_after_a_failure",
    "test_socket_closed",
    "test_socket_of_a_module_fixture",
    "test_far_end_closes_a_little_later",
}


def test_every_planted_leak_is_reported_and_nothing_else(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PLANTED)
    pytester.makeconftest("from sereno.testing import pytest_leaks\npytest_leaks.GRACE_S = 1.0  # of what never ends")
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    result = pytester.runpytest_subprocess("-p", "sereno.testing.pytest_leaks", "-p", "no:cacheprovider", "-rEf")
    output = result.stdout.str()
    planted = {line.split("(")[0].split()[-1] for line in PLANTED.splitlines() if "def test_" in line}
    failed = {
        line.split("::")[1].split()[0]
        for line in output.splitlines()
        if line.startswith(("ERROR ", "FAILED ")) and "::" in line
    }
    assert failed == planted - CLEAN, output
    result.stdout.fnmatch_lines_random(
        [
            "*tasks pending*",
            "forgotten Event.wait at *",
            "a socket left open, fd *: AF_INET SOCK_STREAM at ('127.0.0.1', *",
            "the event loop reported: Task exception was never retrieved: LookupError('lost')",
        ]
    )


def test_open_sockets_names_a_connection_and_its_peer() -> None:
    before = _leaks.open_sockets()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
        new = _leaks.open_sockets() - before
        assert {one.fd for one in new} == {server.fileno(), near.fileno()}
        described = next(str(one) for one in new if one.fd == near.fileno())
        assert f"peer {server.getsockname()}" in described
    assert _leaks.open_sockets() == before


def test_sockets_are_found_through_objects_where_descriptors_cannot_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_leaks, "FD_FOLDER", Path("/nonexistent"))
    with socket.socket() as one:
        assert one.fileno() in {found.fd for found in _leaks.open_sockets()}
    assert one.fileno() not in {found.fd for found in _leaks.open_sockets()}


async def test_pending_tasks_tells_name_and_place() -> None:
    task = asyncio.create_task(asyncio.Event().wait(), name="waiting")
    await asyncio.sleep(0)
    (line,) = [line for line in _leaks.pending_tasks(asyncio.get_running_loop()) if line.startswith("waiting")]
    assert "Event.wait" in line
    assert "locks.py:" in line
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not [line for line in _leaks.pending_tasks(asyncio.get_running_loop()) if line.startswith("waiting")]


def test_complaints_are_taken_once() -> None:
    complaints = _leaks.LoopComplaints()
    complaints.emit(logging.LogRecord("asyncio", logging.ERROR, "f.py", 1, "no %s", ("luck",), None))
    assert complaints.take() == ["no luck"]
    assert complaints.take() == []
