"""[[job]] tables as typed models."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, field_validator, model_validator

from sereno.model import check_path

from .durations import Duration
from .schema import Table

Otherwise = Literal["stop", "warn"]
Within = Annotated[Duration, Field(gt=0, le=3600)]
Long = Annotated[str, Field(min_length=1, max_length=900)]


class StepTable(Table):
    """What all steps have. `otherwise`: what follows when it fails."""

    text: str = Field("", max_length=200)
    otherwise: Otherwise = "stop"


class ReadTable(StepTable):
    """Values from after the run began; `quality = "any"` takes those that are not good too."""

    do: Literal["read"]
    tags: list[str] = Field(min_length=1, max_length=1000)
    within: Within = 30.0
    quality: Literal["good", "any"] = "good"


class ConnectionsTable(StepTable):
    """How many members are connected, if all of them answered."""

    do: Literal["connections"]
    total: str
    count: str
    within: Within = 30.0


class CheckTable(StepTable):
    """An expression that must be true."""

    do: Literal["check"]
    that: Long


class WriteBackTable(StepTable):
    """A good value of this run, written to another tag."""

    do: Literal["write_back"]
    source: str = Field(alias="from")
    target: str = Field(alias="to")
    within: Within = 30.0


class CallTable(StepTable):
    """A command of a device."""

    do: Literal["call"]
    device: str
    command: str
    arguments: list[Any] = Field(default_factory=list, max_length=100)
    within: Within = 30.0


class DisconnectTable(StepTable):
    """The command of a device that has its members hang up."""

    do: Literal["disconnect"]
    device: str
    command: str = "disconnect"
    within: Within = 30.0


class NotifyTable(StepTable):
    """A message by a way of [notices]; {path} stands for a value."""

    do: Literal["notify"]
    way: str
    person: str = ""
    message: str = Field(min_length=1, max_length=2000)


class WaitTable(StepTable):
    """So long, or at most so long until an expression is true."""

    do: Literal["wait"]
    seconds: Within = Field(alias="for")
    until: str = Field("", max_length=900)


AnyStep = Annotated[
    ReadTable | ConnectionsTable | CheckTable | WriteBackTable | CallTable | DisconnectTable | NotifyTable | WaitTable,
    Field(discriminator="do"),
]
STEPS: dict[str, type[StepTable]] = {
    "read": ReadTable,
    "connections": ConnectionsTable,
    "check": CheckTable,
    "write_back": WriteBackTable,
    "call": CallTable,
    "disconnect": DisconnectTable,
    "notify": NotifyTable,
    "wait": WaitTable,
}
STEP: TypeAdapter[AnyStep] = TypeAdapter(AnyStep)


class ColumnTable(Table):
    """A column of the job's table."""

    members: str
    total: str = ""
    title: str = Field("", max_length=80)
    after: Literal["", "write_back", "call", "disconnect"] = ""


class JobAlarmTable(Table):
    """The alarm when its last run failed."""

    priority: int = Field(3, ge=1, le=4)
    response: str = Field("", max_length=500)


class JobTable(Table):
    """[[job]] without its steps: when it runs, what its actor may do, what its table shows."""

    name: str = Field(max_length=40)
    description: str = Field("", max_length=500)
    every: Annotated[Duration, Field(ge=0.1)] | None = None
    again: Annotated[Duration, Field(ge=0.05)] | None = None
    calendar: str = Field("", max_length=200)
    on_change: list[str] = Field(default_factory=list, max_length=100)
    timeout: Annotated[Duration, Field(gt=0)] = 300.0
    writes: list[str] = Field(default_factory=list, max_length=100)
    calls: list[str] = Field(default_factory=list, max_length=100)
    table: list[ColumnTable] = Field(default_factory=list, max_length=50)
    alarm: JobAlarmTable | None = None
    step: list[AnyStep] = Field(default_factory=list, max_length=200)

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return check_path(value, segments=1)

    @model_validator(mode="after")
    def _steps(self) -> Self:
        if not self.step:
            raise ValueError("a job has at least one [[job.step]]")
        return self
