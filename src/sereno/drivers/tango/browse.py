"""What a Tango device has, and the [[device]] of a plant file that it would be."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sereno.model import suggest_segment

from .address import Address
from .failures import translated
from .peer import AttributeInfo, CommandInfo, Peer
from .protocol import TYPES

_SHAPES = ("scalar", "spectrum", "image")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Found:
    """A device: what it declares, and what it says of itself now."""

    url: str
    state: str
    attributes: tuple[AttributeInfo, ...]
    commands: tuple[CommandInfo, ...]


def look(url: str, timeout: float = 3.0) -> Found:
    """Ask a device what it has. Blocks. Raises DeliveryError, DeviceError."""
    peer = Peer(url, timeout)
    state = peer.read(["State"])[0]
    return Found(url, str(state.value or "unknown"), tuple(peer.attributes()), tuple(peer.commands()))


def exported(host: str, port: int, pattern: str = "*") -> list[str]:
    """The devices of a Tango database that are running. Blocks. Raises DeliveryError."""
    import tango

    try:
        return sorted(tango.Database(host, str(port)).get_device_exported(pattern).value_string)
    except tango.DevFailed as error:
        raise translated(error) from error


def tag_name(attribute: str) -> str:
    """The name of a tag for an attribute: words in lower case with underscores between."""
    return suggest_segment(_HUMP.sub("_", attribute))


def device_toml(found: Found, address: Address, path: str) -> str:
    """The section of a plant file with every attribute that a tag can be; what cannot be one is named in a comment."""
    lines = ["[[device]]", f"name = {_text(path)}", 'driver = "tango"', f"url = {_text(str(address))}"]
    taken: set[str] = {"state"}
    lines += ["", "[[device.tag]]", 'name = "state"', 'attribute = "State"']
    for info in found.attributes:
        if info.type not in TYPES or info.format not in _SHAPES:
            lines += ["", f"# {info.name} is {info.type}, which no tag can be"]
            continue
        lines += ["", "[[device.tag]]", *_tag(info, taken)]
    return "\n".join(lines) + "\n"


def _tag(info: AttributeInfo, taken: set[str]) -> list[str]:
    name = tag_name(info.name)
    while name in taken:
        name += "_2"
    taken.add(name)
    lines = [f"name = {_text(name)}"]
    if name != info.name.lower():
        lines.append(f"attribute = {_text(info.name)}")
    if info.format != "scalar":
        lines.append(f"format = {_text(info.format)}")
    is_enum = TYPES[info.type] == "enum" and bool(info.labels)
    kind = TYPES[info.type] if is_enum or TYPES[info.type] != "enum" else "int16"
    lines.append(f"type = {_text(kind)}")
    if is_enum:
        lines.append(f"labels = {_texts(info.labels)}")
    said = {"unit": info.unit, "description": info.description}
    lines += [f"{key} = {_text(text)}" for key, text in said.items() if text]
    return lines + _access(info) + _limits(info)


def _access(info: AttributeInfo) -> list[str]:
    if info.writable == "READ" or info.type == "DevEncoded":
        return []
    bounds = [f"{key} = {value!r}" for key, value in (("low", info.low), ("high", info.high)) if value is not None]
    setpoint = [f"setpoint = {{ {', '.join(bounds)} }}"] if bounds else []
    return [f'access = "{"write" if info.writable == "WRITE" else "read_write"}"', *setpoint]


def _limits(info: AttributeInfo) -> list[str]:
    limits = (("lolo", info.lolo), ("lo", info.lo), ("hi", info.hi), ("hihi", info.hihi))
    declared = [f"{key} = {value!r}" for key, value in limits if value is not None]
    if not declared or info.format != "scalar":
        return []
    return [f"alarm = {{ {', '.join(declared)}, draft = true }}"]


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _texts(texts: Sequence[str]) -> str:
    return f"[{', '.join(_text(one) for one in texts)}]"
