"""[notices] in the plant file: ways, people, rosters, pipelines, heartbeats."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from .alarm_schema import Priority
from .durations import Duration

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._@-]*$", max_length=60)]
Language = Literal["en", "es", "fr"]


def listed(value: Any) -> Any:
    """One thing as a list of one."""
    return [value] if isinstance(value, str | int | dict) else value


def _clock(value: Any) -> Any:
    if isinstance(value, str):
        found = re.fullmatch(r"([01]?\d|2[0-4]):([0-5]\d)", value)
        if found is None or int(found[1]) * 60 + int(found[2]) > 1440:
            raise ValueError(f"{value!r} is no time of the day, expected as 06:00")
        return time(int(found[1]) % 24, int(found[2]))
    return value


def _weekdays(value: Any) -> Any:
    """mon-fri, sat, or a list of such; to numbers, 0 = Monday."""
    if not isinstance(value, str | list):
        return value
    found: set[int] = set()
    for part in value.replace(",", " ").split() if isinstance(value, str) else value:
        first, _, last = str(part).lower().partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ValueError(f"{part!r} is no day, expected {', '.join(DAYS)} or two of them as mon-fri")
        start, end = DAYS.index(first), DAYS.index(last or first)
        found |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return frozenset(found)


def _turn(value: Any) -> Any:
    return {"day": 1, "week": 7}.get(value, value) if isinstance(value, str) else value


Clock = Annotated[time, BeforeValidator(_clock)]
Names = Annotated[tuple[Name, ...], BeforeValidator(listed)]


class NoticeTable(BaseModel):
    """A table of [notices]: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ShiftTable(NoticeTable):
    """[[notices.roster.NAME.shift]]: who is on duty when, by the local clock."""

    people: Names = Field(min_length=1)
    start: Clock = Field(time(), alias="from")
    end: Clock = Field(time(), alias="to")
    days: Annotated[frozenset[int], BeforeValidator(_weekdays)] = frozenset(range(7))
    turn: Annotated[int, BeforeValidator(_turn)] = Field(0, ge=0, le=366)
    since: date = date(2024, 1, 1)
    first: date | None = None
    last: date | None = None


class RosterTable(NoticeTable):
    """[notices.roster.NAME]"""

    timezone: str = ""
    holidays: list[date] = []
    shift: list[ShiftTable] = Field(min_length=1)


class StepTable(NoticeTable):
    """A step of a pipeline: people and rosters, and the ways to them."""

    by: Names = Field(min_length=1)
    to: Names = ()
    after: Duration = 0.0


class PipelineTable(NoticeTable):
    """[[notices.pipeline]]: which alarms are told to whom, and what comes if nobody acknowledges."""

    name: Name
    alarms: Annotated[tuple[str, ...], BeforeValidator(listed)] = ("*",)
    priority: Annotated[tuple[Priority, ...], BeforeValidator(listed)] = (1, 2, 3, 4)
    classes: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field((), alias="class")
    step: Annotated[list[StepTable], BeforeValidator(listed)] = Field(min_length=1, max_length=20)
    until: Literal["acknowledged", "returned"] = "acknowledged"
    group: Duration = 30.0
    storm: int = Field(10, ge=1)
    repeat: Duration = 0.0
    digest: Annotated[tuple[Clock, ...], BeforeValidator(listed)] = ()
    tell_end: bool = False

    @field_validator("repeat")
    @classmethod
    def _seldom(cls, value: float) -> float:
        if 0 < value < 60:
            raise ValueError(f"{value:g} s; a notice is repeated after a minute or later")
        return value

    @model_validator(mode="after")
    def _digest(self) -> Self:
        if self.digest and (len(self.step) > 1 or self.repeat or self.tell_end or self.step[0].after):
            raise ValueError(
                "a digest has one step without after, repeat and tell_end: it tells what was, and asks nothing"
            )
        return self


class HeartbeatTable(NoticeTable):
    """[[notices.heartbeat]]: a message to the outside whose absence tells that the node is dead."""

    name: Name
    way: Name
    to: str = ""
    every: Duration = 0.0
    at: Annotated[tuple[Clock, ...], BeforeValidator(listed)] = ()

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.every) is bool(self.at):
            raise ValueError('expected either every = "5min" or at = ["07:00"]')
        if 0 < self.every < 10:
            raise ValueError(f"every {self.every:g} s; a heartbeat comes every 10 s or less often")
        return self


class NoticesTable(NoticeTable):
    """[notices]. `person`: addresses by the name of a way; who has an account of the same name gets links."""

    url: str = Field("", pattern=r"^(https?://[^\s/]+)?/?$", max_length=300)
    language: Language = "en"
    keep: Annotated[Duration, Field(ge=86400.0)] = 365 * 86400.0
    way: dict[Name, dict[str, Any]] = {}
    person: dict[Name, dict[str, Annotated[str, Field(min_length=1, max_length=254)]]] = {}
    roster: dict[Name, RosterTable] = {}
    pipeline: list[PipelineTable] = []
    heartbeat: list[HeartbeatTable] = []
