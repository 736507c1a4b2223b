"""Drivers by name, through the same entry points for built-ins and for other packages."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from sereno.device import Driver


def driver_entries() -> dict[str, EntryPoint]:
    """Name -> entry point of every installed driver; nothing is imported."""
    return {entry.name: entry for entry in entry_points(group="sereno.drivers")}


def load_driver(entry: EntryPoint) -> type[Driver]:
    """Import one driver. Raises TypeError if what it names is not a Driver, ImportError as it comes."""
    found = entry.load()
    if not (isinstance(found, type) and issubclass(found, Driver)):
        raise TypeError(f"entry point {entry.name} = {entry.value} is not a subclass of sereno.device.Driver")
    return found
