"""What the device database says of the devices to be served."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sereno.app.device_database import DeviceDatabase, Registered, open_facts
from sereno.app.installation import at_console
from sereno.model import ConfigurationError, Fault, SystemClock

Kept = Mapping[str, Mapping[str, Any]]


def open_database(where: str, data: Path) -> DeviceDatabase:
    """The device database at a URL, in a file, or in the data folder. Raises StoreError."""
    clock = SystemClock()
    return DeviceDatabase(open_facts(where, data, clock), clock, at_console())


def registered_devices(database: DeviceDatabase, tokens: Sequence[str], server: str | None) -> tuple[list[str], Kept]:
    """Tokens for the devices that are registered for a server, and the properties kept of classes and devices.

    Raises ConfigurationError if nothing is registered for the server and nothing else is served.
    """
    found, kept = asyncio.run(_asked(database, server))
    if server is not None and not found and not tokens:
        raise ConfigurationError(
            [
                Fault(
                    f"--server {server}",
                    "no device is registered for it",
                    fix="sereno device db add PATH MODULE:CLASS --server NAME",
                )
            ]
        )
    return [token for one in found for token in (one.cls, one.path)], kept


async def _asked(database: DeviceDatabase, server: str | None) -> tuple[list[Registered], Kept]:
    found = await database.devices(server) if server is not None else []
    kept = await database.all_properties()
    await database.pause()
    return found, kept
