"""Drivers, ways of telling and applications by name: the same entry points for built-ins and other packages."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import structlog

from sereno.alarms.notify.way import WayConfig
from sereno.device import Driver
from sereno.device.instruments import InstrumentFamily
from sereno.pages import Application, BrokenApplication

_log = structlog.get_logger(__name__)


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


def simulator_names() -> list[str]:
    """What `sereno sim` knows, those commands among them that are no simulators but tell one something."""
    return sorted({"waterworks", *(entry.name for entry in entry_points(group="sereno.simulators"))})


def application_entries() -> dict[str, EntryPoint]:
    """Name -> entry point of every installed application with pages; nothing is imported."""
    return {entry.name: entry for entry in entry_points(group="sereno.pages")}


def load_applications(names: Iterable[str]) -> list[Application | BrokenApplication]:
    """Import these applications. One that cannot be had says why, and is in nobody's way."""
    entries = application_entries()
    return [_load_application(name, entries.get(name)) for name in names]


def _load_application(name: str, entry: EntryPoint | None) -> Application | BrokenApplication:
    try:
        if entry is None:
            raise LookupError("no installed package has an entry point sereno.pages of this name")
        found = entry.load()
        if not isinstance(found, Application):
            raise TypeError(f"{entry.value} is no sereno.pages.Application")
        if found.name != name:
            raise ValueError(f"{entry.value} calls itself {found.name!r}; the entry point is {name!r}")
    except Exception as error:  # noqa: BLE001 - the boundary to code of others: a broken application must not stop the node
        _log.error("an application has no pages", application=name, exc_info=error)
        return BrokenApplication(name, f"{type(error).__name__}: {error}")
    return found
