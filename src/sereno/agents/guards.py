"""The guards of a node: one subscription to all their inputs, one command each when its condition has held."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass

import numpy as np
import structlog

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.client import CommandPort, GuardStatus, LivePort, Update, being_done
from sereno.expression.compiler import Expression, compile_expression
from sereno.model import Ack, AckState, Clock, Command, Quality, SerenoError, TagSpec, Timer, Verb, new_key, severity

from .guard import GuardMachine, Verdict

EXPIRY = 10.0
"""Seconds after which the command of a guard is not sent any more."""
ANSWERED = 60.0
"""Seconds within which a call must be answered. Writes end by themselves; a device may hang in a command of its own."""
KEEPS_FAILING = 4
"""Commands in a row, each not done, of which people are told. One for which another does the same does not count."""
WATCH_AGAIN = 1.0
"""Seconds after which guards watch again when their watch has ended."""
WAITING = "waiting"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRule:
    """A declared guard: a value for the tag `target`, or with `call` that command of the device `target`.

    `inputs`: the tags of its condition. `hold`, `cooldown` in seconds.

    `act_on_stale`: a condition that cannot be judged counts as true. `retry`: a command that was not done goes out
    again after each `cooldown` while the condition holds. So does one that was done, when the condition has not been
    false for `effect` seconds afterwards (0: what was done is believed).
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
    retry: bool = False
    effect: float = 0.0
    call: str = ""
    arguments: tuple[object, ...] = ()


class _Guard:
    """One rule at work."""

    def __init__(self, rule: GuardRule, tags: Sequence[TagSpec]) -> None:
        self.rule = rule
        self.bind(tags)
        self.machine = GuardMachine(
            rule.hold, rule.cooldown, act_on_unknown=rule.act_on_stale, retry=rule.retry, effect=rule.effect
        )
        may = Role(rule.actor, (Permission(Right.CALL if rule.call else Right.WRITE, rule.target),))
        self.actor = Actor(rule.actor, (may,), "agent", "guard")
        self.verdict = WAITING
        self.last, self.outcome, self.fault = 0, "", ""
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
        self._watching = False
        self._ended = ""
        self._replaced = asyncio.Event()

    def replace(self, rules: Sequence[GuardRule]) -> None:
        """Watch by these rules from now on; a guard whose rule is the same goes on as it is."""
        self._rules = tuple(rules)
        self._replaced.set()

    async def run(self) -> None:
        """Watch and act until cancelled. A watch that ends is told by `problem`, and begins again."""
        while True:
            self._replaced.clear()
            watching = asyncio.create_task(self._watch(), name="guards watch")
            waiting = asyncio.create_task(self._replaced.wait(), name="guards replaced")
            try:
                await asyncio.wait((watching, waiting), return_when=asyncio.FIRST_COMPLETED)
                if watching.done() and self._has_ended(watching):
                    with suppress(TimeoutError):
                        async with self._clock.timeout(WATCH_AGAIN):
                            await asyncio.shield(waiting)
                else:
                    await waiting
            finally:
                for task in (watching, waiting):
                    task.cancel()
                await asyncio.gather(watching, waiting, return_exceptions=True)
                if not self._replaced.is_set():
                    await self._stop_issuing()

    def _has_ended(self, watching: asyncio.Task[None]) -> bool:
        """True if there is something to watch; people are told why it is not."""
        error = watching.exception()
        if error is None and not any(rule.inputs for rule in self._rules):
            return False
        self._ended = "their values have ended" if error is None else str(error) or type(error).__name__
        log.critical("guards do not watch", task="guards watch", why=self._ended, exc_info=error)
        return True

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
        self._watching, self._ended = True, ""
        try:
            async for update in subscription:
                self._take(update)
        finally:
            self._watching = False
            for guard in self._guards:
                if guard.timer is not None:
                    guard.timer.cancel()
            await subscription.close()

    async def _stop_issuing(self) -> None:
        for task in tuple(self._issuing):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @property
    def problem(self) -> str:
        """That they do not watch, which one cannot judge or repeats its command and gets nowhere; else empty."""
        stuck = [one for one in self._guards if one.rule.retry and one.machine.failed >= KEEPS_FAILING]
        words = [f"guards do not watch: {self._ended}"] if self._ended else []
        words += [f"guard {one.rule.name} cannot be judged: {one.fault}" for one in self._guards if one.fault]
        words += [f"guard {one.rule.name}: not done {one.machine.failed} times, {one.outcome}" for one in stuck]
        return "; ".join(words)

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
                self._look(guard)

    def _look(self, guard: _Guard) -> None:
        """Judge it; a defect in one guard keeps no other from acting."""
        try:
            self._judge(guard)
        except Exception as error:
            if not guard.fault:
                log.exception("a guard cannot be judged", task="guards watch", guard=guard.rule.name)
            guard.fault = str(error) or type(error).__name__
        else:
            guard.fault = ""

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
        failed = guard.machine.failed
        if guard.machine.feed(verdict, now):
            if guard.machine.failed > failed:
                guard.outcome = f"{guard.outcome}, without effect"
                self._complain(guard, guard.outcome)
            self._act(guard)
        elif guard.machine.due is not None:
            guard.timer = self._clock.call_later(max(0.0, guard.machine.due - now), lambda: self._look(guard))

    def _act(self, guard: _Guard) -> None:
        rule, now = guard.rule, self._clock.wall_ns()
        guard.last, guard.outcome = now, f"under way, before: {guard.outcome}" if guard.machine.failed else "under way"
        again = f", attempt {guard.machine.failed + 1}" if guard.machine.failed else ""
        command = Command(
            target=rule.target,
            verb=Verb.CALL if rule.call else Verb.WRITE,
            value=rule.value,
            name=rule.call,
            arguments=rule.arguments,
            key=new_key(),
            actor=rule.actor,
            origin=f"guard {rule.name}",
            comment=f"{rule.when} ({self._seen(guard)}){again}"[:1000],
            expires=now + int(EXPIRY * 1e9),
        )
        what = f"{rule.target} {rule.call}".rstrip()
        log.warning("guard acts", guard=rule.name, target=what, key=command.key, seen=self._seen(guard))
        task = asyncio.create_task(self._issue(guard, command, guard.machine.acts), name=f"guard {rule.name}")
        self._issuing.add(task)
        task.add_done_callback(self._issuing.discard)

    async def _issue(self, guard: _Guard, command: Command, act: int) -> None:
        last: Ack | None = None
        try:
            async with self._clock.timeout(ANSWERED) if guard.rule.call else nullcontext():
                async for ack in self._commands.submit(command, guard.actor):
                    last = ack
        except TimeoutError:
            last, outcome = None, f"no answer within {ANSWERED:g} s"
        except SerenoError as error:
            outcome = f"failed: {error}"
        else:
            outcome = "no answer" if last is None else f"{last.state}: {last.reason}".removesuffix(": ")
        done = last is not None and last.state is AckState.DONE
        if act == guard.machine.acts:
            guard.outcome = outcome
        elsewhere = last is not None and being_done(last)
        guard.machine.ended(act, done=done, elsewhere=elsewhere)
        if elsewhere:
            log.info("another command does what a guard wants", guard=guard.rule.name, outcome=outcome)
        elif not done:
            self._complain(guard, outcome)
        if self._watching and guard in self._guards:
            self._look(guard)

    @staticmethod
    def _complain(guard: _Guard, outcome: str) -> None:
        """Louder when it keeps failing, and then less often: after 4, 8, 16 attempts and so on."""
        failed = guard.machine.failed
        if failed < KEEPS_FAILING:
            log.error("the command of a guard was not done", guard=guard.rule.name, outcome=outcome, attempts=failed)
        elif failed & (failed - 1) == 0:
            log.critical("a guard keeps failing", guard=guard.rule.name, outcome=outcome, attempts=failed)

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
        call=rule.call,
        arguments=rule.arguments,
        actor=rule.actor,
        hold=rule.hold,
        cooldown=rule.cooldown,
        stale="act" if rule.act_on_stale else "hold",
        state=guard.machine.state,
        verdict=guard.verdict,
        acted=guard.machine.acts,
        last=guard.last,
        outcome=guard.outcome,
        retry=rule.retry,
        failed=guard.machine.failed,
    )
