"""DeviceSet: all devices of a node and the links that they share."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from types import TracebackType

from sereno.access.actor import Actor, Right
from sereno.client import DeviceStatus, IngestPort, TraceLine
from sereno.model import DeniedError, Marks, NotFoundError, split_tag_path

from ._config import DeviceConfig
from ._driver import Driver, Environment
from ._keeper import LinkKeeper
from ._runner import DeviceRunner
from ._trace import trace_link
from ._turns import LinkTurns


class DeviceSet:
    """Builds devices and links from their declarations, runs them, and answers for them (a DevicePort).

    Building registers all tags and groups at `ingest`, in the order of `configs`, and opens nothing. Devices of one
    driver family whose link keys are equal share a link. Raises ValueError for a path that is taken.
    """

    def __init__(
        self, configs: Sequence[DeviceConfig], ingest: IngestPort, environment: Environment | None = None
    ) -> None:
        self._environment = environment or Environment()
        self._links: dict[tuple[type[Driver], str], tuple[LinkKeeper, LinkTurns]] = {}
        self._devices: dict[str, DeviceRunner] = {}
        self._ingest = ingest
        for config in configs:
            self._add(config)

    @property
    def handlers(self) -> Mapping[str, DeviceRunner]:
        """Device path -> what executes its commands (a CommandHandler)."""
        return self._devices

    def marks(self, path: str) -> Mapping[str, Marks]:
        """The named commands of a device that wait for people, depend on something, or take their time, as of now."""
        runner = self._devices.get(path)
        return {} if runner is None else runner.marks

    async def start(self, paused: Collection[str] = ()) -> None:
        """Begin to connect and to scan; does not wait for the first connection.

        Those that are `paused` wait for `resume`; only devices with a link of their own.
        """
        origin = self._environment.clock.monotonic()
        waiting = [self._keeper_of(path) for path in paused]
        for path, device in self._devices.items():
            if path not in paused:
                device.start(origin)
        for keeper, _ in self._links.values():
            if keeper not in waiting:
                keeper.start()

    async def stop(self) -> None:
        """End every scan, close every link; returns when nothing is left running."""
        await asyncio.gather(*(device.stop() for device in self._devices.values()))
        await asyncio.gather(*(keeper.stop() for keeper, _ in self._links.values()))

    async def replace(self, paths: Sequence[str], configs: Sequence[DeviceConfig]) -> None:
        """Stop these devices, forget their tags, and start others in their place. See `quiet`, `put`, `begin`."""
        await self.quiet(paths)
        self.put(paths, configs)
        self.begin([config.path for config in configs])

    async def quiet(self, paths: Sequence[str]) -> None:
        """Stop these devices, and the links that no others share."""
        await asyncio.gather(*(self._devices[path].stop() for path in paths))
        wanted = {self._key(device.config) for path, device in self._devices.items() if path not in paths}
        idle = [key for key in {self._key(self._devices[path].config) for path in paths} if key not in wanted]
        await asyncio.gather(*(self._links[key][0].stop() for key in idle))
        for key in idle:
            del self._links[key]

    def put(self, paths: Sequence[str], configs: Sequence[DeviceConfig]) -> None:
        """Forget these devices, which are quiet, with their tags, and build others, not started.

        Raises ValueError for a path that is taken.
        """
        for path in paths:
            self._devices.pop(path).retire()
        for config in configs:
            self._add(config)

    def begin(self, paths: Sequence[str]) -> None:
        """Start devices that were put."""
        for path in paths:
            self._devices[path].start(self._environment.clock.monotonic())
        for key in dict.fromkeys(self._key(self._devices[path].config) for path in paths):
            keeper = self._links[key][0]
            if not keeper.started:
                keeper.start()

    async def pause(self, path: str) -> None:
        """Stop one device and its link; its tags stay and turn stale. Only for a device with a link of its own."""
        await self._devices[path].stop()
        await self._keeper_of(path).stop()

    def resume(self, path: str) -> None:
        """Start what `pause` has stopped."""
        self._devices[path].start(self._environment.clock.monotonic())
        self._keeper_of(path).start()

    async def __aenter__(self) -> DeviceSet:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def devices(self, actor: Actor) -> list[DeviceStatus]:
        """See DevicePort."""
        return [self._devices[path].status() for path in sorted(self._devices) if actor.may(Right.READ, path)]

    def trace(self, device: str, actor: Actor) -> AsyncIterator[TraceLine]:
        """See DevicePort."""
        found = self._devices.get(device)
        if found is None or not (actor.may(Right.READ, device) or actor.may(Right.TRACE, device)):
            visible = [path for path in self._devices if actor.may(Right.READ, path)]
            near = difflib.get_close_matches(device, visible, 3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise NotFoundError(f"no device {device!r}{hint}")
        if not actor.may(Right.TRACE, device):
            raise DeniedError(f"{actor.name} may not trace {device!r}, that needs the right {Right.TRACE}")
        return trace_link(found.link)

    def clock_faults(self) -> list[str]:
        """Clocks of devices that are off, in words."""
        return [fault for runner in self.handlers.values() for fault in runner.clock_faults]

    def rescan(self, path: str) -> None:
        """Scan the group of a tag out of turn, whatever device it belongs to; other paths are ignored."""
        if owner := self._devices.get(split_tag_path(path)[0]):
            owner.poke(path)

    def _add(self, config: DeviceConfig) -> DeviceRunner:
        if config.path in self._devices:
            raise ValueError(f"device {config.path!r} is declared twice")
        keeper, turns = self._link(config)
        device = self._devices[config.path] = DeviceRunner(config, keeper, turns, self._ingest, rescan=self.rescan)
        return device

    def _keeper_of(self, path: str) -> LinkKeeper:
        config = self._devices[path].config
        return self._links[config.driver, config.driver.link_key(config.config)][0]

    def _link(self, config: DeviceConfig) -> tuple[LinkKeeper, LinkTurns]:
        key = self._key(config)
        if key not in self._links:
            link = config.driver.open_link(config.config, self._environment)
            self._links[key] = (LinkKeeper(link, config.retry), LinkTurns(link))
        return self._links[key]

    @staticmethod
    def _key(config: DeviceConfig) -> tuple[type[Driver], str]:
        return config.driver, config.driver.link_key(config.config)
