"""Who may ask for what: every request of the native protocol has a line here, or it is refused."""

from __future__ import annotations

from sereno.access.actor import Right
from sereno.access.entries import Entry, EntryTable, Need

MESSAGE = "MESSAGE"
COMMANDS = (Right.WRITE, Right.CALL)

ENTRIES = EntryTable(
    (
        Entry(MESSAGE, "open", Right.READ),
        Entry(MESSAGE, "read", Right.READ),
        Entry(MESSAGE, "subscribe", Right.READ),
        Entry(MESSAGE, "unsubscribe", Right.READ),
        Entry(MESSAGE, "command", (*COMMANDS, Right.READ)),
        Entry(MESSAGE, "tags", Right.READ),
        Entry(MESSAGE, "devices", Right.READ),
        Entry(MESSAGE, "history", Right.HISTORY),
        Entry(MESSAGE, "acks", Need.SIGNED_IN),
        Entry(MESSAGE, "begins", Need.SIGNED_IN),
        Entry(MESSAGE, "locks", Right.READ),
        Entry(MESSAGE, "lock", COMMANDS),
        Entry(MESSAGE, "unlock", (*COMMANDS, Right.CONFIGURE)),
    )
)
