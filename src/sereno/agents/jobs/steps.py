"""What the steps of a job do. All of it goes through the client of the job's actor."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sereno.client import Client, Reading, iso_time
from sereno.expression.compiler import compile_expression
from sereno.model import Ack, AckState, OperationError, Quality, TagSpec, severity

from .rule import Call, Check, Connections, Disconnect, Notify, Read, Step, Wait, WriteBack

LOOK = 0.05
"""Seconds between looks at values that are waited for, at first."""
LOOK_SELDOM = 0.5
PLACE = re.compile(r"\{([a-z0-9_/]+)\}")


class StepFailedError(OperationError):
    """A step did not do what it was to do, with the reason in words."""


@dataclass(slots=True)
class Doing:
    """A run under way. `readings`: what was read last, by path; `began` monotonic s; `sent`: what steps have sent."""

    job: str
    number: int
    client: Client
    began: float
    readings: dict[str, Reading] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)

    @property
    def origin(self) -> str:
        """For the audit."""
        return f"job {self.job}, run {self.number}"

    def note(self, step: Step, ack: Ack) -> None:
        """A command of this step may have reached somebody."""
        if ack.state in (AckState.DONE, AckState.FAILED, AckState.UNKNOWN):
            self.sent.add(step.do)

    async def fresh(self, paths: Sequence[str], within: float) -> list[Reading]:
        """Values of one moment, each from after the run began. Raises StepFailedError if they do not come in time."""
        clock, pause = self.client.clock, LOOK
        end = clock.monotonic() + within
        while True:
            found = {reading.tag.path: reading for reading in await self.client.read(*paths)}
            running = clock.monotonic() - self.began
            old = [path for path in paths if found[path].age > running or found[path].quality == Quality.WAITING]
            if not old:
                self.readings.update(found)
                return [found[path] for path in paths]
            left = end - clock.monotonic()
            if left <= 0:
                words = found[old[0]].reason
                raise StepFailedError(
                    f"{old[0]} has no new value within {within:g} s" + (f": {words}" if words else "")
                )
            await clock.sleep(min(pause, left))
            pause = min(2 * pause, LOOK_SELDOM)

    async def known(self, paths: Sequence[str], within: float) -> list[Reading]:
        """As this run has read them; what it has not, it reads now."""
        missing = [path for path in paths if path not in self.readings]
        if missing:
            await self.fresh(missing, within)
        return [self.readings[path] for path in paths]


async def perform(step: Step, doing: Doing) -> str:
    """Do one step; says in words what came of it. Raises SerenoError if it failed."""
    return await _DOES[type(step)](step, doing)


async def _read(step: Read, doing: Doing) -> str:
    readings = await doing.fresh(step.tags, step.within)
    if not step.any_quality:
        _all_good(readings)
    return ", ".join(f"{one.tag.name} {shown(one)}" for one in readings if not _is_table(one.value)) or "read"


async def _connections(step: Connections, doing: Doing) -> str:
    total, count = await doing.fresh((step.total, step.count), step.within)
    if total.quality != Quality.GOOD:
        raise StepFailedError(f"connection error: {_why(total)}")
    return f"{shown(count)} connected"


async def _check(step: Check, doing: Doing) -> str:
    readings = await doing.known(step.inputs, 30.0)
    verdict, seen = judged(step.that, readings)
    if verdict is None:
        _all_good(readings)
        raise StepFailedError(f"{step.that} cannot be judged: {seen}")
    if not verdict:
        raise StepFailedError(f"not so: {step.that} ({seen})")
    return seen


async def _write_back(step: WriteBack, doing: Doing) -> str:
    """Only a value of quality good itself counts: none that is substituted, none of before this run."""
    (source,) = await doing.fresh((step.source,), step.within)
    if source.quality != Quality.GOOD:
        raise StepFailedError(f"nothing is written: {_why(source)}")
    sweep = iso_time(source.t_source)
    ack = await doing.client.write(
        step.target,
        source.value,
        timeout=step.within,
        comment=f"{step.source} of the sweep at {sweep}",
        origin=doing.origin,
    )
    doing.note(step, ack)
    _must_be_done(ack, step.target)
    return f"{shown(source)} of {step.source}, sweep at {sweep}, written to {step.target}"


async def _call(step: Call, doing: Doing) -> str:
    comment = doing.origin
    ack = await doing.client.call(step.device, step.command, *step.arguments, timeout=step.within, comment=comment)
    doing.note(step, ack)
    _must_be_done(ack, f"{step.device} {step.command}")
    return told(ack.value)


async def _notify(step: Notify, doing: Doing) -> str:
    paths = list(dict.fromkeys(PLACE.findall(step.message)))
    readings = {one.tag.path: one for one in await doing.known(paths, 30.0)} if paths else {}
    text = PLACE.sub(lambda found: shown(readings[found[1]]), step.message)
    outcome = await doing.client.notices.tell(step.way, step.person, text, doing.client.actor)
    return f"{text} ({step.way}: {outcome})"


async def _wait(step: Wait, doing: Doing) -> str:
    clock = doing.client.clock
    if not step.until:
        await clock.sleep(step.seconds)
        return f"{step.seconds:g} s"
    end, pause = clock.monotonic() + step.seconds, LOOK
    while True:
        found = {reading.tag.path: reading for reading in await doing.client.read(*step.inputs)}
        verdict, seen = judged(step.until, [found[path] for path in step.inputs])
        if verdict:
            doing.readings.update(found)
            return seen
        left = end - clock.monotonic()
        if left <= 0:
            raise StepFailedError(f"not within {step.seconds:g} s: {step.until} ({seen})")
        await clock.sleep(min(pause, left))
        pause = min(2 * pause, LOOK_SELDOM)


_DOES: dict[type[Any], Callable[[Any, Doing], Awaitable[str]]] = {
    Read: _read,
    Connections: _connections,
    Check: _check,
    WriteBack: _write_back,
    Call: _call,
    Disconnect: _call,
    Notify: _notify,
    Wait: _wait,
}


def judged(text: str, readings: Sequence[Reading]) -> tuple[bool | None, str]:
    """What an expression says of these values, None if their quality is not good enough to say; and what was seen."""
    by_path = {one.tag.path: one for one in readings}
    expression = compile_expression(text, lambda path: by_path[path].tag)
    used = [by_path[path] for path in expression.paths]
    value, code = expression.evaluate([_number(one) for one in used], [one.quality for one in used])
    seen = ", ".join(f"{one.tag.path} {shown(one)}" for one in used)
    return (bool(value) if severity(code) == "good" else None), seen


def shown(reading: Reading) -> str:
    """A value for people, with its unit and what is wrong with it."""
    value = reading.value
    if value is None:
        text = "no value"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(_plain(one) for one in value) + "]"
    else:
        text = _plain(value)
    unit = f" {reading.tag.unit}" if reading.tag.unit and value is not None else ""
    quality = severity(reading.quality)
    return f"{text}{unit}" + ("" if quality == "good" else f" ({quality})")


def told(result: Any) -> str:
    """What a command gave back, in words; of a mapping how many gave what."""
    if result is None:
        return "done"
    if isinstance(result, Mapping):
        said: dict[str, int] = {}
        for one in result.values():
            said[str(one)] = said.get(str(one), 0) + 1
        return ", ".join(f"{count} of {len(result)} {words}" for words, count in said.items())
    return str(result)[:200]


def _plain(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_table(value: Any) -> bool:
    """What each of a fleet said, as JSON: the table shows it."""
    return isinstance(value, str) and value.startswith("{")


def _number(reading: Reading) -> float:
    spec: TagSpec = reading.tag
    if isinstance(reading.value, str):
        return float(spec.labels.index(reading.value)) if reading.value in spec.labels else float("nan")
    return float("nan") if reading.value is None else float(reading.value)


def _all_good(readings: Sequence[Reading]) -> None:
    bad = [one for one in readings if severity(one.quality) != "good"]
    if bad:
        raise StepFailedError(_why(bad[0]) + (f" and {len(bad) - 1} more" if len(bad) > 1 else ""))


def _why(reading: Reading) -> str:
    if reading.quality == Quality.SUBSTITUTED:
        return f"{reading.tag.path} is substituted"
    quality = severity(reading.quality)
    reason = reading.reason.removeprefix(f"{quality}: ")
    return f"{reading.tag.path} is {quality}" + (f": {reason}" if reason and reason != quality else "")


def _must_be_done(ack: Ack, target: str) -> None:
    if ack.state is not AckState.DONE:
        state = str(ack.state).replace("_", " ")
        raise StepFailedError(f"{target}: {state}" + (f": {ack.reason}" if ack.reason else ""))
