"""What is to be done with the runs of a report. Nothing here waits, reads a clock or touches a disk."""

from __future__ import annotations

from sereno.client import ReportState

from .schedule import LATE, due, due_at, following, key_of
from .shelf import WAITING, Kept, Run
from .spec import ReportSpec

AGAIN = (10, 60, 300, 900, *(3600,) * 23)
"""Seconds after an attempt to make a report that failed, for a day; after the last one it has failed."""
SEND_AGAIN = (60, 300, 900, 3600, 4 * 3600)
"""Seconds after an attempt to send one: servers of mail are away for longer."""
NS = 10**9
NO_CLOCK = 1_700_000_000 * NS
"""A time before this one (ns UTC, in November 2023) is that of a clock which was not set yet."""


def plan(spec: ReportSpec, kept: Kept, now: int) -> bool:
    """Note what is due at `now`; True if anything is. What was noted is durable before it is made."""
    if now < NO_CLOCK:
        return False
    changed = _clock_was_set(kept, now)
    found = due(spec, kept.after, now)
    for number, period in enumerate(found.periods):
        kept.after = period.end
        key, moment = key_of(spec, period), due_at(spec, period)
        kept.runs = [run for run in kept.runs if run.key != key]
        run = Run(key=key, start=period.start, end=period.end, due=moment, formats=spec.formats)
        run.late, run.skipped = now - moment > LATE, 0 if number else found.skipped
        kept.runs.append(run)
        changed = True
    return changed


def _clock_was_set(kept: Kept, now: int) -> bool:
    """What ends only later cannot have been made rightly: it is made again, in its place, when it has ended."""
    if NO_CLOCK <= kept.after <= now:
        return False
    kept.runs = [run for run in kept.runs if run.end <= now or run.actor or run.made]
    kept.after = now
    return True


def next_due(spec: ReportSpec, kept: Kept) -> int:
    """When `plan` has something to note next."""
    return due_at(spec, following(spec, kept.after))


def to_make(kept: Kept, now: int) -> list[Run]:
    """Runs that may be made now, those that were asked for first."""
    found = [run for run in kept.runs if run.state is ReportState.DUE and run.again <= now]
    return sorted(found, key=lambda run: (not run.actor, run.due))


def failed(run: Run, reason: str, now: int) -> None:
    """It could not be made: it is tried again, but not for ever. Somebody who asked for it asks again."""
    run.error, run.attempts = reason, run.attempts + 1
    if run.attempts > len(AGAIN) or run.actor:
        run.state = ReportState.FAILED
    else:
        run.state, run.again = ReportState.DUE, now + AGAIN[run.attempts - 1] * NS


def not_sent(attempts: int, now: int) -> int:
    """When to send again after so many attempts; 0 = no more."""
    return now + SEND_AGAIN[attempts - 1] * NS if attempts <= len(SEND_AGAIN) else 0


def waking(kept: Kept) -> list[int]:
    """When something that failed is tried again."""
    making = [run.again for run in kept.runs if run.state is ReportState.DUE]
    return making + [one.due for run in kept.runs for one in run.parcels if one.state == WAITING]


def outdated(spec: ReportSpec, kept: Kept, now: int) -> list[Run]:
    """Runs that are kept no more. Those that somebody asked for are counted by themselves."""
    oldest = now - round(spec.keep_for * NS) if spec.keep_for else 0
    found: list[Run] = []
    for asked in (False, True):
        ended = [run for run in kept.runs if not run.open and bool(run.actor) is asked]
        many = len(ended) - spec.keep
        found += [run for number, run in enumerate(ended) if run.end < oldest or number < many]
    return found


def problem(spec: ReportSpec, kept: Kept) -> str:
    """What keeps the newest run from being made or from reaching people, "" = nothing."""
    for run in reversed(kept.runs):
        if run.state is ReportState.CANCELLED or (run.actor and not run.send):
            continue
        if run.error:
            return f"{spec.name} {run.key}: {run.error}"
        lost = [one for one in run.parcels if one.state == "failed"]
        return f"{spec.name} {run.key} did not reach {lost[0].person or lost[0].way}: {lost[0].outcome}" if lost else ""
    return ""
