"""Proxies without async, against a server in another thread."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType

import pytest

from sereno.client import SyncClient, connect_sync
from sereno.model import AckState, NotFoundError, RefusedError
from tests.gateways.native.site import DEVICE, NAMES, Site, site_at


@pytest.fixture
def site() -> Iterator[Site]:
    """A site with a thread and loop of its own."""
    made: Future[tuple[Site, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        ended = asyncio.Event()
        async with site_at() as site:
            site.publish(voltage=1.5, mode=1)
            made.set_result((site, asyncio.get_running_loop(), ended))
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    site, loop, ended = made.result(60)
    yield site
    loop.call_soon_threadsafe(ended.set)
    thread.join()


@pytest.fixture
def client(site: Site) -> Iterator[SyncClient]:
    with connect_sync(site.server.url, "operator") as client:
        yield client


def test_blocking(client: SyncClient) -> None:
    ps = client[DEVICE]
    assert set(NAMES) <= set(dir(ps))
    assert ps.voltage.read().value == 1.5
    assert ps["mode"].value() == "on"
    assert ps.voltage.write(2.5).state is AckState.DONE
    assert ps.voltage.wait_for(2.5, 60.0).value == 2.5
    assert ps.read()["voltage"].value == 2.5
    assert ps.call("add", 1, 2) == 3
    assert ps.command("add")(3, 4) == 7
    with pytest.raises(RefusedError):
        ps.current.write(1.0)
    with pytest.raises(AttributeError):
        ps.nothing  # noqa: B018
    with pytest.raises(NotFoundError):
        client["lab/nothing"]
    with ps.voltage.subscribe() as watch:
        assert next(watch).value == 2.5
    assert client.group("lab/*").read()[f"{DEVICE}/voltage"].value == 2.5
    assert client.group("lab/*").write(3.5)[f"{DEVICE}/voltage"].value == 3.5


def test_futures(client: SyncClient) -> None:
    ps = client.futures[DEVICE]
    asked = [ps.voltage.read() for _ in range(50)]
    assert {future.result(60).value for future in asked} == {1.5}
    assert ps.voltage.write(4.5).result(60).value == 4.5
    assert ps.call("add", 1, 2).result(60) == 3
    assert isinstance(ps.current.write(1.0).exception(60), RefusedError)


@pytest.mark.parametrize("patched", [True, False])
def test_gevent(site: Site, patched: bool, require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("gevent", "gevent")
    program = Path(__file__).with_name("gevent_program.py")
    done = subprocess.run(
        [sys.executable, str(program), site.server.url, str(int(patched))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["1.5", "others", "ran", "RefusedError", "50", "closed"], done.stderr
