"""The process that serves Tango: a client of the node, with Tango's threads beside its loop. Ends with its input."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import msgspec

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.client import Client, DeviceStatus, connect, each_reading
from sereno.model import DeliveryError, NoAnswerError, OperationError, SerenoError

from .house import Condition, House
from .order import OTHER_DEVICES, Order, Report
from .shown import Device, shown

log = logging.getLogger(__name__)
EVERYWHERE = ("0.0.0.0", "")  # noqa: S104 - not listened on here
AGAIN = 0.05
LATEST = 2.7
"""Seconds after which a Tango client gets its answer; by itself it waits for three."""
PERIOD = 0.5
"""Seconds between looks at the states of devices."""


def main() -> None:
    """Read the order, serve, report on what was standard output; Tango's own words go to standard error."""
    report = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    if order.database:
        os.environ["TANGO_HOST"] = order.database
    threading.Thread(target=_end_with_input, args=(order,), daemon=True, name="stdin").start()
    try:
        code = asyncio.run(serve(order, report))
    except* SerenoError as failed:
        sys.stderr.write(f"{failed.exceptions[0]}\n")
        code = 1
    os._exit(code)  # Tango's threads do not let the interpreter end in peace


async def serve(order: Order, report: TextIO) -> int:
    """Until devices come or go: the exit code. Raises SerenoError, in a group."""
    async with connect(order.url, order.token) as client, asyncio.TaskGroup() as tasks:
        native: Any = getattr(client, "native", None)
        if native is None:
            raise OperationError(f"{order.url} is no address of a native server")
        news = await native.watch([], kind="interface")
        await _next_change(news)
        worker = Worker(client, order, House(await look(client, order)), report)
        await worker.read_all()
        worker.start(asyncio.get_running_loop())
        states = tasks.create_task(worker.follow_states(), name="tango states")
        while True:
            values = tasks.create_task(worker.follow_values(), name="tango values")
            await _next_change(news)
            values.cancel()
            if not await worker.become():
                states.cancel()
                return OTHER_DEVICES


async def look(client: Client, order: Order) -> dict[str, Device]:
    """What is to be shown."""
    from .device import RESERVED

    specs, devices = await client.tags(), await client.devices()
    called: dict[str, Any] = {"prefix": order.prefix, "names": order.names, "reserved": RESERVED}
    try:
        return shown(specs, devices, actor=writer(order.writes), **called)
    except ValueError as error:
        raise OperationError(str(error)) from None


def writer(globs: Sequence[str]) -> Actor:
    """Who may write and call what the globs name. The node decides; this is for what Tango clients are shown."""
    permissions = tuple(Permission(right, glob) for right in (Right.WRITE, Right.CALL) for glob in globs)
    return Actor("gateway/tango", (Role("gateway/tango", permissions),), "agent")


class Worker:
    """The node on one side, Tango on the other."""

    def __init__(self, client: Client, order: Order, house: House, report: TextIO) -> None:
        self._client = client
        self._order = order
        self._house = house
        self._report = report
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun = threading.Event()
        self._ready = False

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start Tango's threads."""
        self._loop = loop
        threading.Thread(target=self._serve_tango, daemon=True, name="tango").start()
        threading.Thread(target=self._push, daemon=True, name="tango events").start()

    async def read_all(self) -> None:
        """Know every value before the first client asks."""
        self._house.readings.update({reading.tag.path: reading for reading in await self._client.read()})

    async def follow_values(self) -> None:
        """Hand on what changes, until cancelled."""
        subscription = await self._client.subscribe()
        try:
            async for update in subscription:
                self._house.take({r.tag.path: r for _, r in each_reading(update, subscription.tags)})
        finally:
            await subscription.close()

    async def follow_states(self) -> None:
        """Hand on how devices are, and report, until cancelled."""
        while True:
            try:
                found = {one.path: condition_of(one) for one in await self._client.devices()}
            except DeliveryError:
                found = dict.fromkeys(self._house.devices, Condition())
            self._house.conditions_are({path: found[path] for path in self._house.devices if path in found})
            if self._ready or await self._is_ready():
                self._tell()
            await self._client.clock.sleep(PERIOD if self._ready else AGAIN)

    async def _is_ready(self) -> bool:
        address = own_address(self._order, next(iter(self._house.by_name)))
        self._ready = self._begun.is_set() and await asyncio.to_thread(answers, address)
        return self._ready

    async def become(self) -> bool:
        """Show what has changed; False if that needs a new start, because devices came or went."""
        devices = await look(self._client, self._order)
        if devices.keys() != self._house.devices.keys():
            return False
        self._house.become(devices)
        return True

    def _tell(self) -> None:
        house = self._house
        attributes = sum(len(device.attributes) for device in house.devices.values())
        report = Report(len(house.devices), attributes, **asdict(house.figures))
        self._report.write(msgspec.json.encode(report).decode() + "\n")

    def _execute(self, verb: str, target: str, value: Any, who: str) -> Any:
        assert self._loop is not None
        work = self._write(target, value, who) if verb == "write" else self._call(target, value[0], value[1], who)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(LATEST)
        except TimeoutError:
            raise NoAnswerError(
                f"accepted, and without an end after {LATEST:g} s: look at what it was to change"
            ) from None

    async def _write(self, path: str, value: Any, who: str) -> None:
        await self._client.tag(path).write(value, timeout=LATEST, comment=who)

    async def _call(self, device: str, name: str, arguments: tuple[Any, ...], who: str) -> Any:
        return await self._client[device].call(name, *arguments, timeout=LATEST, comment=who)

    def _push(self) -> None:
        import tango

        self._begun.wait()
        with tango.EnsureOmniThread():
            self._house.run()

    def _serve_tango(self) -> None:
        """Tango's own thread; its end is the end of the process."""
        from tango.server import run

        from .device import device_class

        order = self._order
        try:
            made = device_class(self._house, self._execute, clean=bool(order.database))
            if order.database:
                register(order, sorted(self._house.by_name))
            with ExitStack() as stack:
                stack.enter_context(orb_configured(order))

                def ready() -> None:
                    stack.close()
                    self._begun.set()

                run((made,), args=arguments_of(order, sorted(self._house.by_name)), post_init_callback=ready)
        except Exception:
            log.exception("task tango ended")
        finally:
            os._exit(1)


def condition_of(status: DeviceStatus) -> Condition:
    """State and words of a device."""
    return Condition(status.state, status.status or status.last_error or f"{status.path} is {status.state}")


def arguments_of(order: Order, names: list[str]) -> list[str]:
    """Of Tango's command line."""
    devices = [] if order.database else ["-nodb", "-dlist", ",".join(names)]
    return ["Sereno", order.server, *devices, "-ORBendPoint", f"giop:tcp:{order.host}:{order.port}"]


def own_address(order: Order, device: str) -> str:
    """A device of ours as a client on this machine calls it."""
    if order.database:
        return f"tango://{order.database}/{device}"
    host = "127.0.0.1" if order.host in EVERYWHERE else order.host
    return f"tango://{host}:{order.port}/{device}#dbase=no"


def answers(address: str) -> bool:
    """True once Tango takes requests, which is a little after it says so. Blocks."""
    import tango

    try:
        tango.DeviceProxy(address).ping()
    except tango.DevFailed:
        return False
    return True


@contextmanager
def orb_configured(order: Order) -> Iterator[None]:
    """A configuration file of omniORB's with who may connect; it is read when the server starts."""
    with tempfile.TemporaryDirectory(prefix="sereno-tango-") as folder:
        file = Path(folder) / "omniORB.cfg"
        file.write_text("".join(f"serverTransportRule = {rule}\n" for rule in order.rules), "utf-8")
        os.environ["OMNIORB_CONFIG"] = str(file)
        yield


def register(order: Order, names: list[str]) -> None:
    """Let the Tango database know these devices, and no others, of the server."""
    import tango

    server, kind = f"Sereno/{order.server}", "SerenoDevice"
    database = tango.Database()
    known = [name.lower() for name in database.get_device_name(server, kind).value_string]
    for name in known:
        if name not in names:
            database.delete_device(name)
    for name in names:
        info = tango.DbDevInfo()
        info.server, info._class, info.name = server, kind, name
        database.add_device(info)


async def _next_change(news: Any) -> None:
    while (await news.next_event())["kind"] != "interface":
        pass


def _end_with_input(order: Order) -> None:
    while sys.stdin.buffer.read(1):
        pass
    if order.database:
        import tango

        with suppress(tango.DevFailed):
            tango.Util.instance().unregister_server()
    os._exit(0)


if __name__ == "__main__":
    main()
