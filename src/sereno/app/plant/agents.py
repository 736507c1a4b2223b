"""[[agent]] tables: which devices act, in whose name, and how they are watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.agents.supervision import Patience
from sereno.agents.supervisor import AgentRule
from sereno.device import Device, plan_of
from sereno.model import Fault, Subject

from .expand import Raw
from .faults import known_and_valid, nearest
from .schema import AgentTable

AGENT = "agent/"
"""What the name of an agent's actor begins with; its device follows."""


@dataclass(frozen=True, slots=True)
class PlantAgent:
    """An agent, checked: what the supervisor watches, and the actor that it acts as."""

    rule: AgentRule
    actor: Actor
    process: bool = False

    def granted(self, right: Right) -> list[str]:
        """The paths that it has this right over, as globs."""
        return [one.glob for role in self.actor.roles for one in role.permissions if one.right is right]


def plant_agents(
    raws: Sequence[Raw], devices: Mapping[str, type[Device] | None], faults: list[Fault], *, apart: str = ""
) -> tuple[PlantAgent, ...]:
    """The agents of a plant. `devices`: path of every device -> its class, where it is written in Python.

    `apart` says why this plant can have no agents in processes of their own; empty = it can.
    """
    made: dict[str, PlantAgent] = {}
    for raw in raws:
        label = f"agent {raw.data.get('device', '?')!r}"
        table = known_and_valid(AgentTable, raw.data, raw.where, label, faults)
        if table is None:
            continue
        cls = devices.get(table.device)
        if table.device not in devices:
            missed = Subject("device", table.device)
            faults.append(
                Fault(raw.where("device"), f"{label} is no device", fix=nearest(table.device, devices), misses=missed)
            )
        elif cls is None:
            faults.append(Fault(raw.where("device"), f"{label} is a driver's device", 'a device with class = "..."'))
        elif table.process and plan_of(cls).children:
            faults.append(Fault(raw.where("process"), f"{label} has children, which cannot go apart with it"))
        if table.process and apart:
            faults.append(Fault(raw.where("process"), f"{label} in a process of its own: {apart}"))
        if table.device in made:
            faults.append(Fault(raw.where("device"), f"duplicate {label}"))
        made[table.device] = _agent(table)
    return tuple(made.values())


def _agent(table: AgentTable) -> PlantAgent:
    granted = [Permission(Right.READ), Permission(Right.HISTORY)]
    granted += [Permission(Right.WRITE, glob) for glob in table.writes]
    granted += [Permission(Right.CALL, glob) for glob in table.calls]
    name = f"{AGENT}{table.device}"
    patience = Patience(table.silent, table.limit, table.within)
    actor = Actor(name, (Role(name, tuple(granted)),), "agent", "agent")
    return PlantAgent(AgentRule(table.device, patience), actor, table.process)
