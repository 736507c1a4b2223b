"""Health: what is known of a device's condition; tells the hub when it changes."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from sereno.client import IngestPort
from sereno.model import Clock, LinkState, OperationalState

from ._keeper import LinkKeeper
from ._operation import Operation

log = structlog.get_logger(__name__)


class Health:
    """Errors by scan group, and the operational state that follows from them (a GroupOwner).

    A device that has answered nothing for `patience()` seconds while its link is up is disabled. An error is told
    once, until it changes. "" stands for the device as a whole in place of a group.
    """

    def __init__(self, path: str, keeper: LinkKeeper, ingest: IngestPort, patience: Callable[[], float]) -> None:
        self.error = ""
        self.status = ""
        self._path = path
        self._keeper = keeper
        self._ingest = ingest
        self._patience = patience
        self._clock: Clock = keeper.link.environment.clock
        self._operation = Operation()
        self._errors: dict[str, str] = {}
        self._faults: set[str] = set()
        self._told: tuple[bool, str] | None = None
        self._last_answer = 0.0
        self.since = self._clock.wall_ns()

    @property
    def state(self) -> OperationalState:
        """The operational state."""
        return self._operation.state

    @property
    def connected(self) -> bool:
        """True while the device is started and its link up."""
        return self._operation.conditions.connected

    def start(self) -> None:
        """The device is started."""
        self._move(started=True)

    def stop(self) -> None:
        """The device is stopped; forget what was wrong."""
        self._forget()
        self._let_go()
        self._move(started=False, connected=False, answering=False, faulty=False)
        self._tell("stopped")

    def link_up(self) -> None:
        """The link is up; no answer yet."""
        self._forget()
        self._last_answer = self._clock.monotonic()
        self._move(connected=True, answering=False, faulty=False)
        self._tell("")

    def link_down(self, error: str) -> None:
        """The link is down or still down."""
        self._forget()
        self._let_go()
        self._move(connected=False, answering=False, faulty=False)
        self._tell(error)

    def greeted(self) -> None:
        """The device is there: what was wrong with it as a whole is over."""
        if self._errors.pop("", None) is not None:
            self._faults.discard("")
            self._tell(next(iter(self._errors.values()), ""))
            self._move(faulty=bool(self._faults))

    def hold(self, state: OperationalState, status: str) -> None:
        """The device says itself that it is in this state, until it says another or its link goes down."""
        self.status = status
        self._move(held=state)

    def answered(self, group: str) -> None:
        """See GroupOwner."""
        self._keeper.answered()
        self._last_answer = self._clock.monotonic()
        if group in self._errors or not self._operation.conditions.answering:
            self._errors.pop(group, None)
            self._faults.discard(group)
            self._tell(next(iter(self._errors.values()), ""))
            self._move(answering=True, faulty=bool(self._faults))

    def unanswered(self, group: str, error: str) -> None:
        """See GroupOwner. Counts for the link too, which is connected anew when it stays silent."""
        if not self.connected:
            return
        self._errors[group] = error
        self._tell(error)
        if self._clock.monotonic() - self._last_answer >= self._patience():
            self._move(answering=False)
        self._keeper.unanswered(error)

    def faulty(self, group: str, error: str) -> None:
        """See GroupOwner."""
        if group and not self.connected:
            return
        if self._errors.get(group) != error:
            log.error("device fault", device=self._path, group=group, error=error)
        self._errors[group] = error
        self._faults.add(group)
        self._tell(error)
        self._move(faulty=True)

    def overdue(self, group: str, seconds: float) -> None:
        """See GroupOwner."""
        if group not in self._errors:
            self._errors[group] = f"scan group {group!r} has had no answer for {seconds:.1f} s"
            self._tell(self._errors[group])

    def _forget(self) -> None:
        self._errors.clear()
        self._faults.clear()

    def _let_go(self) -> None:
        self.status = ""
        self._move(held=OperationalState.ENABLED)

    def _tell(self, error: str) -> None:
        self.error = error
        news = (self._keeper.state is LinkState.UP, error)
        if news != self._told:
            self._told = news
            self._ingest.report_link(self._path, self._keeper.state, error)

    def _move(self, **conditions: bool | OperationalState) -> None:
        for step in self._operation.update(**conditions):
            self.since = self._clock.wall_ns()
            self._ingest.report_state(self._path, step)
