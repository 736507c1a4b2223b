"""Who carries reports to people: a port, which the ways of notices fill in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sereno.model import OperationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A report as it is sent. `id` is the same when it is sent again, `again` says so then.

    `files`: name, media type, content.
    """

    id: str
    subject: str
    text: str
    html: str = ""
    files: tuple[tuple[str, str, bytes], ...] = ()
    again: bool = False


class Courier(Protocol):
    """Brings letters to people."""

    def recipients(self, by: tuple[str, ...], to: tuple[str, ...], t: int) -> list[tuple[str, str]]:
        """(way, person) of those who are reached by these ways at `t` ns UTC, by rosters too."""

    async def send(self, way: str, person: str, letter: Letter) -> str:
        """What became of it in words. Raises OperationError where it did not get through."""


class NoCourier:
    """A Courier of a plant without ways of telling."""

    def recipients(self, by: tuple[str, ...], to: tuple[str, ...], t: int) -> list[tuple[str, str]]:
        """All ways, to nobody."""
        del to, t
        return [(way, "") for way in by]

    async def send(self, way: str, person: str, letter: Letter) -> str:
        """Raises OperationError."""
        del person, letter
        raise OperationError(f"there is no way {way!r} yet: [notices] changes with a restart of the node")
