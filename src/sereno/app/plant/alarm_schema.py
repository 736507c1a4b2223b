"""Alarms in the plant file: limits below a tag, and [[alarm]] tables for the other kinds."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from sereno.model import Limits, check_path

from .durations import Duration

LIMITS = ("lolo", "lo", "hi", "hihi")
Priority = Annotated[int, Field(ge=1, le=4)]
Words = Annotated[str, Field(max_length=500)]
Limit = Literal["lolo", "lo", "hi", "hihi"]


class RationalisedTable(BaseModel):
    """What every alarm is declared with. Without `draft` it has a priority and a response, or it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    cause: str = Field("", max_length=500)
    consequence: str = Field("", max_length=500)
    alarm_class: str = Field("", alias="class", max_length=60)
    on_delay: Duration = 0.0
    off_delay: Duration = 0.0
    count: int = Field(1, ge=1, le=1000)
    window: Duration = 0.0
    latch: bool = False
    suppress_when: str = Field("", max_length=900)
    draft: bool = False

    @model_validator(mode="after")
    def _count(self) -> Self:
        if self.count > 1 and self.window <= 0:
            raise ValueError(f'count = {self.count} without a window; add window = "1min"')
        return self


class AlarmTable(RationalisedTable):
    """Alarm limits of a tag, in its unit. What is said of them is said of all, or in a table of each limit."""

    lolo: float | None = None
    lo: float | None = None
    hi: float | None = None
    hihi: float | None = None
    deadband: float = Field(0.0, ge=0)
    priority: Priority | dict[Limit, Priority] | None = None
    response: str | dict[Limit, str] = ""
    cause: Words | dict[Limit, Words] = ""  # type: ignore[assignment]
    consequence: Words | dict[Limit, Words] = ""  # type: ignore[assignment]

    def why(self, limit: str) -> dict[str, str]:
        """Cause and consequence of one limit."""
        said: dict[str, Any] = {"cause": self.cause, "consequence": self.consequence}
        return {key: given.get(limit, "") if isinstance(given, dict) else given for key, given in said.items()}

    @property
    def declared(self) -> dict[str, float]:
        """The limits there are, by name."""
        return {name: value for name in LIMITS if (value := getattr(self, name)) is not None}

    def of(self, limit: str) -> tuple[int, str]:
        """Priority (0 = none) and response of one limit."""
        priority = self.priority.get(limit) if isinstance(self.priority, dict) else self.priority  # type: ignore[call-overload]
        response = self.response.get(limit, "") if isinstance(self.response, dict) else self.response  # type: ignore[call-overload]
        return priority or 0, response

    def limits(self) -> Limits:
        """As the model's value; of several priorities the most urgent."""
        told = [self.of(name) for name in self.declared]
        priorities = [priority for priority, _ in told if priority]
        return Limits(
            **{name: getattr(self, name) for name in LIMITS},
            deadband=self.deadband,
            priority=min(priorities, default=None),
            response=" ".join(dict.fromkeys(response for _, response in told if response)),
        )

    @model_validator(mode="after")
    def _order(self) -> Self:
        values = list(self.declared.items())
        if not values:
            raise ValueError("no limit; add lolo, lo, hi or hihi")
        for (one, low), (other, high) in pairwise(values):
            if low > high:
                raise ValueError(f"{one} = {low:g} above {other} = {high:g}; swap them")
        below = [value for name, value in values if name in ("lolo", "lo")]
        above = [value for name, value in values if name in ("hi", "hihi")]
        if below and above and max(below) + self.deadband > min(above):
            raise ValueError(f"deadband = {self.deadband:g} is wider than the gap between lo and hi; make it smaller")
        return self

    @model_validator(mode="after")
    def _rationalised(self) -> Self:
        for name in () if self.draft else self.declared:
            priority, response = self.of(name)
            if not priority or not response.strip():
                missing = "priority" if not priority else "response"
                raise ValueError(f"{name} without a {missing}; add it, or draft = true for a first try")
        return self


def _states(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


class OtherAlarmTable(RationalisedTable):
    """[[alarm]]: deviation from another tag, rate of change a second, states, bad quality, silence, an expression."""

    name: str
    kind: Literal["deviation", "rate", "state", "bad", "stale", "expression"]
    tag: str = ""
    reference: str = ""
    limit: float | None = Field(None, ge=0)
    deadband: float = Field(0.0, ge=0)
    over: Duration = 0.0
    states: Annotated[tuple[bool | int | float | str, ...], BeforeValidator(_states)] = ()
    when: str = Field("", max_length=900)
    priority: Priority | None = None
    response: str = ""

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return check_path(value, segments=1)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {
            "deviation": ("tag", "reference", "limit"),
            "rate": ("tag", "limit"),
            "state": ("tag", "states"),
            "bad": ("tag",),
            "stale": ("tag",),
            "expression": ("when",),
        }[self.kind]
        for key in needed:
            if getattr(self, key) in ("", None, ()):
                raise ValueError(f"kind {self.kind!r} without {key!r}; it needs {' and '.join(needed)}")
        for key in ("reference", "limit", "states", "when"):
            if key not in needed and getattr(self, key) not in ("", None, ()):
                raise ValueError(f"kind {self.kind!r} does not know {key!r}; it needs {' and '.join(needed)}")
        return self

    @model_validator(mode="after")
    def _rationalised(self) -> Self:
        if not self.draft and (not self.priority or not self.response.strip()):
            missing = "response" if self.priority else "priority"
            raise ValueError(f"no {missing}; add it, or draft = true for a first try")
        return self
