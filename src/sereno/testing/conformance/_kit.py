"""conformance: try every rule and count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sereno.model import SerenoError
from sereno.testing._clock import JumpingClock
from sereno.testing._loop import DeadlockError, run_jumping

from ._bench import bench_of
from ._rules import RULES, Rule
from ._subject import Subject


@dataclass(frozen=True, slots=True)
class Result:
    """One rule: "passed", "failed" or "exempt", with the reason."""

    rule: str
    asks: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """What became of all rules."""

    driver: str
    results: tuple[Result, ...]

    @property
    def passed(self) -> int:
        """How many rules are kept."""
        return sum(result.outcome == "passed" for result in self.results)

    @property
    def counted(self) -> int:
        """How many rules count: all without the exempt ones."""
        return sum(result.outcome != "exempt" for result in self.results)

    @property
    def failures(self) -> list[Result]:
        """The rules that are broken."""
        return [result for result in self.results if result.outcome == "failed"]

    def __str__(self) -> str:
        lines = [f"{self.driver}: {self.passed} of {self.counted} rules kept"]
        lines += [f"  {r.outcome:<7} {r.rule.replace('_', ' ')}: {r.reason or r.asks}" for r in self.results]
        return "\n".join(lines)


def conformance(subject: Subject, rules: Sequence[Rule] = RULES) -> Score:
    """Try the rules against a driver, each with a fresh device in virtual time. Not for a running loop."""
    return Score(subject.driver.__name__, tuple(_tried(subject, rule) for rule in rules))


def _tried(subject: Subject, rule: Rule) -> Result:
    name, asks = rule.__name__, (rule.__doc__ or "").strip()
    if name in subject.exempt:
        return Result(name, asks, "exempt", subject.exempt[name])

    async def work(clock: JumpingClock) -> None:
        async with bench_of(subject, clock) as bench:
            await rule(bench)

    try:
        run_jumping(work)
    except (AssertionError, DeadlockError, SerenoError) as error:
        return Result(name, asks, "failed", str(error).splitlines()[0])
    return Result(name, asks, "passed")
