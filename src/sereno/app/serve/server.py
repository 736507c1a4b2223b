"""DeviceServer: a hub with devices and nothing else. No recorder, no pages, no database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Self

from sereno.access.actor import ROLES, Actor
from sereno.app.no_history import NoHistory
from sereno.client import Client, DeviceStatus
from sereno.device import DeviceConfig, DeviceSet, Environment
from sereno.hub.execution import Permit, permitted
from sereno.hub.hub import Hub
from sereno.hub.locks import Locks
from sereno.hub.router import CommandRouter
from sereno.model import LinkState, NotConnectedError, OperationalState

from .logged import LoggedRecord

PATIENCE = 5.0
LOOK_AGAIN = 0.001


class DeviceServer:
    """Runs devices behind the same hub and command router as a node. Raises ValueError for a name taken twice.

    `plant` is what agents among them see and command, instead of the devices of this server. `permit` is asked before
    a command begins.
    """

    def __init__(
        self,
        configs: Sequence[DeviceConfig],
        environment: Environment | None = None,
        plant: Callable[[str], Client] | None = None,
        permit: Permit = permitted,
    ) -> None:
        self.environment = replace(environment or Environment(), plant=plant or self._plant_of)
        self.clock = self.environment.clock
        self.hub = Hub(self.clock)
        self.devices = DeviceSet(configs, self.hub, self.environment)
        self.router = CommandRouter(
            self.hub, self.clock, handlers=self.devices.handlers, marked=self.devices.marks, permit=permit
        )
        self.locks = Locks(self.hub, self.clock, LoggedRecord().record, self.devices.handlers)
        self._tasks: list[asyncio.Task[None]] = []

    def client(self, actor: Actor) -> Client:
        """The devices as this actor sees them, without a wire between."""
        return Client(self.hub, self.router, NoHistory(), self.devices, actor, clock=self.clock)

    def _plant_of(self, path: str) -> Client:
        """All devices of this server, as one of them sees them."""
        return self.client(Actor(path, (ROLES["operator"],), "agent", "device server"))

    async def start(self) -> None:
        """Start the devices; does not wait for them."""
        self._tasks = [
            asyncio.create_task(self.hub.run_freshness(), name="freshness"),
            asyncio.create_task(self.locks.run(), name="locks"),
        ]
        await self.devices.start()

    async def ready(self, actor: Actor, timeout: float = PATIENCE) -> None:
        """Wait until every device has answered. Raises NotConnectedError with what keeps them."""
        try:
            async with self.clock.timeout(timeout):
                while not all(map(_has_answered, await self.devices.devices(actor))):
                    await self.clock.sleep(LOOK_AGAIN)
        except TimeoutError:
            late = [status for status in await self.devices.devices(actor) if not _has_answered(status)]
            causes = {status.path: NotConnectedError(status.last_error or str(status.state)) for status in late}
            raise NotConnectedError(f"not started within {timeout:g} s", causes) from None

    async def replace(self, paths: Sequence[str], configs: Sequence[DeviceConfig]) -> None:
        """Let other devices take the place of these. See DeviceSet."""
        await self.devices.replace(paths, configs)
        for config in configs:
            self.router.replace(config.path, self.devices.handlers[config.path])

    async def stop(self) -> None:
        """End commands, devices and subscriptions. May be called twice."""
        await self.router.close()
        await self.devices.stop()
        self.hub.close()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _has_answered(status: DeviceStatus) -> bool:
    if status.state is OperationalState.FAULT:
        return status.link is LinkState.UP
    return status.link is LinkState.UP and all(group.scans for group in status.groups)
