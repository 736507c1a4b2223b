"""Sereno: supervisory control and data acquisition in Python."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from sereno.client import PlantOutline, connect, connect_sync
    from sereno.device import Device, bounds, child, command, on_write, scan, setting, tag
    from sereno.model import DeviceError, Quality

__all__ = [
    "Device",
    "DeviceError",
    "Quality",
    "bounds",
    "child",
    "command",
    "connect",
    "connect_sync",
    "on_write",
    "outline",
    "run",
    "scan",
    "setting",
    "tag",
]

_ROOMS = {
    "sereno.client": ("connect", "connect_sync"),
    "sereno.device": ("Device", "bounds", "child", "command", "on_write", "scan", "setting", "tag"),
    "sereno.model": ("DeviceError", "Quality"),
}


def run(*devices: Any) -> int:
    """Serve devices until told to stop: classes, each followed by the names of its devices, and options of serve."""
    served: int = import_module("sereno.app.serve.script").run_devices(*devices)
    return served


def outline(plant: Path | str) -> PlantOutline:
    """What a plant file (or plant.toml of a folder) says, checked and not run. Raises ConfigurationError."""
    found: PlantOutline = import_module("sereno.app.plant.outline").read_outline(plant)
    return found


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext sereno`: the node in ./data, or of SERENO_URL and SERENO_TOKEN, at this prompt."""
    from os import environ

    load = import_module("sereno.app.console.extension").load
    print(load(shell, url=environ.get("SERENO_URL"), token=environ.get("SERENO_TOKEN")))  # noqa: T201


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext sereno`."""
    import_module("sereno.app.console.extension").unload(shell)


def __getattr__(name: str) -> Any:
    """What is public is imported when it is asked for, so that `import sereno` costs nothing."""
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(room), name)
    raise AttributeError(f"module 'sereno' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public interface and nothing else."""
    return list(__all__)
