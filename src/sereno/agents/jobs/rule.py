"""Jobs as declared: steps, schedule, rights. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from .machine import Schedule

FOLDER = "jobs"
"""Where jobs are devices: jobs/NAME."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseStep:
    """What all steps have. `warn`: if it fails the run goes on, with a warning; otherwise it stops there."""

    do: ClassVar[str] = ""
    text: str = ""
    warn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(BaseStep):
    """Values that came after the run began, within so many seconds; of any quality if `any_quality`, else good."""

    do: ClassVar[str] = "read"
    tags: tuple[str, ...]
    within: float = 30.0
    any_quality: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections(BaseStep):
    """How many are connected: the number that answered, if all did and `total` is good."""

    do: ClassVar[str] = "connections"
    total: str
    count: str
    within: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(BaseStep):
    """An expression over what was read must be true."""

    do: ClassVar[str] = "check"
    that: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBack(BaseStep):
    """A good value of this run is written to another tag, through the command path."""

    do: ClassVar[str] = "write_back"
    source: str
    target: str
    within: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(BaseStep):
    """A named command of a device."""

    do: ClassVar[str] = "call"
    device: str
    command: str
    arguments: tuple[Any, ...] = ()
    within: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect(Call):
    """The command that has every member hang up on its PLC; how each took it is reported."""

    do: ClassVar[str] = "disconnect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify(BaseStep):
    """A message to a person by a way of [notices]; {path} in it stands for a value that was read."""

    do: ClassVar[str] = "notify"
    way: str
    message: str
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(BaseStep):
    """So many seconds; with `until` at most so many, until the expression is true."""

    do: ClassVar[str] = "wait"
    seconds: float
    until: str = ""
    inputs: tuple[str, ...] = ()


Step: TypeAlias = Read | Connections | Check | WriteBack | Call | Disconnect | Notify | Wait


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """A column of the table: `members` is a tag that says what each of a fleet said, `total` one over all of them.

    `after`: it tells of what a step of this kind has sent, so that it is empty where none has.
    """

    members: str
    total: str = ""
    title: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRule:
    """A declared job. `on_change`: tags whose change starts it. `timeout` of a run in seconds.

    `writes` and `calls` are globs of what its actor may write and call; `ways` those by which it may tell people.
    `priority` of the alarm when a run fails, 0 = none.
    """

    name: str
    steps: tuple[Step, ...]
    description: str = ""
    schedule: Schedule = field(default_factory=Schedule)
    when: str = ""
    on_change: tuple[str, ...] = ()
    timeout: float = 300.0
    writes: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    table: tuple[ColumnRule, ...] = ()
    priority: int = 0
    response: str = ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tags that its steps read."""
        found: list[str] = []
        for step in self.steps:
            if isinstance(step, Read):
                found += step.tags
            elif isinstance(step, Connections):
                found += (step.total, step.count)
            elif isinstance(step, Check | Wait):
                found += step.inputs
            elif isinstance(step, WriteBack):
                found.append(step.source)
        return tuple(dict.fromkeys(found))

    @property
    def path(self) -> str:
        """Where it is told and commanded."""
        return f"{FOLDER}/{self.name}"

    @property
    def actor(self) -> str:
        """In whose name it acts."""
        return f"job/{self.name}"
