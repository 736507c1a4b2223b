"""The pipelines of a plant as a machine: what happens to alarms in, notices out. Time is an argument; nothing waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sereno.client import AlarmSpec, AlarmState

from .pipeline import Case, Line, Notice, PipelineSpec, Recipient, StepSpec
from .roster import next_of

Key = tuple[str, str]
"""Pipeline and alarm."""
Who = Callable[[StepSpec, int], tuple[Recipient, ...]]
"""Whom a step reaches at a moment."""
NEVER = 1 << 62
ENDED = -1


class Pipelines:
    """Cases by pipeline and alarm. `take_changed` gives the keys of those that changed since it was last called.

    `next_due`: before it `tick` has nothing to tell; NEVER if nothing waits.
    """

    def __init__(self, specs: Sequence[PipelineSpec], alarms: Iterable[AlarmSpec], who: Who) -> None:
        self.specs = {spec.name: spec for spec in specs}
        self._of = {alarm.id: tuple(spec for spec in specs if spec.fits(alarm)) for alarm in alarms}
        self._who = who
        self.cases: dict[Key, Case] = {}
        self._free: dict[tuple[str, int], int] = {}
        self._changed: dict[Key, None] = {}
        self.next_due = NEVER
        self._last = 0

    def know(self, alarms: Sequence[AlarmSpec], t: int) -> None:
        """From now on there are these alarms; cases of those that are gone, or fit their pipeline no more, end."""
        self._of = {one.id: tuple(spec for spec in self.specs.values() if spec.fits(one)) for one in alarms}
        for (name, alarm), case in list(self.cases.items()):
            spec = self.specs[name]
            if not case.over and spec not in self._of.get(alarm, ()):
                self._changed[name, alarm] = None
                self._finish(spec, (name, alarm), case, t, str(AlarmState.OUT_OF_SERVICE))

    def restore(self, key: Key, case: Case) -> None:
        """A case as it was kept; of a pipeline that has fewer steps now, the rest is done."""
        spec = self.specs[key[0]]
        if not case.over and case.step >= len(spec.steps):
            case.step, case.due = len(spec.steps), 0
        self.cases[key] = case
        self._expect(spec, case)

    def raised(self, alarm: str, t: int) -> None:
        """It became unacknowledged."""
        for spec in self._of.get(alarm, ()):
            self._raise(spec, (spec.name, alarm), t)

    def stands(self, alarm: str, t: int) -> None:
        """It is unacknowledged since `t`, which may be known already."""
        for spec in self._of.get(alarm, ()):
            case = self.cases.get((spec.name, alarm))
            if case is None or case.over or case.gone:
                self._raise(spec, (spec.name, alarm), t)

    def cleared(self, alarm: str, t: int) -> None:
        """Its condition went, and nobody has acknowledged it yet."""
        for spec, key, case in self._open(alarm):
            case.gone = True
            self._changed[key] = None
            if not spec.digest and (spec.until == "returned" or t < case.since + _ns(spec.steps[0].after)):
                self._finish(spec, key, case, t, "returned")

    def ended(self, alarm: str, t: int, how: str) -> None:
        """Nothing more is asked of people; `how` in one word."""
        for spec, key, case in self._open(alarm):
            self._changed[key] = None
            self._finish(spec, key, case, t, how)

    def unreached(self, pipeline: str, step: int, alarms: Iterable[str], t: int) -> None:
        """A step has reached nobody: the next one is due at once."""
        spec = self.specs.get(pipeline)
        for alarm in alarms if spec is not None else ():
            case = self.cases.get((pipeline, alarm))
            if spec and case and not case.over and case.due > t and 0 < step + 1 == case.step < len(spec.steps):
                case.due = t
                self._changed[pipeline, alarm] = None
                self._expect(spec, case)

    def tick(self, t: int) -> list[Notice]:
        """What is to be told at `t`."""
        found: list[Notice] = []
        if t < self._last:
            self._clock_set_back(t)
        self._last = t
        if t < self.next_due:
            return found
        while due := self._due(t):
            for (name, step), keys in due.items():
                found += self._tell(self.specs[name], step, keys, t)
        self.next_due = NEVER
        for (name, _), case in self.cases.items():
            self._expect(self.specs[name], case)
        return found

    def take_changed(self) -> list[Key]:
        """Keys whose case was made, changed or dropped."""
        found, self._changed = list(self._changed), {}
        return found

    def change_again(self, keys: Iterable[Key]) -> None:
        """These were taken and could not be kept."""
        self._changed = {**dict.fromkeys(keys), **self._changed}

    def _raise(self, spec: PipelineSpec, key: Key, t: int) -> None:
        case = self.cases.get(key)
        if spec.digest:
            if case is None or not case.due:
                self.cases[key] = Case(t, next_of(spec.digest, spec.timezone, t))
            else:
                case.count, case.gone, case.over = case.count + 1, False, ""
        elif case is None or case.over:
            self.cases[key] = Case(t, t + _ns(spec.steps[0].after))
        else:
            case.gone = False
        self._changed[key] = None
        self._expect(spec, self.cases[key])

    def _open(self, alarm: str) -> list[tuple[PipelineSpec, Key, Case]]:
        keys = ((spec, (spec.name, alarm)) for spec in self.specs.values())
        return [(spec, key, case) for spec, key in keys if (case := self.cases.get(key)) and not case.over]

    def _finish(self, spec: PipelineSpec, key: Key, case: Case, t: int, how: str) -> None:
        if spec.digest and case.due:
            case.over = how
        elif spec.tell_end and case.told and not spec.digest:
            case.over, case.due = how, t
            self._expect(spec, case)
        else:
            del self.cases[key]

    def _expect(self, spec: PipelineSpec, case: Case) -> None:
        if case.due:
            free = self._free.get((spec.name, _stage(case, spec)), 0)
            self.next_due = min(self.next_due, max(case.due, free))

    def _clock_set_back(self, t: int) -> None:
        """Nothing waits for longer than it was declared to, whatever the clock did."""
        self._free.clear()
        for (name, _), case in self.cases.items():
            spec = self.specs[name]
            if case.due and not spec.digest and not case.over:
                case.due = min(case.due, t + _ns(max(spec.steps[case.step].after, spec.repeat)))
            elif case.due and spec.digest:
                case.due = min(case.due, next_of(spec.digest, spec.timezone, t))
            elif case.due:
                case.due = min(case.due, t)
            self._expect(spec, case)

    def _due(self, t: int) -> dict[tuple[str, int], list[Key]]:
        due: dict[tuple[str, int], list[Key]] = {}
        for key, case in self.cases.items():
            if 0 < case.due <= t:
                stage = key[0], _stage(case, self.specs[key[0]])
                if self._free.get(stage, 0) <= t:
                    due.setdefault(stage, []).append(key)
        for keys in due.values():
            keys.sort(key=lambda key: self.cases[key].since)
        return due

    def _tell(self, spec: PipelineSpec, step: int, keys: list[Key], t: int) -> list[Notice]:
        self._changed.update(dict.fromkeys(keys))
        self._free[spec.name, step] = t + _ns(spec.group)
        lines = {key: _line(key, self.cases[key]) for key in keys}
        if step == ENDED:
            return self._tell_ends(spec, lines, t)
        recipients = self._who(spec.steps[step], t)
        for key in keys:
            self._advance(spec, key, recipients, t)
        if not recipients:
            self._free.pop((spec.name, step + 1), None)
        kind = "digest" if spec.digest else "storm" if len(keys) > spec.storm else "alarms"
        return [Notice(spec.name, kind, step, t, tuple(lines.values()), recipients)]

    def _advance(self, spec: PipelineSpec, key: Key, recipients: tuple[Recipient, ...], t: int) -> None:
        case = self.cases[key]
        case.told = list(dict.fromkeys([*case.told, *recipients]))
        if spec.digest:
            if case.over:
                del self.cases[key]
            case.due = 0
            return
        last = case.step + 1 >= len(spec.steps)
        if not last:
            case.step += 1
            case.due = t + _ns(spec.steps[case.step].after) if recipients else t
        else:
            case.step = len(spec.steps) - 1 if spec.repeat else len(spec.steps)
            case.due = t + _ns(spec.repeat) if spec.repeat else 0

    def _tell_ends(self, spec: PipelineSpec, lines: dict[Key, Line], t: int) -> list[Notice]:
        by: dict[tuple[Recipient, ...], list[Line]] = {}
        for key, line in lines.items():
            by.setdefault(tuple(self.cases.pop(key).told), []).append(line)
        return [Notice(spec.name, "ended", ENDED, t, tuple(told), whom) for whom, told in by.items()]


def _stage(case: Case, spec: PipelineSpec) -> int:
    return ENDED if case.over and not spec.digest else 0 if spec.digest else case.step


def _line(key: Key, case: Case) -> Line:
    return Line(key[1], case.since, case.gone, case.over, case.count)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
