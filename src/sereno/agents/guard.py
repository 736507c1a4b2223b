"""When a guard acts: a pure state machine, one for each guard. It knows no tags and sends nothing."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What the condition says now; UNKNOWN: its inputs are not good enough to judge it."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class GuardState(StrEnum):
    """ARMED: waits for its condition. PENDING: it holds, the time is counted. FIRED: has acted, waits for its end."""

    ARMED = "armed"
    PENDING = "pending"
    FIRED = "fired"


class GuardMachine:
    """Acts once each time that the condition has held for `hold` s, never twice within `cooldown` s.

    It arms again when the condition is known to be false. UNKNOWN counts as true if `act_on_unknown`; else it ends
    a count under way and changes nothing besides.
    """

    def __init__(self, hold: float, cooldown: float, *, act_on_unknown: bool = False) -> None:
        self.state = GuardState.ARMED
        self._hold = hold
        self._cooldown = cooldown
        self._act_on_unknown = act_on_unknown
        self._since = 0.0
        self._fired: float | None = None

    @property
    def due(self) -> float | None:
        """When it acts if the condition stays as it is (monotonic s); None if it does not."""
        if self.state is not GuardState.PENDING:
            return None
        held = self._since + self._hold
        return held if self._fired is None else max(held, self._fired + self._cooldown)

    def feed(self, verdict: Verdict, now: float) -> bool:
        """The condition as it is at `now`, which never goes back; True = act, now and once."""
        if verdict is Verdict.UNKNOWN and self._act_on_unknown:
            verdict = Verdict.TRUE
        if verdict is Verdict.FALSE:
            self.state = GuardState.ARMED
        elif verdict is Verdict.UNKNOWN:
            if self.state is GuardState.PENDING:
                self.state = GuardState.ARMED
        elif self.state is GuardState.ARMED:
            self.state, self._since = GuardState.PENDING, now
        due = self.due
        if due is None or now < due:
            return False
        self.state, self._fired = GuardState.FIRED, now
        return True
