"""The default-deny entry table: everything that can be asked for has an entry, what has none is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from .actor import Actor, Right


class Need(StrEnum):
    """What an entry asks for short of a right."""

    OPEN = "open"
    SIGNED_IN = "signed_in"


@dataclass(frozen=True, slots=True)
class Entry:
    """One way in. `kind` is an HTTP method, "WS" (handshake) or "MESSAGE"; `path` as the router writes it.

    Of several rights in `need` one is enough.
    `subject` names the path parameter that the right is about; "" = the right somewhere, the callee decides where.
    """

    kind: str
    path: str
    need: Need | Right | tuple[Right, ...]
    subject: str = ""

    def admits(self, actor: Actor | None, subject: str = "") -> bool:
        """True if `actor` (None = not signed in) may come in, asking about the path `subject`."""
        if self.need is Need.OPEN:
            return True
        if actor is None:
            return False
        if self.need is Need.SIGNED_IN:
            return True
        return any(actor.may(r, subject) if self.subject else actor.may_somewhere(r) for r in self.rights)

    @property
    def rights(self) -> tuple[Right, ...]:
        """The rights of which one is needed; empty where none is."""
        if isinstance(self.need, Need):
            return ()
        return self.need if isinstance(self.need, tuple) else (self.need,)


class EntryTable:
    """Entries by (kind, path). Raises ValueError when built with two of the same."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        for entry in entries:
            if (entry.kind, entry.path) in self._entries:
                raise ValueError(f"two entries for {entry.kind} {entry.path}")
            self._entries[entry.kind, entry.path] = entry

    def find(self, kind: str, path: str) -> Entry | None:
        """The entry, or None: refuse."""
        return self._entries.get((kind, path))

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)
