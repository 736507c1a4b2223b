"""Paths of ours as names of Tango, which have three parts for devices."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

_TAKEN = ("state", "status", "init")


def tango_name(path: str, prefix: str, names: Mapping[str, str]) -> str:
    """The Tango name of a device: what `names` says, else its path, filled up from the left or joined by dots."""
    if path in names:
        return names[path].lower()
    parts = path.split("/")
    if len(parts) > 3:
        return "/".join((*parts[:2], ".".join(parts[2:])))
    filling = (prefix.lower(), "device") if len(parts) == 1 else (prefix.lower(),)
    return "/".join((*filling, *parts)) if len(parts) < 3 else path


def tango_names(paths: Iterable[str], prefix: str, names: Mapping[str, str]) -> dict[str, str]:
    """Tango name by path. Raises ValueError if two devices would have one name."""
    found: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for path in paths:
        name = tango_name(path, prefix, names)
        if name in by_name:
            raise ValueError(f"{path!r} and {by_name[name]!r} would both be {name!r} in Tango; name one in `names`")
        by_name[name] = path
        found[path] = name
    return found


def attribute_name(tag: str) -> str:
    """The name of a tag, with `_tag` after it where Tango has that attribute itself."""
    return f"{tag}_tag" if tag in ("state", "status") else tag


def command_name(command: str, reserved: Container[str]) -> str:
    """The name of a command, with `_command` after it where Tango has that name itself."""
    return f"{command}_command" if command in reserved or command.lower() in _TAKEN else command
