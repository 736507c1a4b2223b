"""What is to be served: classes with the names of their devices, and settings from a file and from options."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sereno.device import Device, default_name
from sereno.model import ConfigurationError, Fault

from .classes import load_class


@dataclass(frozen=True, slots=True)
class Wanted:
    """One device: its class and where that was named, its path and its settings."""

    cls: type[Device]
    source: str
    path: str
    settings: dict[str, Any] = field(default_factory=dict)


def wanted_devices(
    tokens: Sequence[str],
    *,
    settings: Sequence[str] = (),
    file: Path | None = None,
    given: Mapping[str, type[Device]] | None = None,
    kept: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Wanted]:
    """`CLASS NAME [NAME...] [CLASS NAME...]`, with KEY=VALUE or NAME:KEY=VALUE settings and those of a TOML file.

    A class without a name gives local/its_name. `given` are classes at hand, `kept` the properties of a device
    database. Raises ConfigurationError.
    """
    faults: list[Fault] = []
    found = _named(tokens, given or {}, faults)
    for one in found:
        of_class = (kept or {}).get(f"class:{one.cls.__name__}", {})
        one.settings.update({**of_class, **(kept or {}).get(one.path, {})})
    known = _of_file(file, faults) if file is not None else {}
    for one in found:
        one.settings.update(known.pop(one.path, {}))
    faults += [Fault(str(file), f"[{path!r}] is none of the devices served", _listed(found)) for path in known]
    for text in settings:
        _set(text, found, faults)
    names = [one.path for one in found]
    faults += [
        Fault(path, "named twice", "names of their own") for path in dict.fromkeys(names) if names.count(path) > 1
    ]
    if not found and not faults:
        faults.append(Fault("serve", "nothing to serve", "module:Class NAME"))
    if faults:
        raise ConfigurationError(faults)
    return found


def _named(tokens: Sequence[str], given: Mapping[str, type[Device]], faults: list[Fault]) -> list[Wanted]:
    found: list[Wanted] = []
    cls: type[Device] | None = None
    source, count, broken = "", 0, False

    def end() -> None:
        if cls is not None and count == 0:
            found.append(Wanted(cls, source, f"local/{default_name(cls)}"))

    for token in tokens:
        if ":" in token:
            end()
            source, count, cls = token, 0, None
            try:
                cls = given[token] if token in given else load_class(token)
            except ConfigurationError as error:
                faults.extend(error.faults)
                broken = True
        elif cls is not None:
            found.append(Wanted(cls, source, token))
            count += 1
        elif not broken:
            faults.append(Fault(token, "a name before its class", "module:Class NAME"))
    end()
    return found


def _of_file(file: Path, faults: list[Fault]) -> dict[str, dict[str, Any]]:
    """Tables by device path: ["lab/ps_1"] with its settings; as an object of objects where the file is JSON."""
    try:
        text = file.read_text("utf-8")
        data = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        faults.append(Fault(str(file), str(error), "a TOML or JSON file with a table per device"))
        return {}
    if not isinstance(data, dict):
        faults.append(Fault(str(file), f"{type(data).__name__}", 'an object per device, as {"lab/ps_1": {}}'))
        return {}
    for key, value in data.items():
        if not isinstance(value, dict):
            faults.append(Fault(str(file), f"{key} = {value!r}", f'a table per device, as ["{key}"]'))
    return {key: value for key, value in data.items() if isinstance(value, dict)}


def _set(text: str, found: Sequence[Wanted], faults: list[Fault]) -> None:
    key, equals, value = text.partition("=")
    path, colon, name = key.rpartition(":")
    if not equals or not name:
        faults.append(Fault(f"--set {text}", "no setting", "key=value, or lab/ps_1:key=value"))
        return
    chosen = [one for one in found if not colon or one.path == path]
    if not chosen:
        faults.append(Fault(f"--set {text}", f"{path!r} is none of the devices served", _listed(found)))
    for one in chosen:
        one.settings[name] = _value(value)


def _value(text: str) -> Any:
    """As TOML has it where it is that, else the text itself: 5, true, [1, 2], /dev/ttyS0."""
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _listed(found: Sequence[Wanted]) -> str:
    return ", ".join(one.path for one in found)
