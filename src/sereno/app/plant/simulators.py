"""[[simulator]] tables: programs that stand for devices, when a node is asked to run them."""

from __future__ import annotations

import re
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from weakref import finalize

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.agents.simulators import AREA, NONE, SimulatorRule
from sereno.agents.supervision import Patience
from sereno.app.registry import simulator_names
from sereno.model import Fault, Subject

from .causes import named, of
from .expand import Raw
from .faults import known_and_valid, missing_key, nearest
from .simulator_schema import SimulatorTable

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_PORT = "port"


class Claims:
    """Ports that are this run's until they are given up, whether its simulators listen there now or not.

    A claim is a UDP socket of that number: the system gives it to one process, and takes it back when that one ends.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []
        self._give_up = finalize(self, _close, self._held)

    def take(self, port: int) -> None:
        """Claim a port. Raises OSError when it is somebody else's."""
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            raise
        self._held.append(claim)

    def give_up(self) -> None:
        """All of them are anybody's from now on."""
        self._give_up()


def _close(held: list[socket.socket]) -> None:
    for claim in held:
        claim.close()


@dataclass(frozen=True, slots=True)
class Placed:
    """How this run of a plant differs from its file: devices with other addresses, simulators with their ports.

    Only simulators with a port here (0 for those that listen nowhere) are run.
    """

    urls: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    claims: Claims = field(default_factory=Claims, compare=False)


@dataclass(frozen=True, slots=True)
class PlantSimulator:
    """A simulator, checked. `scenarios`: name -> file. `actor` where it acts in the plant, else None."""

    table: SimulatorTable
    scenarios: Mapping[str, Path]
    actor: Actor | None

    def rule_at(self, port: int) -> SimulatorRule:
        """What is supervised when it listens there."""
        table = self.table
        return SimulatorRule(
            name=table.name,
            patience=Patience(table.silent, table.limit, table.within),
            startup=table.startup,
            url=self.url(port),
            description=table.description,
            begins=table.start,
            ends=table.once,
            scenarios=tuple(self.scenarios),
            scenario=table.scenario,
        )

    @property
    def device(self) -> str:
        """Its path."""
        return f"{AREA}/{self.table.name}"

    def url(self, port: int) -> str:
        """Where it is found when it listens there."""
        return _filled(self.table.url, {_PORT: str(port)})

    def words(self, port: int, urls: Mapping[str, str]) -> list[str]:
        """What stands after `sereno sim`; `urls` of all simulators by name."""
        words = [_filled(word, {**urls, _PORT: str(port)}) for word in self.table.command]
        return [*words, *(["--port", str(port)] if port else [])]


def plant_simulators(
    raws: Sequence[Raw], devices: Collection[str], folder: Path, faults: list[Fault], *, apart: str = ""
) -> tuple[PlantSimulator, ...]:
    """The simulators of a plant with these devices. `apart`: why none can act in the plant; empty = they can."""
    made: dict[str, tuple[SimulatorTable, Raw]] = {}
    for raw in raws:
        label = f"simulator {raw.data.get('name', '?')!r}"
        wrong: list[Fault] = []
        table = known_and_valid(SimulatorTable, raw.data, raw.where, label, wrong)
        if table is None:
            faults += of(lost := Subject("simulator", named(raw.data)), wrong, loses=[lost])
            continue
        faults += wrong
        if table.name in made:
            faults.append(Fault(raw.where("name"), f"duplicate {label}"))
        if (table.writes or table.calls) and apart:
            faults.append(Fault(raw.where(), f"{label} that acts in the plant: {apart}"))
        made[table.name] = table, raw
    kinds = simulator_names() if made else []
    for name, (table, raw) in made.items():
        faults += _kind_faults(name, table, raw, kinds)
        faults += _faults(name, table, raw, made, devices)
    return tuple(_simulator(table, raw, folder, faults) for table, raw in made.values())


def _kind_faults(name: str, table: SimulatorTable, raw: Raw, kinds: Collection[str]) -> list[Fault]:
    kind = table.command[0]
    if kind in kinds:
        return []
    found = f"simulator {name!r}: there is no `sereno sim {kind}`"
    return [Fault(raw.where("command", 0), found, fix=nearest(kind, kinds))]


def _faults(
    name: str, table: SimulatorTable, raw: Raw, made: Mapping[str, tuple[SimulatorTable, Raw]], devices: Collection[str]
) -> list[Fault]:
    label, faults = f"simulator {name!r}", list[Fault]()
    for at, word in enumerate([table.url, *table.command]):
        where = raw.where("command", at - 1) if at else raw.where("url")
        strange = [place for place in _PLACE.findall(word) if place != _PORT and (place not in made or not at)]
        for one in strange:
            missed = Subject("simulator", one)
            faults.append(Fault(where, f"{label} names {{{one}}}", fix=nearest(one, ["port", *made]), misses=missed))
    taken = {path: other for other, (one, _) in made.items() if other != name for path in one.devices}
    for at, path in enumerate(table.devices):
        if path not in devices:
            found, missed = f"{label}: {path!r} is no device", Subject("device", path)
            faults.append(Fault(raw.where("devices", at), found, fix=nearest(path, devices), misses=missed))
        elif path in taken:
            faults.append(Fault(raw.where("devices", at), f"{path!r} is simulated by {name!r} and {taken[path]!r}"))
    if table.name == _PORT:
        faults.append(Fault(raw.where("name"), "a simulator is called 'port'", "another name"))
    if f"{AREA}/{name}" in devices:
        faults.append(Fault(raw.where("name"), f"{AREA}/{name} is a device too", "another name of one of them"))
    return faults


def _simulator(table: SimulatorTable, raw: Raw, folder: Path, faults: list[Fault]) -> PlantSimulator:
    scenarios: dict[str, Path] = {}
    for at, file in enumerate(table.scenarios):
        path = (folder / file).absolute()
        if not path.is_file():
            faults.append(Fault(raw.where("scenarios", at), f"no file {file!r} beside the plant file"))
        if path.stem in (NONE, *scenarios):
            faults.append(Fault(raw.where("scenarios", at), f"a second scenario {path.stem!r}"))
        scenarios[path.stem] = path
    if table.scenario and table.scenario not in scenarios:
        found = f"scenario {table.scenario!r} of simulator {table.name!r} is not in its scenarios"
        fix, missed = nearest(table.scenario, scenarios), missing_key(raw.where, "scenarios")
        faults.append(Fault(raw.where("scenario"), found, fix=fix, misses=missed))
    return PlantSimulator(table, scenarios, _actor(table))


def _actor(table: SimulatorTable) -> Actor | None:
    if not (table.writes or table.calls):
        return None
    granted = [Permission(Right.READ), Permission(Right.HISTORY)]
    granted += [Permission(Right.WRITE, glob) for glob in table.writes]
    granted += [Permission(Right.CALL, glob) for glob in table.calls]
    name = f"{AREA}/{table.name}"
    return Actor(name, (Role(name, tuple(granted)),), "agent", "simulator")


def _filled(text: str, places: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: places.get(found[1], found[0]), text)
