"""The desk of notices: what people ask of them and do with them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sereno.access.actor import Actor, Right
from sereno.alarms.alarms import Alarms
from sereno.client import AlarmState, DutyTime, LinkedNotice, RosterSwap, SentNotice, iso_time
from sereno.model import Clock, DeniedError, NotFoundError, RefusedError
from sereno.store.audit import AuditEntry, AuditLog
from sereno.store.notices import Delivery

from .notifier import Notifier
from .pipeline import PipelineSpec
from .roster import RosterChange

LONGEST_PLAN = 400 * 86400 * 10**9
LONGEST_SWAP = 100 * 86400 * 10**9


class NoticeDesk:
    """Implements NoticePort."""

    def __init__(self, notifier: Notifier, alarms: Alarms, clock: Clock, audit: AuditLog) -> None:
        self._notifier = notifier
        self._plan = notifier.plan
        self._alarms = alarms
        self._clock = clock
        self._audit = audit

    async def overview(self, actor: Actor) -> dict[str, Any]:
        """See NoticePort."""
        plan, outbox, now = self._plan, self._notifier.outbox, self._clock.wall_ns()
        _read(actor)
        return {
            "pipelines": [self._pipeline(spec) for spec in plan.pipelines],
            "ways": [
                {
                    "name": name,
                    "kind": way.kind,
                    "addressed": way.way.addressed,
                    "people": sorted(person for person, addresses in plan.people.items() if name in addresses),
                    "problem": outbox.problems[name],
                    "sent": outbox.sent[name],
                    "failed": outbox.failed[name],
                }
                for name, way in plan.ways.items()
            ],
            "duty": [
                {
                    "roster": name,
                    "timezone": roster.timezone,
                    "people": list(roster.on_duty(now, self._notifier.changes)),
                }
                for name, roster in plan.rosters.items()
            ],
            "heartbeats": [
                {**_heartbeat(one.beat.spec), "last": iso_time(one.beat.last), "outcome": one.beat.outcome}
                for one in self._notifier.heartbeats
            ],
            "changes": [_change(change) for change in self._notifier.changes if change.end > now],
        }

    async def sent(self, actor: Actor, *, limit: int = 100, before: int | None = None) -> list[SentNotice]:
        """See NoticePort."""
        readable, found = self._alarms.readable(actor), list[SentNotice]()
        while len(found) < limit:
            rows = await self._notifier.store.sent(limit, before)
            found += [sent for one in rows if (sent := _sent(one, readable)) is not None]
            if len(rows) < limit:
                break
            before = rows[-1].id
        return found[:limit]

    async def duty(self, actor: Actor, start: int, end: int) -> list[DutyTime]:
        """See NoticePort."""
        _read(actor)
        if not 0 < start < end or end - start > LONGEST_PLAN:
            raise RefusedError("a roster is told over a time that is not empty and at most 400 days long")
        changes = self._notifier.changes
        return [
            DutyTime(roster=name, start=since, end=until, people=people)
            for name, roster in self._plan.rosters.items()
            for since, until, people in roster.plan(start, end, changes)
        ]

    async def test(self, way: str, person: str, actor: Actor) -> str:
        """See NoticePort."""
        self._known_way(way)
        if not actor.may_somewhere(Right.CONFIGURE):
            raise DeniedError(f"{actor.name} has no right to {Right.CONFIGURE}")
        self._check_address(way, person)
        outcome = "failed"
        try:
            outcome = await self._notifier.trial(way, person, actor)
        finally:
            target = f"{way} {person}".strip()
            await self._audit.record(actor.name, "notice.test", target, origin=actor.origin, outcome=outcome)
        return outcome

    async def tell(self, way: str, person: str, text: str, actor: Actor) -> str:
        """See NoticePort."""
        target, outcome = f"notices/{way}", "failed"
        self._known_way(way)
        if not actor.may(Right.CALL, target):
            raise DeniedError(f"{actor.name} has no right to {Right.CALL} {target}")
        self._check_address(way, person)
        try:
            outcome = await self._notifier.tell(way, person, text, actor)
        finally:
            named = f"{way} {person}".strip()
            await self._audit.record(
                actor.name, "notice.tell", named, origin=actor.origin, outcome=outcome, new={"text": text}
            )
        return outcome

    async def swap(self, swap: RosterSwap, actor: Actor) -> int:
        """See NoticePort."""
        if not actor.may_somewhere(Right.ACKNOWLEDGE):
            raise DeniedError(f"{actor.name} has no right to {Right.ACKNOWLEDGE}")
        self._check(swap)
        now, data = self._clock.wall_ns(), asdict(swap)
        shown = {**data, "start": iso_time(swap.start), "end": iso_time(swap.end)}
        entry = AuditEntry(
            t=now, actor=actor.name, origin=actor.origin, action="roster.swap", target=swap.roster, new=shown
        )
        number = await self._notifier.store.add_change({**data, "t": now, "actor": actor.name}, entry)
        self._notifier.changes.append(RosterChange(id=number, actor=actor.name, **data))
        return number

    async def linked(self, token: str) -> LinkedNotice:
        """See NoticePort."""
        delivery = await self._delivery(token)
        return await self._linked(delivery, await self._notifier.composer.person(delivery.person, "link"))

    async def acknowledge_linked(self, token: str, note: str, origin: str) -> LinkedNotice:
        """See NoticePort."""
        delivery = await self._delivery(token)
        origin = f"link of notice {delivery.notice}, {origin}"
        person = await self._notifier.composer.person(delivery.person, origin)
        if not person.may_somewhere(Right.ACKNOWLEDGE):
            raise DeniedError(f"{person.name} has no right to {Right.ACKNOWLEDGE}")
        if not await self._notifier.store.use(delivery.id, self._clock.wall_ns()):
            raise RefusedError("this link has been used; sign in to do more")
        sources = {spec.id: spec.source for spec in self._alarms.specs}
        waiting = {alarm for alarm, state, _ in self._alarms.standing() if state.needs_acknowledging}
        readable = self._alarms.readable(person)
        mine = [alarm for alarm in delivery.content.alarms if alarm in waiting and alarm in readable]
        ids = [alarm for alarm in mine if person.may(Right.ACKNOWLEDGE, sources[alarm])]
        if ids:
            await self._alarms.acknowledge(ids, person, note=note)
        delivery.used = self._clock.wall_ns()
        return await self._linked(delivery, person)

    def _pipeline(self, spec: PipelineSpec) -> dict[str, Any]:
        machine = self._notifier.machine
        data = asdict(spec)
        waiting = sum(name == spec.name for name, _ in machine.cases)
        return {**data, "digest": [f"{m // 60:02}:{m % 60:02}" for m in spec.digest], "cases": waiting}

    def _known_way(self, way: str) -> None:
        if way not in self._plan.ways:
            raise NotFoundError(f"no way {way!r}; known: {', '.join(self._plan.ways)}")

    def _check_address(self, way: str, person: str) -> None:
        addressed = self._plan.ways[way].way.addressed
        if way not in self._plan.people.get(person, {}) and (person or addressed):
            raise RefusedError(f"{person or 'nobody'} has no address for {way!r}; name a person who has one")

    def _check(self, swap: RosterSwap) -> None:
        roster = self._plan.rosters.get(swap.roster)
        if roster is None:
            raise NotFoundError(f"no roster {swap.roster!r}; known: {', '.join(self._plan.rosters)}")
        if not 0 < swap.start < swap.end or swap.end - swap.start > LONGEST_SWAP:
            raise RefusedError("a swap lasts from a time to a later one, at most 100 days")
        if swap.end <= self._clock.wall_ns():
            raise RefusedError("the time of this swap is over")
        if not (swap.leaves or swap.takes) or swap.leaves == swap.takes:
            raise RefusedError("a swap names who leaves, who takes over, or both")
        if swap.takes and swap.takes not in self._plan.people:
            raise RefusedError(f"{swap.takes!r} is none of {', '.join(sorted(self._plan.people))}")
        if swap.leaves and swap.leaves not in roster.on_duty(swap.start, self._notifier.changes):
            raise RefusedError(f"{swap.leaves!r} is not on duty by {swap.roster!r} when this begins")

    async def _delivery(self, token: str) -> Delivery:
        composer = self._notifier.composer
        found = await self._notifier.store.one(composer.links.read(token, self._clock.wall_ns()))
        if found is None or not found.person:
            raise DeniedError("this link leads to a notice that is kept no more; sign in instead")
        return found

    async def _linked(self, delivery: Delivery, person: Actor) -> LinkedNotice:
        readable = self._alarms.readable(person)
        states = {alarm: state for alarm, state, _ in self._alarms.standing()}
        responses = {spec.id: spec.response for spec in self._alarms.specs}
        return LinkedNotice(
            person=person.name,
            subject=delivery.content.subject,
            t=delivery.content.t,
            alarms=tuple(
                (alarm, str(states.get(alarm, AlarmState.NORMAL)), responses.get(alarm, ""))
                for alarm in delivery.content.alarms
                if alarm in readable
            ),
            used=delivery.used > 0,
        )


def _read(actor: Actor) -> None:
    if not actor.may_somewhere(Right.READ):
        raise DeniedError(f"{actor.name} has no right to {Right.READ}")


def _sent(one: Delivery, readable: frozenset[str]) -> SentNotice | None:
    content = one.content
    alarms = tuple(alarm for alarm in content.alarms if alarm in readable)
    if content.alarms and not alarms:
        return None
    whole = len(alarms) == len(content.alarms)
    return SentNotice(
        id=one.id,
        notice=one.notice,
        t=content.t,
        pipeline=content.pipeline,
        kind=content.kind,
        step=content.step,
        subject=content.subject if whole else "",
        alarms=alarms,
        person=one.person,
        way=one.way,
        state=one.state,
        attempts=one.attempts,
        done=one.done,
        outcome=one.outcome,
        acknowledged=one.used,
    )


def _change(change: RosterChange) -> dict[str, Any]:
    return {**asdict(change), "start": iso_time(change.start), "end": iso_time(change.end)}


def _heartbeat(spec: Any) -> dict[str, Any]:
    at = [f"{minute // 60:02}:{minute % 60:02}" for minute in spec.at]
    return {"name": spec.name, "way": spec.way, "person": spec.person, "every": spec.every, "at": at}
