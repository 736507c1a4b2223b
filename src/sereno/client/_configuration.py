"""The configuration of a running node as a port: what runs, what another plant file would change, apply, roll back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

from sereno.access.actor import Actor
from sereno.model import Fault, RefusedError

from ._json import iso_time
from ._times import parse_time


class Effect(StrEnum):
    """What a change does when it is applied: nothing stops, its device is started anew, or it waits for a restart."""

    LIVE = "live"
    INTERRUPTS = "interrupts"
    NEXT_START = "next_start"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One key, as text; "" where it was not set or is not to be shown."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference. `kind` device, tag, alarm, guard, agent, job, report, setting or code.

    `change` added, removed or changed.
    """

    kind: str
    name: str
    change: str
    fields: tuple[FieldChange, ...] = ()
    effect: Effect = Effect.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan:
    """What applying `source` would do. `token` stands for exactly this: give it to `apply`.

    `interrupted` are the devices that start anew, with why. With `faults` nothing can be applied. `applied`: it was.
    """

    plant: str
    source: str
    token: str = ""
    changes: tuple[Change, ...] = ()
    interrupted: Mapping[str, str]
    faults: tuple[Fault, ...] = ()
    applied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptConfiguration:
    """One that ran: its number, since when (ns UTC), by whom it was put in force, where its files are kept."""

    number: int
    since: int
    by: str
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningConfiguration:
    """What runs. `source` is the plant file, `folder` has a copy; `pending` is what of it waits for a restart.

    `back`: it was rolled back to, and the plant file says something else. `kept`: those before, the newest first.
    """

    number: int
    plant: str
    source: str
    since: int
    by: str
    folder: str = ""
    back: bool = False
    devices: int = 0
    tags: int = 0
    pending: tuple[str, ...] = ()
    kept: tuple[KeptConfiguration, ...] = ()


class ConfigurationPort(Protocol):
    """The configuration. All need the right `configure` on the whole plant ("*"). Raise DeniedError, RefusedError.

    `plant` is a plant file at the node, "" = the one that it was started with; `back` = the configuration before.
    """

    async def running(self, actor: Actor) -> RunningConfiguration:
        """What runs, and since when."""

    async def plan(self, actor: Actor, *, plant: str = "", back: bool = False) -> ChangePlan:
        """What would change. Nothing does. Faults of the plant file are in the plan."""

    async def apply(
        self, actor: Actor, *, plant: str = "", back: bool = False, token: str = "", comment: str = ""
    ) -> ChangePlan:
        """Make it so, whole or not at all. Raises ConfigurationError with its faults.

        With `token`, RefusedError if it is not what that plan said.
        """


class FixedConfiguration:
    """A ConfigurationPort of a node whose configuration does not change."""

    async def running(self, actor: Actor) -> RunningConfiguration:
        """Raises RefusedError."""
        del actor
        raise RefusedError("this node has no plant file")

    async def plan(self, actor: Actor, *, plant: str = "", back: bool = False) -> ChangePlan:
        """Raises RefusedError."""
        del actor, plant, back
        raise RefusedError("this node has no plant file")

    async def apply(
        self, actor: Actor, *, plant: str = "", back: bool = False, token: str = "", comment: str = ""
    ) -> ChangePlan:
        """Raises RefusedError."""
        del actor, plant, back, token, comment
        raise RefusedError("this node has no plant file")


def plan_json(plan: ChangePlan) -> dict[str, Any]:
    """A plan."""
    return {
        "plant": plan.plant,
        "source": plan.source,
        "token": plan.token,
        "changes": [_change_json(change) for change in plan.changes],
        "interrupted": [{"device": device, "why": why} for device, why in plan.interrupted.items()],
        "faults": [asdict(fault) for fault in plan.faults],
        "applied": plan.applied,
    }


def _change_json(change: Change) -> dict[str, Any]:
    fields = [{"field": one.field, "old": one.old, "new": one.new} for one in change.fields]
    words = {"kind": change.kind, "name": change.name, "change": change.change}
    return {**words, "fields": fields, "effect": str(change.effect)}


def parse_plan(data: Mapping[str, Any]) -> ChangePlan:
    """The other way."""
    changes = [
        Change(
            kind=one["kind"],
            name=one["name"],
            change=one["change"],
            fields=tuple(FieldChange(f["field"], f["old"], f["new"]) for f in one["fields"]),
            effect=Effect(one["effect"]),
        )
        for one in data["changes"]
    ]
    faults = tuple(Fault(f["where"], f["found"], f["expected"], f["fix"]) for f in data["faults"])
    return ChangePlan(
        plant=data["plant"],
        source=data["source"],
        token=data["token"],
        changes=tuple(changes),
        interrupted={one["device"]: one["why"] for one in data["interrupted"]},
        faults=faults,
        applied=data["applied"],
    )


def running_json(running: RunningConfiguration) -> dict[str, Any]:
    """What runs."""
    kept = [{**asdict(one), "since": iso_time(one.since)} for one in running.kept]
    return {**asdict(running), "since": iso_time(running.since), "kept": kept}


def parse_running(data: Mapping[str, Any]) -> RunningConfiguration:
    """The other way."""
    known = {name: data[name] for name in RunningConfiguration.__dataclass_fields__ if name in data}
    kept = tuple(KeptConfiguration(**{**one, "since": parse_time(one["since"])}) for one in data["kept"])
    made = {**known, "since": parse_time(data["since"]), "pending": tuple(data["pending"]), "kept": kept}
    return RunningConfiguration(**made)
