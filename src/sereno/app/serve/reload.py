"""Reloader: the source of served classes is looked at, and what has changed runs in place of what was."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from sereno.device import Device, DeviceConfig, Memory, adopt_values, device_configs, plan_of
from sereno.model import ConfigurationError, SerenoError

from .classes import class_again, module_files
from .server import DeviceServer
from .wanted import Wanted

log = structlog.get_logger(__name__)
PERIOD = 0.5
"""Seconds between two looks."""


class Reloader:
    """Looks at the files of the devices' classes. A change that does not load is told, and the old code runs on.

    Devices of a changed class start anew; what was set is kept where the tag is still of the same kind.
    """

    def __init__(self, server: DeviceServer, devices: Sequence[Wanted], memory: Memory) -> None:
        self._server = server
        self._memory = memory
        self._devices = list(devices)
        self._seen = {file: _stamp(file) for file in self._files()}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look from now on."""
        self._task = asyncio.create_task(self._run(), name="reload")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> list[str]:
        """Reload what has changed since the last look; the devices that run new code."""
        stamps = await asyncio.to_thread(lambda: {file: _stamp(file) for file in self._files()})
        changed = {file for file, stamp in stamps.items() if stamp != self._seen.get(file)}
        self._seen = stamps
        renewed: list[str] = []
        for cls in dict.fromkeys(w.cls for w in self._devices if not changed.isdisjoint(module_files(w.cls))):
            renewed += await self._renew(cls)
        return renewed

    async def _run(self) -> None:
        while True:
            await self._server.clock.sleep(PERIOD)
            try:
                await self.look()
            except (SerenoError, ValueError, OSError) as error:
                log.error("not reloaded", task="reload", error=str(error))

    def _files(self) -> list[Path]:
        return list(dict.fromkeys(file for wanted in self._devices for file in module_files(wanted.cls)))

    async def _renew(self, cls: type[Device]) -> list[str]:
        mine = [wanted for wanted in self._devices if wanted.cls is cls]
        try:
            fresh = class_again(cls)
            plan_of(fresh)
            made = {w.path: device_configs(fresh, w.path, w.settings, memory=self._memory) for w in mine}
        except ConfigurationError as error:
            log.error("not reloaded, the old code runs on", faults=[str(fault) for fault in error.faults])
            return []
        for wanted in mine:
            await self._replace(wanted.path, made[wanted.path])
            at = self._devices.index(wanted)
            self._devices[at] = Wanted(fresh, wanted.source, wanted.path, wanted.settings)
        log.info("reloaded", source=str(module_files(fresh)[0]), devices=list(made))
        return list(made)

    async def _replace(self, path: str, configs: list[DeviceConfig]) -> None:
        running = self._server.devices.handlers
        old = {p: runner.config.config.device for p, runner in running.items() if p == path or p.startswith(f"{path}/")}
        children = {p for p in old if p == path or old[p].parent in old.values()}
        for config in configs:
            if config.path in children:
                adopt_values(config.config.device, old[config.path])
        await self._server.replace(sorted(children), configs)


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
