"""The node under attack: real pages over a simulated PLC, with hostile text in every place that text can stand."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import httpx

from sereno.access.accounts import Accounts
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.device import Environment
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory

PASSWORD = "correct horse battery staple"
ROLES = ("viewer", "operator", "engineer", "admin")
SETPOINT = "rig/plc/setpoint"
SCRIPT = "\"'><img src=x onerror=alert(1)><svg onload=alert(2)></script><script>alert(3)</script>{{7*7}}"
IN_PLC = "<img src=x onerror=alert(4)>"
T = TypeVar("T")

_PLANT = """
[plant]
name = '''{name}'''
description = '''{script}'''
mimic = "mimic.svg"

[web]
port = 0
banner = '''{script}'''

[[device]]
name = "rig/plc"
driver = "modbus"
url = "tcp://127.0.0.1:{port}"
description = '''{script}'''
scan = "200ms"

[[device.tag]]
name = "text"
address = "holding:0"
type = "string"
length = 64
description = '''{script}'''

[[device.tag]]
name = "mode"
address = "holding:40"
type = "enum"
labels = ['''<script>alert(5)</script>''', '''" onmouseover="alert(6)''']

[[device.tag]]
name = "setpoint"
address = "holding:41"
type = "uint16"
unit = "m"
access = "read_write"
description = '''{script}'''
"""

_MIMIC = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 100 100"
 onload="alert(7)"><script>alert(8)</script><title>{script}</title><style>@import url({canary}/a.css);</style>
<image href="{canary}/b.png" xlink:href="{canary}/c.png" width="5" height="5"/><use href="{canary}/d.svg#x"/>
<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="javascript:alert(9)"/></foreignObject>
<a xlink:href="javascript:alert(10)"><text x="5" y="20" fill="url({canary}/e)">text</text></a>
<set attributeName="onmouseover" to="alert(11)"/><rect width="9" height="9" style="fill:url({canary}/f)"/></svg>"""


class Target:
    """A node in a thread; closes the clients that it gave out.

    `counts` tells what the plant and the people came to, to see what an attack has done.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = secrets.token_hex(16)
        self.outside = folder / "outside"
        self.canary = Canary()
        self._clients: list[httpx.Client] = []
        self.memory = RegisterMemory(words=100, bits=8)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="target")

    def __enter__(self) -> Target:
        self._thread.start()
        self.canary.start()
        try:
            self.run(self._start())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        try:
            self.run(self._stop())
        finally:
            self._end()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the node's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    @property
    def accounts(self) -> Accounts:
        """The people of the node, to be used in its loop."""
        return self.node.parts.accounts

    @property
    def origin(self) -> str:
        """Where it answers: http://127.0.0.1:PORT."""
        return self.ready.url

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.origin.partition("://")[2].rpartition(":")
        return host, int(port)

    @property
    def cookie(self) -> str:
        """Name of the session cookie."""
        return f"sereno_{self.installation[:8]}"

    def client(self, *, local: str | None = None, **options: Any) -> httpx.Client:
        """A client that follows no redirect; `local` is the address that it comes from."""
        transport = httpx.HTTPTransport(local_address=local, verify=False)
        headers = {"origin": self.origin, **options.pop("headers", {})}
        client = httpx.Client(base_url=self.origin, transport=transport, headers=headers, timeout=60, **options)
        self._clients.append(client)
        return client

    def signed_in(self, user: str) -> httpx.Client:
        """A browser's client with a session of `user`."""
        client = self.client()
        client.cookies.set(self.cookie, self.run(self.accounts.sessions.open(user, "127.0.0.1")).secret)
        return client

    def token(self, user: str, role: str) -> str:
        """A token of `user`."""
        return self.run(self.accounts.tokens.issue(user, "rig", role, 3600.0))[1]

    def counts(self) -> dict[str, object]:
        """What there is and what was done: writes at the PLC, people with their roles, tokens, kiosks, sessions."""

        async def look() -> dict[str, object]:
            people = [(row.name, row.roles, row.disabled, row.password) for row in await self.accounts.users()]
            tokens = [row.id for row in await self.accounts.tokens.all()]
            kiosks = [row.name for row in await self.accounts.kiosks.all()]
            return {"people": people, "tokens": tokens, "kiosks": kiosks, "writes": self.server.counters["writes"]}

        return self.run(look())

    async def _start(self) -> None:
        self.outside.mkdir()
        (self.outside / "canary.txt").write_text(self.secret)
        self.server = ModbusServer({1: self.memory})
        await self.server.start()
        text = IN_PLC.encode().ljust(64, b"\0")
        self.memory.write_words(0, text)
        plant = self.outside.parent / "plant.toml"
        names = {"name": SCRIPT[:80], "script": SCRIPT, "port": self.server.port}
        plant.write_text(_PLANT.format(**names), "utf-8")
        mimic = _MIMIC.format(script="&lt;script&gt;alert(12)&lt;/script&gt;", canary=self.canary.url)
        (plant.parent / "mimic.svg").write_text(mimic, "utf-8")
        self.node = Node(load_plant(plant), DataFolder(self.folder / "data"), Environment())
        self.ready = await self.node.start("127.0.0.1", 0)
        for role in ROLES[:3]:
            await self.accounts.add_user(role, PASSWORD, [role], by="rig")
        await self.accounts.set_password("admin", PASSWORD, by="rig")
        from sereno.store.settings import installation

        self.installation = await self.node.parts.store.run(installation)

    async def _stop(self) -> None:
        await self.node.stop()
        await self.server.close()

    def _end(self) -> None:
        self.canary.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Canary:
    """A server inside the network that nobody has any business to ask. `asked` says who did."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="canary", daemon=True)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        """Listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(30)
                try:
                    self.asked.append(connection.recv(1000).decode("latin-1").partition("\r\n")[0])
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
                except OSError:
                    self.asked.append("a connection")
