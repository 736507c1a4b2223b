"""The notifier: hears what happens to alarms, asks the machine, keeps what it says, and hands it to the outbox."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from sereno.access.actor import Actor
from sereno.alarms.alarms import Alarms
from sereno.alarms.machine import Transitions
from sereno.alarms.states import STATES
from sereno.client import AlarmState
from sereno.model import Clock, OperationError
from sereno.store.errors import StoreError
from sereno.store.notices import FAILED, Delivery, NoticeStore, deliveries_of

from .composer import Composer, Renew
from .heartbeat import Heartbeat, HeartbeatSpec
from .links import Links
from .machine import Pipelines
from .outbox import Outbox
from .pipeline import Case
from .plan import NoticePlan
from .roster import RosterChange
from .way import Attachment

PATIENCE = 0.05
"""Seconds within which what happens is taken together."""
AT_ONCE = 500
"""Events between which others get their turn."""
MOST = 200_000
"""Events that may wait; beyond it all alarms are looked at instead."""
LONGEST_PAUSE = 30.0
FORGET_EVERY = 3600.0
log = structlog.get_logger(__name__)


class Notifier:
    """Tells people of alarms by a plan. `run` until the end. `renew` gives a person's rights of this moment."""

    def __init__(
        self, plan: NoticePlan, alarms: Alarms, store: NoticeStore, clock: Clock, *, links: Links, renew: Renew
    ) -> None:
        self.plan = plan
        self.store = store
        self.changes: list[RosterChange] = []
        self._alarms = alarms
        self._clock = clock
        self.composer = Composer(plan, alarms.specs, clock, links, renew)
        self.machine = Pipelines(plan.pipelines, alarms.specs, lambda step, t: plan.recipients(step, t, self.changes))
        self.outbox = Outbox({n: w.way for n, w in plan.ways.items()}, store, clock, self.composer.message, self._ended)
        self.heartbeats = [Heartbeat(spec, clock, self._beat) for spec in plan.heartbeats]
        self._heard: list[tuple[str, AlarmState, int]] = []
        self._wake = asyncio.Event()
        self._open: Counter[int] = Counter()
        self._reached: set[int] = set()
        self._unreached = ""
        self._fault = ""
        self._missed = 0
        self._newest = 0
        self.notices = 0

    # ---- its life

    async def load(self) -> None:
        """Take up what was kept, and what happened to alarms while nobody listened. Raises StoreError."""
        now = self._clock.wall_ns()
        self.changes = [_change(row) for row in await self.store.changes(now)]
        pipelines, specs = self.machine.specs, {spec.id: spec for spec in self._alarms.specs}
        kept = await self.store.cases()
        for (pipeline, alarm), data in kept.items():
            if pipeline in pipelines and alarm in specs and pipelines[pipeline].fits(specs[alarm]):
                self.machine.restore((pipeline, alarm), msgspec.json.decode(data, type=Case))
        gone = kept.keys() - self.machine.cases.keys()
        await self.store.keep(dict.fromkeys(gone), [])
        await self._catch_up(now)
        await self.store.keep({key: self._encoded(key) for key in self.machine.take_changed()}, [], now)
        waiting = [one for one in await self.store.waiting() if await self._has_a_way(one, now)]
        self._open.update(one.notice for one in waiting)
        self._reached = await self.store.reached()
        for refused in self.outbox.put(waiting):
            await self.store.save(refused)
        self._alarms.listeners.append(self.hear)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.outbox.run(), name="notices: outbox")
                tasks.create_task(self._forget(), name="notices: forget")
                for heartbeat in self.heartbeats:
                    tasks.create_task(heartbeat.run(), name=f"heartbeat {heartbeat.beat.spec.name}")
                await self._work()
        except Exception as error:
            self._fault = f"nobody is told any more: {error}"
            raise

    def hear(self, transitions: Transitions) -> None:
        """A listener of alarms."""
        columns = zip(transitions.rows.tolist(), transitions.before.tolist(), transitions.after.tolist(), strict=True)
        for row, before, after in columns:
            if len(self._heard) >= MOST:
                self._missed += 1
            elif STATES[before] is not STATES[after]:
                self._heard.append((self._alarms.specs[row].id, STATES[after], transitions.t))
        self._wake.set()

    def know(self) -> None:
        """The alarms are others by now: write of them and ask for them, and no more for those that are gone."""
        self.composer.know(self._alarms.specs)
        self.machine.know(self._alarms.specs, self._clock.wall_ns())
        self._wake.set()

    @property
    def problem(self) -> str:
        """What keeps notices from reaching people; empty if nothing does."""
        words = [f"{name}: {problem}" for name, problem in self.outbox.problems.items() if problem]
        return "; ".join([*filter(None, [self._fault]), *words, *filter(None, [self._unreached])])

    def statistics(self) -> dict[str, int]:
        """Counters since the start."""
        return {"notices": self.notices, "cases": len(self.machine.cases), **self.outbox.statistics()}

    # ---- inside

    async def _catch_up(self, now: int) -> None:
        """What happened after the last event that was taken in, and then whatever still differs."""
        heard = await self.store.heard()
        if heard is not None:
            for t, alarm, state in await self._alarms.past(heard + 1, now + 1):
                self._take(alarm, state, t)
        self._look_at_all(now)

    def _look_at_all(self, now: int) -> None:
        known = {alarm for _, alarm in self.machine.cases}
        for alarm, state, since in self._alarms.standing():
            if state is AlarmState.UNACKNOWLEDGED:
                self.machine.stands(alarm, since)
            elif alarm in known:
                self._take(alarm, state, now)

    async def _has_a_way(self, delivery: Delivery, now: int) -> bool:
        """Of a way that is declared no more it has failed, for good."""
        if delivery.way in self.plan.ways:
            return True
        delivery.state, delivery.done = FAILED, now
        delivery.outcome = f"there is no way {delivery.way!r} any more"
        await self.store.save(delivery)
        return False

    def _take(self, alarm: str, state: AlarmState, t: int) -> None:
        if state is AlarmState.UNACKNOWLEDGED:
            self.machine.raised(alarm, t)
        elif state.needs_acknowledging:
            self.machine.cleared(alarm, t)
        else:
            self.machine.ended(alarm, t, str(state))

    async def _work(self) -> None:
        while True:
            pause = (self.machine.next_due - self._clock.wall_ns()) / 1e9
            if not self._heard and not self._missed and pause > 0:
                self._wake.clear()
                with suppress(TimeoutError):
                    async with self._clock.timeout(min(pause, LONGEST_PAUSE)):
                        await self._wake.wait()
            await self._clock.sleep(PATIENCE)
            await self._round()

    async def _round(self) -> None:
        heard, self._heard = self._heard, []
        if heard:
            with suppress(OperationError):
                await self._alarms.kept()
        for number, (alarm, state, t) in enumerate(heard, 1):
            self._take(alarm, state, t)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        if self._missed:
            log.error("more happened to alarms than could be heard; all are looked at", missed=self._missed)
            self._missed = 0
            self._look_at_all(self._clock.wall_ns())
        found = [self.composer.notice(notice) for notice in self.machine.tick(self._clock.wall_ns())]
        changed = {key: self._encoded(key) for key in self.machine.take_changed()}
        self._newest = max((self._newest, *(t for _, _, t in heard)))
        if not changed and not found:
            return
        try:
            deliveries = await self.store.keep(changed, found, self._newest)
            self._newest = 0
        except StoreError as error:
            log.error("notices cannot be kept", reason=str(error))
            self.machine.change_again(changed)
            deliveries = [one for notice in found for one in deliveries_of(notice)]
        self.notices += len(found)
        self._open.update(one.notice for one in deliveries)
        for one in self.outbox.put(deliveries):
            with suppress(StoreError):
                await self.store.save(one)

    def _encoded(self, key: tuple[str, str]) -> bytes | None:
        case = self.machine.cases.get(key)
        return None if case is None else msgspec.json.encode(case)

    async def trial(self, way: str, person: str, actor: Actor) -> str:
        """Send one message now. Raises OperationError."""
        return await self.outbox.attempt(way, self.composer.trial(way, person, actor.name))

    async def tell(self, way: str, person: str, text: str, actor: Actor) -> str:
        """Send a message of a job now. Raises OperationError."""
        return await self.outbox.attempt(way, self.composer.word(way, person, text, actor.name))

    async def report(
        self,
        way: str,
        person: str,
        number: str,
        said: tuple[str, str, str],
        files: tuple[Attachment, ...],
        *,
        again: bool,
    ) -> str:
        """Send a report now: its subject, text and HTML, and its files. Raises OperationError."""
        return await self.outbox.attempt(way, self.composer.report(way, person, number, said, files, again=again))

    async def _beat(self, spec: HeartbeatSpec) -> str:
        states = [state for _, state, _ in self._alarms.standing()]
        return await self.outbox.attempt(spec.way, self.composer.beat(spec.way, spec.person, states))

    def _ended(self, delivery: Delivery) -> None:
        """Where all deliveries of a notice have failed it reached nobody: the next step is due at once."""
        notice, content = delivery.notice, delivery.content
        if delivery.state != FAILED:
            self._reached.add(notice)
            self._unreached = ""
        self._open[notice] -= 1
        if self._open[notice] > 0:
            return
        del self._open[notice]
        if notice in self._reached:
            self._reached.discard(notice)
            return
        self._unreached = f"{content.pipeline!r} reached nobody: {delivery.outcome}"
        self.machine.unreached(content.pipeline, content.step, content.alarms, self._clock.wall_ns())
        self._wake.set()

    async def _forget(self) -> None:
        while True:
            before = self._clock.wall_ns() - round(self.plan.keep * 86400e9)
            with suppress(StoreError):
                await self.store.forget(before)
            await self._clock.sleep(FORGET_EVERY)


def _change(row: Mapping[Any, Any]) -> RosterChange:
    names = ("id", "roster", "start", "end", "leaves", "takes", "actor", "reason")
    return RosterChange(**{name: row[name] for name in names})
