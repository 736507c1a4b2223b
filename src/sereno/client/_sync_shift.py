"""Logbook and notices for the client without async."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._logbook import LogEntry, LogQuery
from ._notices import DutyTime, RosterSwap, SentNotice

if TYPE_CHECKING:
    from ._client import Client
    from ._sync import SyncClient


class SyncLogbook:
    """A LogbookPort whose calls block; the client's own actor reads and writes. Raises what the port raises."""

    def __init__(self, sync: SyncClient, client: Client) -> None:
        self._sync = sync
        self._client = client

    def entries(self, query: LogQuery | None = None) -> list[LogEntry]:
        """See LogbookPort; without a query the newest 100."""
        return self._sync.wait(self._client.logbook.entries(query or LogQuery(), self._client.actor))

    def write(self, text: str, *, subject: str = "") -> LogEntry:
        """See LogbookPort."""
        return self._sync.wait(self._client.logbook.write(text, self._client.actor, subject=subject))

    def correct(self, entry: int, text: str) -> LogEntry:
        """See LogbookPort."""
        return self._sync.wait(self._client.logbook.correct(entry, text, self._client.actor))

    def hand_over(self, text: str) -> LogEntry:
        """See LogbookPort."""
        return self._sync.wait(self._client.logbook.hand_over(text, self._client.actor))

    def take_over(self, entry: int, text: str) -> LogEntry:
        """See LogbookPort."""
        return self._sync.wait(self._client.logbook.take_over(entry, text, self._client.actor))


class SyncNotices:
    """A NoticePort whose calls block; the client's own actor asks. Raises what the port raises.

    Links are for browsers, and messages of jobs (`tell`) for jobs: they are not here.
    """

    def __init__(self, sync: SyncClient, client: Client) -> None:
        self._sync = sync
        self._client = client

    def overview(self) -> dict[str, Any]:
        """See NoticePort."""
        return self._sync.wait(self._client.notices.overview(self._client.actor))

    def sent(self, *, limit: int = 100, before: int | None = None) -> list[SentNotice]:
        """See NoticePort."""
        return self._sync.wait(self._client.notices.sent(self._client.actor, limit=limit, before=before))

    def duty(self, start: int, end: int) -> list[DutyTime]:
        """See NoticePort."""
        return self._sync.wait(self._client.notices.duty(self._client.actor, start, end))

    def test(self, way: str, person: str) -> str:
        """See NoticePort."""
        return self._sync.wait(self._client.notices.test(way, person, self._client.actor))

    def swap(self, swap: RosterSwap) -> int:
        """See NoticePort."""
        return self._sync.wait(self._client.notices.swap(swap, self._client.actor))
