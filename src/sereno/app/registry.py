"""Drivers and ways of telling by name, through the same entry points for built-ins and for other packages."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sereno.alarms.notify.way import WayConfig
from sereno.device import Driver
from sereno.device.instruments import InstrumentFamily


def driver_entries() -> dict[str, EntryPoint]:
    """Name -> entry point of every installed driver; nothing is imported."""
    return {entry.name: entry for entry in entry_points(group="sereno.drivers")}


def load_driver(entry: EntryPoint) -> type[Driver] | InstrumentFamily:
    """Import one driver. Raises TypeError if what it names is not a Driver, ImportError as it comes."""
    found = entry.load()
    if isinstance(found, InstrumentFamily):
        return found
    if not (isinstance(found, type) and issubclass(found, Driver)):
        raise TypeError(f"entry point {entry.name} = {entry.value} is not a subclass of sereno.device.Driver")
    return found


def notifier_entries() -> dict[str, EntryPoint]:
    """Kind -> entry point of every installed way of telling; nothing is imported."""
    return {entry.name: entry for entry in entry_points(group="sereno.notifiers")}


def load_notifier(entry: EntryPoint) -> type[Any]:
    """Import one way of telling. Raises TypeError if what it names is not one, ImportError as it comes."""
    found = entry.load()
    config = getattr(found, "Config", None)
    if not (isinstance(found, type) and isinstance(config, type) and issubclass(config, WayConfig)):
        raise TypeError(f"entry point {entry.name} = {entry.value} is no way: a class with Config and send")
    return found
