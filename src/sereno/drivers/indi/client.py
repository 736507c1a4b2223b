"""IndiClient: one device of an INDI server, on a connection of its own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sereno.device import Transports
from sereno.model import Clock, DeviceError, NoAnswerError, NotConnectedError

from .protocol import Address, Blob, Decoder, Member, Message, Value, ask, change, enable_blobs

T = TypeVar("T")
MOST_PROPERTIES = 2000
BUSY, ALERT, IDLE = "Busy", "Alert", "Idle"


@dataclass(slots=True)
class Property:
    """A property as it is now.

    `heard` counts what was told of it, `images` those that came with it, `told` is the last message with it. `came`:
    when the last image did (monotonic). `stamp`: when the server said it last, in its words. `changed`: when it
    was last told anew, rather than declared (monotonic); minus infinity before.
    """

    type: str
    state: str
    rule: str
    writable: bool
    members: dict[str, Member] = field(default_factory=dict)
    heard: int = 1
    images: int = 0
    came: float = 0.0
    told: str = ""
    stamp: str = ""
    changed: float = -math.inf


def shows(known: Property, members: Mapping[str, Any]) -> bool:
    """True if a property is as it was asked to be, or on its way: these values, or Busy with numbers of before.

    Switches that spring back, as those of an abort, are all off then.
    """
    if known.type == "switch" and not any(one.value is True for one in known.members.values()):
        return known.state != IDLE or not any(members.values())
    if known.type == "number" and known.state == BUSY:
        return True
    return all(_agrees(known.members.get(name), wanted) for name, wanted in members.items())


def _agrees(member: Member | None, wanted: Any) -> bool:
    if member is None:
        return False
    if not isinstance(member.value, float):
        return bool(member.value == wanted)
    near = max(member.step / 2, 1e-3 * abs(float(wanted)), 1e-6)
    return abs(member.value - float(wanted)) <= near


class IndiClient(asyncio.Protocol):
    """Keeps what a server tells of a device. `lost` is called once when the connection ends or the device goes."""

    def __init__(self, address: Address, clock: Clock, lost: Callable[[str], None]) -> None:
        self.address = address
        self.device = address.device
        self.properties: dict[str, Property] = {}
        self.last_message = ""
        self._clock = clock
        self._lost: Callable[[str], None] | None = lost
        self._ended = ""
        self._decoder = Decoder()
        self._transport: asyncio.Transport | None = None
        self._news = asyncio.Event()
        self._others: set[str] = set()

    # ---- the connection

    async def open(self, transports: Transports) -> None:
        """Connect. Raises OSError."""
        await transports.connect(lambda: self, self.address.host, self.address.port)

    def close(self) -> None:
        """Hang up, without telling anybody."""
        self._lost = None
        self._end("closed")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's do not inherit from it

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        try:
            for message in self._decoder.feed(data):
                self._take(message)
        except ValueError as error:
            self._end(str(error))
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._end(f"the server hung up{f': {exc}' if exc else ''}")

    # ---- what is known

    def find(self, name: str) -> Property:
        """A property. Raises NoAnswerError if the device does not have it."""
        found = self.properties.get(name)
        if found is None:
            raise NoAnswerError(f"{self.device} has no {name}")
        return found

    def value(self, name: str, member: str) -> Value:
        """A value; None if the device does not have it."""
        known = self.properties.get(name)
        found = known.members.get(member) if known is not None else None
        return None if found is None else found.value

    def number(self, name: str, member: str) -> float | None:
        """A value that is a number; None otherwise."""
        found = self.value(name, member)
        return found if isinstance(found, float) else None

    def is_on(self, name: str, member: str) -> bool:
        """True if a switch is on."""
        return self.value(name, member) is True

    def state(self, name: str) -> str:
        """The state of a property; "" if the device does not have it."""
        known = self.properties.get(name)
        return known.state if known is not None else ""

    def blob(self, name: str) -> tuple[int, Blob | None]:
        """How many images have come, and the newest one."""
        known = self.properties.get(name)
        if known is None:
            return 0, None
        blobs = [one.value for one in known.members.values() if isinstance(one.value, Blob) and one.value.text]
        return known.images, blobs[0] if blobs else None

    # ---- asking and telling

    async def learn(self, *names: str, timeout: float) -> None:
        """Wait until the device has these properties. Raises NotConnectedError with what there is instead."""
        self._write(ask(self.device))
        try:
            await self._until(lambda: all(name in self.properties for name in names) or None, timeout)
        except TimeoutError:
            raise NotConnectedError(await self._missing(names)) from None

    async def images(self) -> None:
        """Let images come."""
        self._write(enable_blobs(self.device))

    async def ping(self, timeout: float) -> None:
        """Ask for the least there is, and wait for the answer. Raises NoAnswerError."""
        known = self.find("CONNECTION")
        before = known.heard
        self._write(ask(self.device, "CONNECTION"))
        try:
            await self._until(lambda: known.heard > before or None, timeout)
        except TimeoutError:
            raise NoAnswerError(f"{self.device} does not answer for {timeout:g} s") from None

    async def tell(
        self,
        name: str,
        members: Mapping[str, Any],
        *,
        timeout: float,
        accepted: Callable[[Property], bool] | None = None,
    ) -> None:
        """Ask for other values and wait until the device has accepted them: see `shows`, or as `accepted` judges.

        INDI says nothing of which change an update answers, so one that shows something else is none.

        Raises DeviceError with the device's words where it refuses, NoAnswerError where it says nothing.
        """
        known = self.properties.get(name)
        if known is None:
            raise DeviceError("not_implemented", f"{self.device} has no {name}")
        if not known.writable:
            raise DeviceError("not_implemented", f"{name} of {self.device} cannot be set")
        before, self.last_message = known.heard, ""
        judge = accepted or (lambda found: shows(found, members))
        self._write(change(known.type, self.device, name, members))

        def answered() -> bool | None:
            return True if known.heard > before and (known.state == ALERT or judge(known)) else None

        try:
            await self._until(answered, timeout)
        except TimeoutError:
            raise NoAnswerError(f"{self.device} did not say within {timeout:g} s that it took {name}") from None
        except NotConnectedError as error:
            raise NoAnswerError(f"{name} was sent, and {error}") from None
        if known.state == ALERT:
            words = known.told or self.last_message
            raise DeviceError("refused", words or f"{name}: the device says Alert and no words")

    async def wait_for(self, found: Callable[[], T | None], timeout: float) -> T:
        """Until `found` gives something. Raises TimeoutError, NotConnectedError."""
        return await self._until(found, timeout)

    # ---- inside

    async def _until(self, found: Callable[[], T | None], timeout: float) -> T:
        async with self._clock.timeout(timeout):
            while True:
                if self._ended:
                    raise NotConnectedError(self._ended)
                value = found()
                if value is not None:
                    return value
                self._news.clear()
                await self._news.wait()

    async def _missing(self, names: tuple[str, ...]) -> str:
        """Why it did not come: another name, or a device without these properties."""
        if self.properties:
            lost = ", ".join(name for name in names if name not in self.properties)
            return f"{self.device} has no {lost}: is it of another kind?"
        self._write(ask())
        await self._clock.sleep(1.0)
        there = ", ".join(sorted(self._others)) or "none"
        return f"there is no device {self.device!r} on this server; there are: {there}"

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._ended:
            raise NotConnectedError(self._ended or "not connected")
        self._transport.write(data)

    def _take(self, message: Message) -> None:
        if message.device != self.device:
            if message.device and len(self._others) < MOST_PROPERTIES:
                self._others.add(message.device)
            return
        if message.text:
            self.last_message = message.text
        if message.verb == "def":
            self._define(message)
        elif message.verb == "set":
            self._set(message)
        elif message.verb == "del":
            self._delete(message.name)

    def _define(self, message: Message) -> None:
        known = self.properties.get(message.name)
        writable = message.attributes.get("perm", "rw") != "ro" and message.type != "light"
        if known is None or known.type != message.type:
            if len(self.properties) >= MOST_PROPERTIES:
                raise ValueError(f"{self.device} has more than {MOST_PROPERTIES} properties")
            known = Property(message.type, "", message.attributes.get("rule", ""), writable, heard=0)
            self.properties[message.name] = known
        known.writable = writable
        known.members = dict(message.members)
        self._heard(known, message)

    def _set(self, message: Message) -> None:
        known = self.properties.get(message.name)
        if known is None or known.type != message.type:
            return
        for name, new in message.members.items():
            old = known.members.get(name)
            if old is not None:
                known.members[name] = Member(new.value, old.label, old.low, old.high, old.step)
        known.changed = self._clock.monotonic()
        values = [one.value for one in message.members.values()]
        if any(isinstance(value, Blob) and bool(value.text.strip()) for value in values):
            known.images, known.came = known.images + 1, known.changed
        self._heard(known, message)

    @staticmethod
    def _heard(known: Property, message: Message) -> None:
        known.state = message.state or known.state
        known.told = message.text
        known.stamp = message.attributes.get("timestamp", "")
        known.heard += 1

    def _delete(self, name: str) -> None:
        if name:
            self.properties.pop(name, None)
        else:
            self._end(f"the driver of {self.device} ended")

    def _end(self, why: str) -> None:
        if self._ended:
            return
        self._ended = why
        if self._transport is not None:
            self._transport.abort()
        self._wake()
        lost, self._lost = self._lost, None
        if lost is not None:
            lost(why)

    def _wake(self) -> None:
        self._news.set()
