"""When a guard acts: a pure state machine, one for each guard. It knows no tags and sends nothing."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What the condition says now; UNKNOWN: its inputs are not good enough to judge it."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class GuardState(StrEnum):
    """ARMED: waits for its condition. PENDING: it holds, the time is counted. FIRED: has acted, waits for its end.

    RETRYING: what it sent was not done, and it sends it again while the condition holds.
    """

    ARMED = "armed"
    PENDING = "pending"
    FIRED = "fired"
    RETRYING = "retrying"


class GuardMachine:
    """Acts once each time that the condition has held for `hold` s, never twice within `cooldown` s.

    It arms again when the condition is known to be false. UNKNOWN counts as true if `act_on_unknown`; else it ends
    a count under way and changes nothing besides. With `retry` it acts again, `cooldown` s later at the soonest, when
    it was told that its last act was not done and the condition holds; never after one that was done, unless `effect`
    says in how many s of that the condition must have been false: then it had none, and was not done.

    `acts` counts all acts, `failed` those in a row that were not done since it armed.
    """

    def __init__(
        self, hold: float, cooldown: float, *, act_on_unknown: bool = False, retry: bool = False, effect: float = 0.0
    ) -> None:
        self.state = GuardState.ARMED
        self.acts = self.failed = 0
        self._hold = hold
        self._cooldown = cooldown
        self._act_on_unknown = act_on_unknown
        self._retry = retry
        self._effect = effect
        self._awaits_effect = False
        self._shows_by: float | None = None
        self._holds = self._unanswered = False
        self._since = 0.0
        self._fired = 0.0

    @property
    def due(self) -> float | None:
        """When it acts if the condition stays as it is (monotonic s); None if it does not."""
        if self.state is GuardState.RETRYING and self._holds:
            return self._fired + self._cooldown
        if self._shows_by is not None and self._holds:
            return max(self._shows_by, self._fired + self._cooldown)
        if self.state is not GuardState.PENDING:
            return None
        held = self._since + self._hold
        return max(held, self._fired + self._cooldown) if self.acts else held

    def feed(self, verdict: Verdict, now: float) -> bool:
        """The condition as it is at `now`, which never goes back; True = act, now and once."""
        if verdict is Verdict.UNKNOWN and self._act_on_unknown:
            verdict = Verdict.TRUE
        self._holds = verdict is Verdict.TRUE
        if self._awaits_effect:
            self._awaits_effect, self._shows_by = False, now + self._effect
        if verdict is Verdict.FALSE:
            self.state, self.failed, self._shows_by = GuardState.ARMED, 0, None
        elif verdict is Verdict.UNKNOWN:
            if self.state is GuardState.PENDING:
                self.state = GuardState.ARMED
        elif self.state is GuardState.ARMED:
            self.state, self._since = GuardState.PENDING, now
        due = self.due
        if due is None or now < due:
            return False
        self.failed += self._shows_by is not None
        self.state, self._fired, self._unanswered, self._shows_by = GuardState.FIRED, now, True, None
        self.acts += 1
        return True

    def ended(self, act: int, *, done: bool, elsewhere: bool = False) -> None:
        """What became of the act of this number. `feed` it afterwards: a repetition may be due.

        `elsewhere`: it was not done because another command does the same, which is no failure.
        """
        if act != self.acts or self.state is not GuardState.FIRED or not self._unanswered:
            return
        self._unanswered = False
        self._awaits_effect = done and self._retry and self._effect > 0.0
        if not self._awaits_effect:
            self.failed = 0 if done else self.failed + (not elsewhere)
        if self._retry and not done:
            self.state = GuardState.RETRYING
