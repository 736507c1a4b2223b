"""An INDI server of a few lines with one device, for what no simulator does on demand."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from sereno.app.serve.server import DeviceServer
from sereno.client import Client, done
from sereno.device import Environment, device_configs
from sereno.drivers.indi.family import INDI
from sereno.testing import TESTER, JumpingClock, MemoryTransports

NAME = "Fake <1>"
PORT = 7624


@dataclass
class FakeProperty:
    """`kind` Switch, Number, Text, Light or BLOB; `answer` the state after a change, None = says nothing."""

    kind: str
    members: dict[str, Any]
    state: str = "Ok"
    rule: str = "OneOfMany"
    perm: str = "rw"
    answer: str | None = "Ok"
    words: str = ""
    limits: str = 'min="0" max="100" step="1"'


@dataclass
class FakeIndi:
    """The device; `asked` are the changes that clients asked for."""

    properties: dict[str, FakeProperty] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    silent: bool = False
    name: str = NAME
    ends: list[FakeConnection] = field(default_factory=list)
    stamp: Callable[[], str] | None = None

    def __post_init__(self) -> None:
        self.properties = {
            "CONNECTION": FakeProperty("Switch", {"CONNECT": False, "DISCONNECT": True}),
            **self.properties,
        }

    def define(self, name: str) -> str:
        known = self.properties[name]
        limits = known.limits if known.kind == "Number" else ""
        ones = "".join(
            f'<def{known.kind} name="{key}" label="{key.lower()}" {limits}>{_text(value)}</def{known.kind}>'
            for key, value in known.members.items()
        )
        head = f'device="{_escaped(self.name)}" name="{name}" state="{known.state}"'
        head += f' perm="{known.perm}" rule="{known.rule}"'
        return f"<def{known.kind}Vector {head}>{ones}</def{known.kind}Vector>\n"

    def tell(self, name: str, state: str = "", words: str = "", **members: Any) -> None:
        """A property is otherwise from now on."""
        known = self.properties[name]
        known.members |= members
        known.state = state or known.state
        form = ' format=".fits" size="1"' if known.kind == "BLOB" else ""
        ones = "".join(
            f'<one{known.kind} name="{key}"{form}>{_text(value)}</one{known.kind}>'
            for key, value in known.members.items()
        )
        head = f'device="{_escaped(self.name)}" name="{name}" state="{known.state}"'
        message = f' message="{words}"' if words else ""
        message += f' timestamp="{self.stamp()}"' if self.stamp else ""
        self.say(f"<set{known.kind}Vector {head}{message}>{ones}</set{known.kind}Vector>\n")

    def say(self, text: str) -> None:
        """To everybody."""
        if not self.silent:
            for end in self.ends:
                end.transport.write(text.encode())

    def take(self, element: ElementTree.Element) -> None:
        if element.tag == "getProperties":
            wanted, name = element.get("device"), element.get("name")
            if wanted in (None, self.name):
                for one in [name] if name in self.properties else self.properties if name is None else []:
                    self.say(self.define(str(one)))
        elif element.tag.startswith("new"):
            name = element.get("name", "")
            members = {str(one.get("name")): one.text or "" for one in element}
            self.asked.append((name, members))
            self.changed(name, members)

    def changed(self, name: str, members: dict[str, str]) -> None:
        known = self.properties[name]
        if known.answer is None:
            return
        if known.answer == "Alert":
            self.tell(name, "Alert", known.words)
            return
        if known.kind == "Switch":
            new: dict[str, Any] = dict.fromkeys(known.members, False) if known.rule == "OneOfMany" else {}
            new |= {key: value == "On" for key, value in members.items()}
        else:
            new = {key: float(value) for key, value in members.items()}
        self.tell(name, known.answer, **new)


class FakeConnection(asyncio.Protocol):
    def __init__(self, device: FakeIndi) -> None:
        self.device = device
        self.parser = ElementTree.XMLPullParser(["end"])
        self.parser.feed("<all>")
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.device.ends.append(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed(data)
        for _, element in self.parser.read_events():
            if element.tag.startswith(("get", "new", "enable")):
                self.device.take(element)

    def connection_lost(self, exc: Exception | None) -> None:
        self.device.ends.remove(self)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "On" if value else "Off"
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _escaped(name: str) -> str:
    return name.replace("<", "&lt;").replace(">", "&gt;")


@dataclass
class Bench:
    """What a test uses: the fake, and the plant with `site/it`."""

    clock: JumpingClock
    fake: FakeIndi
    client: Client
    network: MemoryTransports

    async def call(self, command: str, *arguments: Any) -> Any:
        return done(await self.client.call("site/it", command, *arguments)).value

    async def read(self, tag: str) -> Any:
        return (await self.client.get(f"site/it/{tag}")).value

    async def until(self, tag: str, value: Any) -> None:
        for _ in range(1000):
            reading = await self.client.get(f"site/it/{tag}")
            if reading.value == value and not reading.quality:
                return
            await self.clock.sleep(0.1)
        raise AssertionError(f"{tag} is {reading.value!r} ({reading.reason}), not {value!r}")

    async def error(self, words: str) -> None:
        """Until the device says why it is not there."""
        for _ in range(1000):
            (status,) = await self.client.devices()
            if words in status.last_error:
                return
            await self.clock.sleep(0.1)
        raise AssertionError(f"{status.last_error!r} does not say {words!r}")


@asynccontextmanager
async def bench(
    clock: JumpingClock, kind: str, fake: FakeIndi, folder: Any, *, patience: float = 10.0, **settings: Any
) -> AsyncIterator[Bench]:
    """A device of ours at the fake."""
    network = MemoryTransports()
    listener = await network.listen(lambda: FakeConnection(fake), "127.0.0.1", PORT)
    url = "indi://127.0.0.1/Fake %3C1%3E"
    configs = device_configs(INDI.kinds[kind], "site/it", {"url": url, **settings})
    environment = Environment(clock=clock, transports=network, folder=folder)
    try:
        async with DeviceServer(configs, environment) as devices:
            if patience:
                await devices.ready(TESTER, patience)
            yield Bench(clock, fake, devices.client(TESTER), network)
    finally:
        await listener.close()
