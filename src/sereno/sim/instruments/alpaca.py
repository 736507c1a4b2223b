"""The Alpaca API over simulated instruments: one server with its devices, and how they are forced into trouble."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.device import SocketTransports, Transports
from sereno.drivers.alpaca.protocol import (
    API,
    IMAGE_BYTES,
    NUMBERS,
    UNSPECIFIED,
    encode_image,
    encode_image_error,
)
from sereno.model import Clock, DeviceError, RefusedError
from sereno.sim.scenario import Scenario

from .values import Arguments
from .web import Request, Response, Silence, WebServer

FORCE = "force"
"""The action by which a simulator is forced into trouble, with JSON as its parameters."""
BROKEN = "broken"

Getter = Callable[[Arguments], Any]
Putter = Callable[[Arguments], None]


@dataclass(slots=True)
class Members:
    """What one device answers: properties and methods by name in lower case, and what it is forced to.

    `actions` of its own take and give text. `heard` is called when anybody asks it anything.
    """

    get: dict[str, Getter] = field(default_factory=dict)
    put: dict[str, Putter] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    force: dict[str, Callable[[Any], None]] = field(default_factory=dict)
    image: Callable[[], NDArray[Any]] | None = None
    state: Sequence[str] = ()
    actions: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    heard: Callable[[], None] = lambda: None


def constant(value: Any) -> Getter:
    """A property that stays."""
    return lambda _: value


class SimDevice:
    """One device of a server. `actor` is what scenarios call it."""

    def __init__(self, kind: str, name: str, members: Members, *, version: int, actor: str) -> None:
        self.kind, self.name, self.members, self.actor = kind, name, members, actor
        self.connected = False
        self.broken_until = 0.0
        self.unique_id = f"sereno-{kind}-{actor}"
        common: dict[str, Getter] = {
            "connected": lambda _: self.connected,
            "connecting": constant(False),
            "description": constant(f"{name}, simulated"),
            "driverinfo": constant("Simulated instrument of Sereno"),
            "driverversion": constant("1.0"),
            "interfaceversion": constant(version),
            "name": constant(name),
            "supportedactions": constant([FORCE, *members.actions]),
            "devicestate": self._state,
        }
        self.get = common | members.get
        self.put: dict[str, Putter] = {
            "connected": lambda given: self._connect(given.truth("Connected")),
            "connect": lambda _: self._connect(True),
            "disconnect": lambda _: self._connect(False),
            **members.put,
        }
        self.free = frozenset((*common, "connect", "disconnect", "action")) - {"devicestate"}

    def _connect(self, on: bool) -> None:
        self.connected = on

    def _state(self, given: Arguments) -> list[dict[str, Any]]:
        """What tells how the device is; what it does not have is left out."""
        found = []
        for name in self.members.state:
            with suppress(DeviceError):
                found.append({"Name": name, "Value": self.members.get[name.lower()](given)})
        return found


class AlpacaServer:
    """Devices behind one port: `http://127.0.0.1:PORT/api/v1/KIND/NUMBER/MEMBER`, and management beside it.

    A scenario's iteration is a second since the start. Never on by themselves: tests and `sereno sim` start it.
    """

    def __init__(
        self, devices: Sequence[SimDevice], clock: Clock, *, transports: Transports | None = None,
        scenario: Scenario | None = None,
    ) -> None:  # fmt: skip
        self.devices = tuple(devices)
        self._clock = clock
        self.transports: Transports = transports or SocketTransports()
        self._web = WebServer(self.answer, self.transports)
        self._transactions = itertools.count(1)
        self._scenario = scenario
        self._begun = clock.monotonic()
        self._second = 0
        self._numbered: dict[tuple[str, int], SimDevice] = {}
        for device in self.devices:
            number = sum(kind == device.kind for kind, _ in self._numbered)
            self._numbered[device.kind, number] = device

    @property
    def port(self) -> int:
        """The port that it got."""
        return self._web.port

    def urls(self) -> dict[str, str]:
        """The URL of each device, as plant files have it, by the name that scenarios call it."""
        return {
            device.actor: f"http://127.0.0.1:{self.port}/{number}" for (_, number), device in self._numbered.items()
        }

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen. Raises OSError when the port is taken."""
        await self._web.start(port, host)

    async def close(self) -> None:
        """Hang up on everybody. May be called twice."""
        await self._web.close()

    def force(self, actor: str, action: Any) -> None:
        """What a scenario or a person does to a device. Raises RefusedError with what is known."""
        found = [device for device in self.devices if device.actor == actor]
        if not found:
            raise RefusedError(f"no device {actor!r}; there are: {', '.join(d.actor for d in self.devices)}")
        self._force(found[0], action)

    def play(self) -> None:
        """Let the scenario do what is due by now."""
        if self._scenario is None:
            return
        now = int(self._clock.monotonic() - self._begun)
        while self._second < now and self._second < self._scenario.iterations:
            self._second += 1
            for device in self.devices:
                for action in self._scenario.due(self._second, f"{device.actor}Simulator"):
                    self._force(device, action)

    async def answer(self, request: Request) -> Response:
        """One question."""
        self.play()
        parts = request.path.strip("/").split("/")
        if parts[:1] == ["management"]:
            return self._management(parts[1:], request)
        if len(parts) != 5 or f"/{parts[0]}/{parts[1]}" != API or not parts[3].isdigit():
            return Response(f"no such path {request.path}".encode(), "text/plain", 400)
        device = self._numbered.get((parts[2], int(parts[3])))
        if device is None:
            return Response(f"no device {parts[2]} {parts[3]}".encode(), "text/plain", 400)
        return self._member(device, parts[4], request)

    def _member(self, device: SimDevice, member: str, request: Request) -> Response:
        forcing = member == "action" and request.method == "PUT"
        if self._clock.monotonic() < device.broken_until and not forcing:
            raise Silence
        device.members.heard()
        given = Arguments(request.values, exact=request.method == "PUT")
        numbers = given.transaction(), next(self._transactions) & 0xFFFFFFFF
        try:
            value = self._done(device, member, request.method, given)
        except LookupError:
            return Response(f"{device.kind} has no {request.method} {member}".encode(), "text/plain", 400)
        except ValueError as error:
            return Response(str(error).encode(), "text/plain", 400)
        except DeviceError as error:
            code = NUMBERS.get(error.reason, UNSPECIFIED)
            if member == "imagearray" and IMAGE_BYTES in request.headers.get("accept", ""):
                return Response(encode_image_error(code, error.description, *numbers), IMAGE_BYTES)
            return _json(numbers, None, code, error.description)
        if isinstance(value, np.ndarray):
            if IMAGE_BYTES in request.headers.get("accept", ""):
                return Response(encode_image(value, *numbers), IMAGE_BYTES)
            return _json(numbers, value.T.astype(np.int64).tolist(), more={"Type": 2, "Rank": 2})
        return _json(numbers, value)

    def _done(self, device: SimDevice, member: str, method: str, given: Arguments) -> Any:
        if member in device.members.lacks:
            raise DeviceError("not_implemented", f"{member} is not implemented")
        if method == "PUT" and member == "action" and given.text("Action").lower() in device.members.actions:
            _require_connected(device)
            return device.members.actions[given.text("Action").lower()](given.text("Parameters"))
        if method == "PUT" and member == "action":
            return self._action(device, given)
        if member in ("imagearray", "imagearrayvariant") and device.members.image is not None and method == "GET":
            _require_connected(device)
            return device.members.image()
        known: Mapping[str, Callable[[Arguments], Any]] = {"GET": device.get, "PUT": device.put}.get(method, {})
        do = known[member]
        if member not in device.free:
            _require_connected(device)
        return do(given)

    def _action(self, device: SimDevice, given: Arguments) -> str:
        if given.text("Action").lower() != FORCE:
            raise DeviceError("no_such_action", f"there is {', '.join((FORCE, *device.members.actions))}")
        try:
            self._force(device, json.loads(given.text("Parameters")))
        except (RefusedError, ValueError) as error:
            raise DeviceError("invalid_value", str(error)) from None
        return "ok"

    def _force(self, device: SimDevice, action: Any) -> None:
        known = {BROKEN, *device.members.force}
        if not isinstance(action, Mapping) or not action.keys() <= known:
            raise RefusedError(f"{action!r:.80} for {device.actor}, expected some of {', '.join(sorted(known))}")
        for name, value in action.items():
            if name == BROKEN:
                device.broken_until = self._clock.monotonic() + float(value)
            else:
                device.members.force[name](value)

    def _management(self, parts: list[str], request: Request) -> Response:
        about = {
            "ServerName": "Sereno simulators",
            "Manufacturer": "Sereno",
            "ManufacturerVersion": "1.0",
            "Location": "",
        }
        listed = [
            {"DeviceName": d.name, "DeviceType": d.kind, "DeviceNumber": number, "UniqueID": d.unique_id}
            for (_, number), d in self._numbered.items()
        ]
        known: dict[str, Any] = {"apiversions": [1], "v1/description": about, "v1/configureddevices": listed}
        if request.method != "GET" or (name := "/".join(parts)) not in known:
            return Response(f"no such path {request.path}".encode(), "text/plain", 400)
        return _json((Arguments(request.values).transaction(), next(self._transactions)), known[name])


def _require_connected(device: SimDevice) -> None:
    if not device.connected:
        raise DeviceError("not_connected", f"{device.name} is not connected; put connected first")


def _json(
    numbers: tuple[int, int], value: Any, error: int = 0, message: str = "", more: Mapping[str, Any] | None = None
) -> Response:
    answer: dict[str, Any] = {**(more or {})}
    if not error:
        answer["Value"] = value
    answer |= {"ClientTransactionID": numbers[0], "ServerTransactionID": numbers[1]}
    return Response(json.dumps({**answer, "ErrorNumber": error, "ErrorMessage": message}).encode())
