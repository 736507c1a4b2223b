"""The guards of a node: one subscription to all their inputs, one command each when its condition has held."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import structlog

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.client import CommandPort, GuardStatus, LivePort, Update
from sereno.expression.compiler import Expression, compile_expression
from sereno.model import Ack, Clock, Command, Quality, SerenoError, TagSpec, Timer, new_key, severity

from .guard import GuardMachine, Verdict

EXPIRY = 10.0
"""Seconds after which the command of a guard is not sent any more."""
WAITING = "waiting"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRule:
    """A declared guard. `inputs`: the tags of its condition. `hold`, `cooldown` in seconds.

    `act_on_stale`: a condition that cannot be judged counts as true.
    """

    name: str
    when: str
    inputs: tuple[str, ...]
    target: str
    value: object
    actor: str
    hold: float = 0.0
    cooldown: float = 60.0
    act_on_stale: bool = False


class _Guard:
    """One rule at work."""

    def __init__(self, rule: GuardRule, tags: Sequence[TagSpec]) -> None:
        self.rule = rule
        self.bind(tags)
        self.machine = GuardMachine(rule.hold, rule.cooldown, act_on_unknown=rule.act_on_stale)
        may = Role(rule.actor, (Permission(Right.WRITE, rule.target),))
        self.actor = Actor(rule.actor, (may,), "agent", "guard")
        self.verdict = WAITING
        self.acted, self.last, self.outcome = 0, 0, ""
        self.timer: Timer | None = None

    def bind(self, tags: Sequence[TagSpec]) -> _Guard:
        """Judge by these tags, which it finds by path."""
        position = {spec.path: at for at, spec in enumerate(tags)}
        self.expression: Expression[TagSpec] = compile_expression(self.rule.when, lambda path: tags[position[path]])
        self.inputs = np.array([position[path] for path in self.expression.paths], np.intp)
        return self


class Guards:
    """Implements GuardPort. `run` until cancelled; then no timer is left, and commands under way go on by themselves.

    Nothing is judged until every input of a guard has had its first sample, or has turned stale without one.
    """

    def __init__(self, rules: Sequence[GuardRule], live: LivePort, commands: CommandPort, clock: Clock) -> None:
        self._rules = tuple(rules)
        self._live = live
        self._commands = commands
        self._clock = clock
        self._guards: list[_Guard] = []
        self._values = np.empty(0)
        self._quality = np.empty(0, np.uint16)
        self._issuing: set[asyncio.Task[None]] = set()
        self._replaced = asyncio.Event()

    def replace(self, rules: Sequence[GuardRule]) -> None:
        """Watch by these rules from now on; a guard whose rule is the same goes on as it is."""
        self._rules = tuple(rules)
        self._replaced.set()

    async def run(self) -> None:
        """Watch and act until cancelled. Raises SerenoError if a tag of a rule does not exist."""
        while True:
            self._replaced.clear()
            watching = asyncio.create_task(self._watch(), name="guards watch")
            waiting = asyncio.create_task(self._replaced.wait(), name="guards replaced")
            try:
                await asyncio.wait((watching, waiting), return_when=asyncio.FIRST_COMPLETED)
                if watching.done():
                    await watching
                await waiting
            finally:
                for task in (watching, waiting):
                    task.cancel()
                await asyncio.gather(watching, waiting, return_exceptions=True)
                if not self._replaced.is_set():
                    await self._stop_issuing()

    async def _watch(self) -> None:
        paths = sorted({path for rule in self._rules for path in rule.inputs})
        if not paths:
            self._guards = []
            return
        reader = Actor("guards", (Role("guards", tuple(Permission(Right.READ, path) for path in paths)),), "agent")
        subscription = await self._live.subscribe(paths, reader)
        self._values = np.full(len(subscription.tags), np.nan)
        self._quality = np.full(len(subscription.tags), Quality.WAITING, np.uint16)
        known = {guard.rule: guard for guard in self._guards}
        tags = subscription.tags
        self._guards = [known[r].bind(tags) if r in known else _Guard(r, tags) for r in self._rules]
        try:
            async for update in subscription:
                self._take(update)
        finally:
            for guard in self._guards:
                if guard.timer is not None:
                    guard.timer.cancel()
            await subscription.close()

    async def _stop_issuing(self) -> None:
        for task in tuple(self._issuing):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def guards(self, actor: Actor) -> list[GuardStatus]:
        """See GuardPort."""
        known = sorted(self._guards, key=lambda guard: guard.rule.name)
        return [_status(guard) for guard in known if actor.may(Right.READ, guard.rule.target)]

    def _take(self, update: Update) -> None:
        self._values[update.index] = update.values
        self._quality[update.index] = update.quality
        touched = np.zeros(len(self._values), np.bool_)
        touched[update.index] = True
        for guard in self._guards:
            if touched[guard.inputs].any():
                self._judge(guard)

    def _judge(self, guard: _Guard) -> None:
        quality = self._quality[guard.inputs]
        if (quality == Quality.WAITING).any():
            return
        value, code = guard.expression.evaluate(list(self._values[guard.inputs]), list(quality))
        known = severity(code) == "good"
        verdict = (Verdict.TRUE if value else Verdict.FALSE) if known else Verdict.UNKNOWN
        guard.verdict = verdict
        if guard.timer is not None:
            guard.timer.cancel()
            guard.timer = None
        now = self._clock.monotonic()
        if guard.machine.feed(verdict, now):
            self._act(guard)
        elif guard.machine.due is not None:
            guard.timer = self._clock.call_later(max(0.0, guard.machine.due - now), lambda: self._judge(guard))

    def _act(self, guard: _Guard) -> None:
        rule, now = guard.rule, self._clock.wall_ns()
        guard.acted, guard.last, guard.outcome = guard.acted + 1, now, "under way"
        command = Command(
            target=rule.target,
            value=rule.value,
            key=new_key(),
            actor=rule.actor,
            origin=f"guard {rule.name}",
            comment=f"{rule.when} ({self._seen(guard)})"[:1000],
            expires=now + int(EXPIRY * 1e9),
        )
        log.warning("guard acts", guard=rule.name, target=rule.target, key=command.key, seen=self._seen(guard))
        task = asyncio.create_task(self._issue(guard, command), name=f"guard {rule.name}")
        self._issuing.add(task)
        task.add_done_callback(self._issuing.discard)

    async def _issue(self, guard: _Guard, command: Command) -> None:
        last: Ack | None = None
        try:
            async for ack in self._commands.submit(command, guard.actor):
                last = ack
        except SerenoError as error:
            guard.outcome = f"failed: {error}"
        else:
            guard.outcome = "no answer" if last is None else f"{last.state}: {last.reason}".removesuffix(": ")
        if last is None or last.state != "done":
            log.error("the command of a guard was not done", guard=guard.rule.name, outcome=guard.outcome)

    def _seen(self, guard: _Guard) -> str:
        columns = (guard.expression.paths, self._values[guard.inputs].tolist(), self._quality[guard.inputs].tolist())
        return ", ".join(f"{path} {value:g}{_mark(code)}" for path, value, code in zip(*columns, strict=True))


def _mark(code: int) -> str:
    if code == Quality.SUBSTITUTED:
        return " substituted"
    return "" if severity(code) == "good" else f" {severity(code)}"


def _status(guard: _Guard) -> GuardStatus:
    rule = guard.rule
    return GuardStatus(
        name=rule.name,
        when=rule.when,
        target=rule.target,
        value=rule.value,
        actor=rule.actor,
        hold=rule.hold,
        cooldown=rule.cooldown,
        stale="act" if rule.act_on_stale else "hold",
        state=guard.machine.state,
        verdict=guard.verdict,
        acted=guard.acted,
        last=guard.last,
        outcome=guard.outcome,
    )
