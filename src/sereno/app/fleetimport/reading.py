"""What a watchdog's JSON configuration says, whatever its keys are called: things are known by what they hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sereno.drivers.http.protocol import AnswerError, base_of
from sereno.model import ConfigurationError, Fault

PORT = 8000
EVERY = 300.0
ADDRESS_KEY = "RASP_catch"
_UNITS = {"_ms": 1e-3, "milli": 1e-3, "sec": 1.0, "min": 60.0, "hour": 3600.0, "heure": 3600.0, "hora": 3600.0}
_UNITS |= dict.fromkeys(("day", "jour", "dia"), 86400.0)
"""Of times, by a part of the key; the first one counts, minutes where there is none."""
SOONEST, LATEST = 0.1, 366 * 86400.0
MOST = 1e300
_LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "warn": "warning", "error": "error"}
_NAME = re.compile(r"[A-Za-z0-9._~-]{1,60}\Z")
_EVERY = re.compile(r"every|interval|period|frequen|minute|repeat|schedul", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """One of the configured requests: /name on every gateway; a threshold on the sum, and a sound."""

    name: str
    sum: bool = False
    threshold: float | None = None
    sound: str = ""


@dataclass(slots=True)
class FleetConfig:
    """What was found. `every` in seconds; `notes` are for people: what was left out or assumed, and why."""

    inventory: str = ""
    members: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    every: float = 0.0
    level: str = ""
    port: int | None = None
    notes: list[str] = field(default_factory=list)


def read_fleet(text: str, where: str) -> FleetConfig:
    """Raises ConfigurationError: it is no JSON object, or names neither requests nor an inventory."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError([Fault(where, f"no JSON: {error}")]) from None
    if not isinstance(data, dict):
        raise ConfigurationError([Fault(where, "not an object", '{"requests": [...], ...}')])
    faults: list[Fault] = []
    found = FleetConfig()
    _take(found, data, where, "", faults)
    if not found.requests and not found.members and not found.inventory:
        faults.append(Fault(where, "it has neither requests nor an inventory", '"name" and "threshold", or RASP_catch'))
    if found.every and not SOONEST <= found.every <= LATEST:
        faults.append(Fault(where, f"a job every {found.every:g} s", f"{SOONEST:g} s to a year"))
    if faults:
        raise ConfigurationError(faults)
    if found.members and found.inventory:
        found.notes.append(f"{found.inventory} is left out: the members are listed")
        found.inventory = ""
    if not found.every:
        found.every = EVERY
        found.notes.append(f"no interval was found: the job runs every {EVERY / 60:g} minutes")
    return found


def _take(found: FleetConfig, data: Mapping[str, Any], where: str, path: str, faults: list[Fault]) -> None:
    """Each key by what it holds, those of objects within too."""
    for key, value in data.items():
        plain = "".join(char if char.isprintable() else "?" for char in key)
        name = f"{path}{plain}"
        if _is_requests(value):
            found.requests += list(_requests(value, f"{where}: {name}", faults))
        elif _is_inventory(value):
            found.members |= _members(value, f"{where}: {name}", faults)
        elif _is_log(key, value):
            found.level = _LEVELS.get(str(value.get("level", "")).lower(), "info")
            found.notes.append(f"{name}: the log is kept in files of the data folder, begun anew and never emptied")
        elif isinstance(value, dict):
            _take(found, value, where, f"{name}.", faults)
        elif not _setting(found, plain, value):
            found.notes.append(f"{name}: left out, {json.dumps(value)[:60]} has no meaning here")


def _setting(found: FleetConfig, key: str, value: Any) -> bool:
    """True if a single value is taken, or is known to be of no more use."""
    word = key.lower()
    if _is_address(value) and (not found.inventory or "inventor" in word):
        found.inventory = value
        if "inventor" not in word:
            found.notes.append(f"{key}: taken for the address of the inventory")
    elif _is_number(value) and value > 0 and _EVERY.search(key) and not found.every:
        unit = next((factor for name, factor in _UNITS.items() if name in word), 60.0)
        found.every = value * unit
    elif word == "port" and isinstance(value, int) and 0 < value < 65536:
        found.port = int(value)
    elif word in ("host", "hôte", "address"):
        if value not in ("127.0.0.1", "localhost"):
            found.notes.append(f"{key}: the pages are for this machine; elsewhere they need TLS, see [web]")
    elif word in ("level", "log_level"):
        found.level = _LEVELS.get(str(value).lower(), "info")
    else:
        return False
    return True


def _is_number(value: Any) -> bool:
    """True for one that is finite: a threshold that is none would never ring."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -MOST <= value <= MOST


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "file:")) and value.isprintable()


def _is_requests(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "name" in one for one in value)


def _is_inventory(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(one, dict) and ADDRESS_KEY in one for one in value.values())


def _is_log(key: str, value: Any) -> bool:
    return isinstance(value, dict) and ("log" in key.lower() or {"level", "format"} <= value.keys())


def _requests(listed: list[dict[str, Any]], where: str, faults: list[Fault]) -> Iterator[Request]:
    for i, one in enumerate(listed):
        name = str(one["name"]).strip("/")
        if not _NAME.match(name):
            faults.append(Fault(f"{where}[{i}]", f"{name!r} cannot be a path", "letters, digits, . _ ~ -"))
            continue
        threshold = one.get("threshold")
        if threshold is not None and not _is_number(threshold):
            faults.append(Fault(f"{where}[{i}]", f"the threshold {threshold!r} of {name!r} is no number"))
            continue
        yield Request(name, bool(one.get("sum")), threshold, str(one.get("sound") or ""))


def _members(data: Mapping[str, Any], where: str, faults: list[Fault]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, one in data.items():
        if not name.isprintable():
            faults.append(Fault(where, f"{name!a} cannot be the name of a member", "letters, digits, spaces"))
            continue
        address = one.get(ADDRESS_KEY) if isinstance(one, dict) else None
        try:
            base_of(str(address or ""), PORT)
        except AnswerError as error:
            faults.append(Fault(f"{where}.{name}", str(error)))
            continue
        found[name] = str(address)
    return found
