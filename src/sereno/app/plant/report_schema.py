"""[[report]] in the plant file."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from sereno.client import AGGREGATES, Calendar, Every

from .durations import Duration
from .notice_schema import Clock, Language, Names, listed

PERIODS = {"day": "1d", "week": "1w", "month": "1mo", "shift": "shift"}
USUAL = ("last", "min", "max", "time_mean")
Globs = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=250)], ...], BeforeValidator(listed)]
Figures = Annotated[tuple[str, ...], BeforeValidator(listed), Field(min_length=1)]
Shifts = list[Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("show", check_fields=False)
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        strange = [name for name in value if name not in AGGREGATES]
        if strange:
            raise ValueError(f"{', '.join(strange)} cannot be shown, expected of {', '.join(AGGREGATES)}")
        return value


class ReportPartTable(_Table):
    """[[report.table]]: tags with what is shown of each."""

    tags: Globs = Field(min_length=1)
    show: Figures = USUAL
    title: str = Field("", max_length=120)
    plot: bool = False


class ReportTable(_Table):
    """[[report]]: what is told of each day, shift or month, when it is made, and who gets it.

    `tags`, `show`, `plot` are a table without a title. Without `at` it is made `delay` after the end of the period.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    title: str = Field("", max_length=120)
    period: str = "day"
    shifts: Shifts = []
    at: Clock | None = None
    delay: Annotated[Duration, Field(le=86400.0)] = 60.0
    tags: Globs = ()
    show: Figures = USUAL
    plot: bool = False
    table: list[ReportPartTable] = []
    alarms: bool = False
    logbook: bool = False
    formats: Annotated[tuple[Literal["html", "csv"], ...], BeforeValidator(listed), Field(min_length=1)] = (
        "html",
        "csv",
    )
    folder: str = Field("", max_length=500)
    by: Names = ()
    to: Names = ()
    language: Language | None = None
    catch_up: int = Field(3, ge=1, le=100)
    keep: int = Field(400, ge=1, le=10_000)
    keep_for: Duration = 0.0

    @field_validator("period")
    @classmethod
    def _period(cls, value: str) -> str:
        if value not in PERIODS and (not value[:1].isdigit() or Every.parse(value).unit != "h"):
            raise ValueError(f"{value!r}, expected day, week, month, shift, or hours that divide a day, such as 8h")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not (self.tags or self.table or self.alarms or self.logbook):
            raise ValueError('says nothing; name tags = ["..."], [[report.table]], alarms = true or logbook = true')
        if bool(self.by) is not bool(self.to):
            raise ValueError("by and to go together: the ways of [notices], and who is reached by them")
        return self

    def calendar(self, timezone: str, shifts: list[str]) -> Calendar:
        """By which it counts: that of the plant, with shifts of its own where it has any."""
        return Calendar(timezone, tuple(self.shifts or shifts))

    @property
    def every(self) -> Every:
        """The length of the period."""
        return Every.parse(PERIODS.get(self.period, self.period))
