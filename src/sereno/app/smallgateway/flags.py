"""The plant that flags of the command line mean: one device, its tags, and what they are served as."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path

from sereno.app.plant.load import Plant, load_plant
from sereno.model import ConfigurationError, Fault

DEVICE = "plc"
_TAG = "NAME=ADDRESS[,TYPE][,write]"
_LIST = "NAME=TAG,TAG,..."


@dataclass(frozen=True, slots=True)
class Flags:
    """As they were given."""

    driver: str
    url: str
    scan: str
    tags: tuple[str, ...]
    vectors: tuple[str, ...]
    totals: tuple[str, ...]
    connections: str

    @property
    def said(self) -> str:
        """The first flag that means nothing without a URL; empty if none was given."""
        only_here = ("tags", "vectors", "totals", "connections")
        named = [field.name for field in fields(self) if field.name in only_here and getattr(self, field.name)]
        return f"--{named[0].removesuffix('s') if named[0] != 'connections' else named[0]}" if named else ""


def plant_of_flags(flags: Flags) -> Plant:
    """As the plant file that they mean. Raises ConfigurationError."""
    lines = plant_lines(flags)
    with tempfile.TemporaryDirectory(prefix="sereno-") as folder:
        file = Path(folder) / "plant.toml"
        file.write_text("\n".join(lines) + "\n", "utf-8")
        try:
            return load_plant(file)
        except ConfigurationError as error:
            raise ConfigurationError([_told(fault, file, lines) for fault in error.faults]) from None


def plant_lines(flags: Flags) -> list[str]:
    """The plant file, line by line. Raises ConfigurationError."""
    faults: list[Fault] = []
    device = [
        "[[device]]",
        f"name = {_text(DEVICE)}",
        f"driver = {_text(flags.driver)}",
        f"url = {_text(flags.url)}",
        f"scan = {_text(flags.scan)}",
    ]
    for text in flags.tags:
        device += _tag_lines(text, faults)
    served = ["[gateway.http]", "insecure = true", f"writes = [{_text(f'{DEVICE}/*')}]"]
    if flags.connections:
        served.append(f"connections = {_text(_path(flags.connections))}")
    served += _lists("names", "--vector", flags.vectors, faults) + _lists("totals", "--total", flags.totals, faults)
    if not flags.tags:
        faults.append(Fault("--tag", f"{flags.url} has no tag", f"at least one --tag {_TAG}"))
    if faults:
        raise ConfigurationError(faults)
    return ["[plant]", 'name = "Gateway"', *device, *served]


def _tag_lines(text: str, faults: list[Fault]) -> list[str]:
    name, _, rest = text.partition("=")
    address, *words = (word.strip() for word in rest.split(","))
    kinds = [word for word in words if word != "write"]
    if not name.strip() or not address or len(kinds) > 1:
        faults.append(Fault(f"--tag {text}", "this names no tag", _TAG))
        return []
    return [
        "[[device.tag]]",
        f"name = {_text(name.strip())}",
        f"address = {_text(address)}",
        *(f"type = {_text(kind)}" for kind in kinds),
        *(['access = "read_write"'] if "write" in words else []),
    ]


def _lists(table: str, flag: str, given: Iterable[str], faults: list[Fault]) -> list[str]:
    found = [f"[gateway.http.{table}]"]
    for text in given:
        name, _, rest = text.partition("=")
        tags = [_path(tag.strip()) for tag in rest.split(",") if tag.strip()]
        if not name.strip() or not tags:
            faults.append(Fault(f"{flag} {text}", "this names no tags", _LIST))
        found.append(f"{_text(name.strip())} = {json.dumps(tags)}")
    return found if len(found) > 1 else []


def _path(name: str) -> str:
    return name if "/" in name else f"{DEVICE}/{name}"


def _text(value: str) -> str:
    return json.dumps(value)


def _told(fault: Fault, file: Path, lines: list[str]) -> Fault:
    """The same fault, saying the line that flags became, as no such file is there."""
    if not fault.where.startswith(str(file)):
        return fault
    number = fault.where.removeprefix(str(file)).strip(":").partition(":")[0]
    line = lines[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(lines) else ""
    return replace(fault, where=f"the flags, that say {line}" if line else "the flags")
