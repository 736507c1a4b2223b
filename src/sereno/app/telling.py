"""Joins notices and logbook with the rooms that they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sereno.access.accounts import Accounts
from sereno.alarms.alarms import Alarms
from sereno.alarms.logbook import Logbook
from sereno.alarms.notify.desk import NoticeDesk
from sereno.alarms.notify.links import Links
from sereno.alarms.notify.notifier import Notifier
from sereno.alarms.notify.plan import NoticePlan
from sereno.client import NoNotices, NoticePort
from sereno.hub.hub import Hub
from sereno.hub.overrides import Overrides
from sereno.model import Clock
from sereno.store.engine import Store
from sereno.store.logbook import LogbookStore
from sereno.store.notices import NoticeStore

from .datafolder import DataFolder


@dataclass(frozen=True, slots=True)
class Telling:
    """`notifier` None where the plant declares no notices."""

    notifier: Notifier | None
    notices: NoticePort
    logbook: Logbook

    def know(self) -> None:
        """Other alarms have been declared."""
        self.logbook.know()
        if self.notifier:
            self.notifier.know()

    def problem(self) -> str:
        """What keeps notices from reaching people; empty if nothing does."""
        return self.notifier.problem if self.notifier else ""

    def figures(self) -> Mapping[str, float]:
        """Counters since the start."""
        return self.notifier.statistics() if self.notifier else {}


def join_telling(
    plan: NoticePlan,
    rooms: tuple[Alarms, Hub, Overrides],
    accounts: Accounts,
    *,
    store: Store,
    folder: DataFolder,
    clock: Clock,
) -> Telling:
    """The notifier for a plan, where it has ways, and the logbook. Raises OperationError for a damaged key."""
    alarms, hub, overrides = rooms
    logbook = Logbook(LogbookStore(store), alarms, hub, overrides, clock)
    if not plan:
        return Telling(None, NoNotices(), logbook)
    links = Links.of_folder(folder.keys)
    notifier = Notifier(plan, alarms, NoticeStore(store), clock, links=links, renew=accounts.again)
    return Telling(notifier, NoticeDesk(notifier, alarms, clock, accounts.audit), logbook)
