"""Pipelines as they are declared, what they know of an alarm, and the notices that they give."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from sereno.client import AlarmSpec

Until = Literal["acknowledged", "returned"]


class Recipient(NamedTuple):
    """A person and the way to them; no person where the way itself is the goal (a webhook, a horn)."""

    person: str
    way: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """Who is told by which ways, `after` seconds: of the alarm's coming for the first step, else of the step before."""

    by: tuple[str, ...]
    to: tuple[str, ...] = ()
    after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSpec:
    """Which alarms are told to whom, in steps, until they are acknowledged (or have returned).

    `group` seconds between two notices of a step: what comes meanwhile goes together; beyond `storm` alarms it says so.
    `repeat` seconds after which the last step comes again, 0 = never. `digest`: minutes of the local day at which
    alarms are told, whatever became of them. `tell_end`: who was told is told when it is over.
    """

    name: str
    steps: tuple[StepSpec, ...]
    timezone: str = "UTC"
    alarms: tuple[str, ...] = ("*",)
    priorities: tuple[int, ...] = (1, 2, 3, 4)
    classes: tuple[str, ...] = ()
    until: Until = "acknowledged"
    group: float = 30.0
    storm: int = 10
    repeat: float = 0.0
    digest: tuple[int, ...] = ()
    tell_end: bool = False

    def fits(self, alarm: AlarmSpec) -> bool:
        """True if it tells of this alarm; drafts are as the least urgent."""
        return (
            (alarm.priority or 4) in self.priorities
            and (not self.classes or alarm.alarm_class in self.classes)
            and any(fnmatch.fnmatchcase(alarm.id, glob) for glob in self.alarms)
        )


class Case(msgspec.Struct):
    """What a pipeline knows of an alarm that came at `since`. `due` of the step `step`, ns UTC, 0 = nothing is due.

    `gone`: the condition went; `over`: what ended it; `count` how often it came; `told` who was.
    """

    since: int
    due: int
    step: int = 0
    gone: bool = False
    over: str = ""
    count: int = 1
    told: list[Recipient] = []


class Line(NamedTuple):
    """An alarm in a notice."""

    alarm: str
    since: int
    gone: bool
    over: str
    times: int


class Notice(NamedTuple):
    """To be told now. `kind` alarms, storm, digest or ended; `step` from 0. Alarms in the order of their coming."""

    pipeline: str
    kind: str
    step: int
    t: int
    lines: tuple[Line, ...]
    recipients: tuple[Recipient, ...]
