"""From a notice to what people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sereno.client import AlarmSpec, iso_time

from .pipeline import Line, Notice
from .roster import local_time
from .words import WORDS

SHOWN = 20
"""Alarms that a message lists; of the others it says how many."""


class Writer:
    """Writes notices of a plant in one language, with times by the clock of one place."""

    def __init__(self, plant: str, language: str, timezone: str, specs: Mapping[str, AlarmSpec]) -> None:
        self.plant = plant
        self.words = WORDS[language]
        self._timezone = timezone
        self._specs = dict(specs)

    def know(self, specs: Sequence[AlarmSpec]) -> None:
        """There are these alarms too, or they are declared otherwise; those before may still be told of."""
        self._specs |= {spec.id: spec for spec in specs}

    def subject(self, notice: Notice) -> str:
        """The headline."""
        lines, words = notice.lines, self.words
        numbers = {"count": len(lines), "priority": self.priority(notice), "alarm": lines[0].alarm}
        if notice.kind == "alarms":
            key = "one" if len(lines) == 1 else "many"
        elif notice.kind == "ended":
            key = "ended" if len(lines) == 1 else "ended_many"
        else:
            key = notice.kind
        return f"{self.plant}: {words[key].format(**numbers)}"

    def text(self, notice: Notice) -> str:
        """All of it, the alarms in the order in which they came."""
        words = self.words
        parts = [self.subject(notice)]
        if notice.step > 0:
            parts.append(words["step"])
        parts += [self._line(line) for line in notice.lines[:SHOWN]]
        if len(notice.lines) > SHOWN:
            parts.append(words["more"].format(count=len(notice.lines) - SHOWN))
        return "\n\n".join(parts)

    def priority(self, notice: Notice) -> int:
        """Of the most urgent alarm."""
        return min(self._priority(line.alarm) for line in notice.lines)

    def facts(self, notice: Notice) -> list[dict[str, Any]]:
        """For programs."""
        return [
            {
                "alarm": line.alarm,
                "priority": self._priority(line.alarm),
                "since": iso_time(line.since),
                "returned": line.gone,
                "ended": line.over,
                "times": line.times,
                "response": self._specs[line.alarm].response,
            }
            for line in notice.lines[:200]
        ]

    def time(self, t: int) -> str:
        """By the clock of the place."""
        return f"{local_time(t, self._timezone):%Y-%m-%d %H:%M:%S %Z}"

    def _priority(self, alarm: str) -> int:
        return self._specs[alarm].priority or 4

    def _line(self, line: Line) -> str:
        words, spec = self.words, self._specs[line.alarm]
        head = f"[{spec.priority or '-'}] {line.alarm}, {words['came']} {self.time(line.since)}"
        if line.times > 1:
            head += f", {words['times'].format(count=line.times)}"
        if line.gone and not line.over:
            head += f", {words['gone']}"
        return f"{head}\n{words['response']}: {spec.response}" if spec.response and not line.over else head
