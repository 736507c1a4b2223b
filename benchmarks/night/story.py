"""The log of a night: what happened, what was decided and by whom, what became of it; a line each, in order of time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from sereno.client import AlarmEvent
from sereno.hub.hub import Hub
from sereno.model import SampleBatch, ValueType
from sereno.store.audit import AuditRecord

WATCHED = (
    "observatory/environment/weather_status",
    "observatory/environment/site_status",
    "observatory/environment/make_safe",
    "observatory/environment/supervision/state",
    "observatory/majordome/activity",
    "observatory/observer/activity",
    "observatory/observer/executing",
    "observatory/observer/instruments_status",
    "observatory/observer/result",
    "observatory/majordome/decision",
    "observatory/majordome/last_order",
    "observatory/majordome/night",
    "observatory/majordome/supervision/state",
)
_NUMBER = re.compile(r"\d+(\.\d+)?")


def _short(arguments: object) -> str:
    words = str(arguments)
    return words if len(words) < 60 else f"{words[:57]}..."


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line; `t` ns UTC, `rank` orders what is of the same moment by where it comes from."""

    t: int
    rank: int
    order: int
    who: str
    words: str

    def __str__(self) -> str:
        moment = datetime.fromtimestamp(self.t // 1_000_000 / 1e3, UTC)
        return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}  {self.who:34}  {self.words}"


class Story:
    """Collects lines while the night runs, and a digest of every value of the site: a BatchSink."""

    def __init__(self, hub: Hub) -> None:
        self.lines: list[Line] = []
        self._hub = hub
        self._digest = sha256()
        self._last: dict[str, object] = {}
        self._named: dict[int, str] = {}

    @property
    def digest(self) -> str:
        """Of all values, qualities and times so far."""
        return self._digest.hexdigest()

    def say(self, t: int, rank: int, who: str, words: str) -> None:
        """Add a line."""
        self.lines.append(Line(t, rank, len(self.lines), who, words))

    def accept(self, batch: SampleBatch) -> None:
        """See BatchSink."""
        handles = batch.handles.tolist()
        beside = {int(sample.handle): sample.value for sample in batch.objects}
        first = next(iter([*handles, *beside]), None)
        if first is None or not self._path(first).startswith(("site/", "observatory/")):
            return
        for column in (batch.handles, batch.values, batch.quality, batch.t_source):
            self._digest.update(column.tobytes())
        self._digest.update(repr((batch.seq, batch.t_hub, batch.objects)).encode())
        for handle, value in zip(handles, batch.values.tolist(), strict=True):
            if handle not in beside and self._path(handle) in WATCHED:
                self._see(handle, self._plain(handle, value), batch.t_hub)
        for handle, value in beside.items():
            if self._path(handle) in WATCHED:
                self._see(handle, value, batch.t_hub)

    def _see(self, handle: int, value: object, t: int) -> None:
        path, told = self._path(handle), _NUMBER.sub("#", str(value))
        if self._last.get(path) != told:
            self._last[path] = told
            self.say(t, 1, path.removeprefix("observatory/"), str(value))

    def _plain(self, handle: int, code: float) -> object:
        spec = self._hub.spec(handle)
        if math.isnan(code):
            return "unknown"
        if spec.labels:
            return spec.labels[int(code)]
        return bool(code) if spec.type is ValueType.BOOL else code

    def _path(self, handle: int) -> str:
        if handle not in self._named:
            self._named[handle] = self._hub.spec(handle).path
        return self._named[handle]

    # ---- what is on record when the night is over

    def add_commands(self, records: Iterable[AuditRecord]) -> None:
        """Commands, each with what became of it, when that was known."""
        asked: dict[str, AuditRecord] = {}
        for one in records:
            if not one.command:
                continue
            if one.command not in asked and one.outcome == "intended":
                asked[one.command] = one
                continue
            begun = asked.get(one.command, one)
            who = one.origin if one.origin.startswith("guard ") else one.actor
            took = (one.t - begun.t) / 1e9
            verb = one.action.removeprefix("call ")
            what = f" = {one.new}" if one.action == "write" else f" {verb} {_short(one.new)}"
            self.say(one.t, 2, who, f"{one.target}{what}: {one.outcome}, after {took:.3f} s")

    def add_alarms(self, events: Iterable[AlarmEvent]) -> None:
        """Alarms as they came and went."""
        for event in sorted(events, key=lambda one: one.seq):
            self.say(event.t, 3, f"alarm {event.alarm}", f"{event.event}: {event.state}")

    def told(self, since: int) -> list[str]:
        """All lines from a time (ns UTC) on, in order."""
        return [str(line) for line in sorted(self.lines) if line.t >= since]
