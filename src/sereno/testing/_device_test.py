"""DeviceTest: devices started for a test in milliseconds, without sockets, database or plant file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sereno.access.actor import ROLES, Actor
from sereno.app.serve.ports import ports_of
from sereno.app.serve.server import DeviceServer
from sereno.client import Client, DeviceStatus, SyncClient, connect, done
from sereno.device import Device, DeviceConfig, Environment, Memory, Mock, default_name, device_configs, mock_of, mocked
from sereno.gateways.native.server import NativeServer
from sereno.model import Ack, Clock

TESTER = Actor("tester", (ROLES["admin"],))
TOKEN = "test"  # noqa: S105 - opens nothing but what the test has started


@dataclass(frozen=True, slots=True)
class _Wanted:
    path: str
    cls: type[Device]
    settings: Mapping[str, Any]


class DeviceTest:
    """Devices of these classes, running: `with DeviceTest(PowerSupply) as ps`, or `async with`.

    One class gives its device, `test/power_supply`, with `settings`. Several, or a mapping of paths to classes, give
    a mapping of paths to devices. Entering waits until all have answered, and raises NotConnectedError if they do
    not within `patience` seconds; 0 does not wait. `mock`: their code is not called, see `TestedDevice.mock`.
    `wire`: what the test asks goes over TCP, as from another process. `folder` is where devices keep files,
    `environment` their clock, connections and so on.
    """

    __test__ = False

    def __init__(
        self,
        *classes: type[Device] | Mapping[str, type[Device]],
        clock: Clock | None = None,
        environment: Environment | None = None,
        memory: Memory | None = None,
        mock: bool = False,
        wire: bool = False,
        patience: float = 5.0,
        folder: Path | None = None,
        **settings: Any,
    ) -> None:
        wanted = [w for given in classes for w in _wanted(given, settings)]
        if not wanted:
            raise TypeError("DeviceTest takes at least one class of devices")
        self._single = len(wanted) == 1 and isinstance(classes[0], type)
        self._wanted = wanted
        environment = environment or Environment()
        self._environment = replace(environment, clock=clock or environment.clock, folder=folder or environment.folder)
        self._memory = memory
        self._mock = mock
        self._wire = wire
        self._patience = patience
        self._stack = AsyncExitStack()
        self._sync: SyncClient | None = None
        self._mocks: dict[str, Mock] = {}
        self.devices: dict[str, Device] = {}

    def __enter__(self) -> Any:
        self._sync = SyncClient(self._run)
        client = self._sync
        return self._chosen({p: TestedDevice(p, client, self.devices[p], self._mocks.get(p)) for p in self.devices})

    def __exit__(self, *_: object) -> None:
        assert self._sync is not None
        self._sync.close()

    async def __aenter__(self) -> Any:
        client = await self._stack.enter_async_context(self._run())
        return self._chosen(
            {p: AsyncTestedDevice(p, client, self.devices[p], self._mocks.get(p)) for p in self.devices}
        )

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[Client]:
        async with DeviceServer(self._configs(), self._environment) as server:
            if self._patience > 0:
                await server.ready(TESTER, self._patience)
            if not self._wire:
                yield server.client(TESTER)
                return
            async with NativeServer(ports_of(server, TOKEN)) as native, connect(native.url, TOKEN) as client:
                yield client

    def _configs(self) -> list[DeviceConfig]:
        found = []
        for wanted in self._wanted:
            cls = mocked(wanted.cls) if self._mock else wanted.cls
            found += device_configs(cls, wanted.path, wanted.settings, memory=self._memory)
        self.devices = {config.path: config.config.device for config in found}
        if self._mock:
            self._mocks = {path: mock_of(device) for path, device in self.devices.items()}
        return found

    def _chosen(self, devices: dict[str, Any]) -> Any:
        return devices[self._wanted[0].path] if self._single else devices


class TestedDevice:
    """A device under test: tags are attributes (`ps.voltage = 5` waits until it is done), commands are methods.

    `device` is the object itself, to look into; with `mock=True`, `mock` sets values and has what was asked.
    Raises RefusedError, DeviceError and so on where a write or call is not done.
    """

    __test__ = False
    device: Device
    path: str
    client: SyncClient
    mock: Mock | None

    def __init__(self, path: str, client: SyncClient, device: Device, mock: Mock | None) -> None:
        vars(self).update(path=path, client=client, device=device, mock=mock)

    def __getattr__(self, name: str) -> Any:
        if name in _command_names(self.device):
            return lambda *arguments: outcome(self.client.call(self.path, name, *arguments))
        if name in _tag_names(self.device):
            return self.client.get(f"{self.path}/{name}").value
        raise AttributeError(f"{self.path} has no tag or command {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _tag_names(self.device):
            raise AttributeError(f"{self.path} has no tag {name!r}")
        outcome(self.client.write(f"{self.path}/{name}", value))

    def __dir__(self) -> list[str]:
        return [*_tag_names(self.device), *_command_names(self.device), "client", "device", "mock", "path", "status"]

    def __iter__(self) -> Iterator[str]:
        return iter(_tag_names(self.device))

    def reading(self, name: str) -> Any:
        """Value, quality, reason and time of a tag."""
        return self.client.get(f"{self.path}/{name}")

    @property
    def status(self) -> DeviceStatus:
        """State, link, groups, commands."""
        return next(status for status in self.client.devices() if status.path == self.path)


class AsyncTestedDevice:
    """As TestedDevice, from async code: `await ps.write("voltage", 5)`, `await ps.call("reset")`."""

    def __init__(self, path: str, client: Client, device: Device, mock: Mock | None) -> None:
        self.path = path
        self.client = client
        self.device = device
        self.mock = mock

    async def read(self, name: str) -> Any:
        """The present value of a tag."""
        return (await self.reading(name)).value

    async def reading(self, name: str) -> Any:
        """Value, quality, reason and time of a tag."""
        return await self.client.get(f"{self.path}/{name}")

    async def write(self, name: str, value: Any, **options: Any) -> Any:
        """Set a tag; what was read back."""
        return outcome(await self.client.write(f"{self.path}/{name}", value, **options))

    async def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Call a command; its result."""
        return outcome(await self.client.call(self.path, name, *arguments, **options))

    async def status(self) -> DeviceStatus:
        """State, link, groups, commands."""
        return next(status for status in await self.client.devices() if status.path == self.path)


def outcome(ack: Ack) -> Any:
    """The result of a command that was done. Raises what else became of it, the error of the device among that."""
    return done(ack).value


def _wanted(given: type[Device] | Mapping[str, type[Device]], settings: Mapping[str, Any]) -> list[_Wanted]:
    if isinstance(given, Mapping):
        return [_Wanted(path, cls, settings) for path, cls in given.items()]
    return [_Wanted(f"test/{default_name(given)}", given, settings)]


def _tag_names(device: Device) -> list[str]:
    return list(device._tags)


def _command_names(device: Device) -> list[str]:
    return list(device._commands)
