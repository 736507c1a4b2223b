"""Levels of users: how high a priority their sequences may have, and how long they may observe in a night. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sereno.client import Asker
from sereno.model import RefusedError, parse_duration

from .model import READOUT, Entry, Image, longest
from .model import Sequence as Asked

CONSOLE = "console"
"""Who asks a book that is served alone: nobody knows who that is."""
_DAY_NS = 86_400 * 10**9


def _seconds(value: Any) -> float:
    return parse_duration(value)


class Level(BaseModel):
    """A level of the site file: [[site.level]]. Without users and roles it is everybody's who has no other.

    `priority`: the highest of its sequences; `quota`: seconds of exposures and readouts in `nights` nights;
    None: as they like. `override`: they may add in the name of others, and then no limit holds; they may cancel what
    others asked for, and act as the observer does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=80)
    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    priority: int | None = None
    quota: Annotated[float, BeforeValidator(_seconds), Field(gt=0)] | None = None
    nights: int = Field(1, ge=1, le=366)
    override: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of exposures and readouts of an account: taken in the present period, and asked for and still missing."""

    account: str
    taken: float
    waiting: float


class Levels:
    """The levels of a site, in their order: the first that names a person counts, else the first of their roles."""

    def __init__(self, levels: Sequence[Level]) -> None:
        self.all = tuple(levels)

    def of(self, asker: Asker) -> Level | None:
        """The level of who asks, None for one who has none. Without levels everybody may all."""
        if not self.all:
            return Level(name="all", override=True)
        known = asker.name != CONSOLE
        named = (one for one in self.all if known and asker.person in one.users)
        by_role = (one for one in self.all if known and set(one.roles) & set(asker.roles))
        rest = (one for one in self.all if not one.users and not one.roles)
        return next((found for group in (named, by_role, rest) for found in group), None)

    def last(self, account: str, name: str) -> Level:
        """The level by which an account asked last, or that names it; one without limits where there is none."""
        known = (one for one in self.all if one.name == name)
        named = (one for one in self.all if not name and account in one.users)
        return next((found for group in (known, named) for found in group), Level(name=name or "unknown"))

    def account(self, asker: Asker, observer: str) -> tuple[str, Level | None]:
        """In whose name something is asked, and the level that holds for it, None where none does.

        Raises RefusedError for one without a level, and for one who may not speak for others.
        """
        own = self.of(asker)
        if own is None:
            raise RefusedError(f"{asker.person or 'somebody'} has no level at this site; the levels are {self._names}")
        if observer and observer != asker.person:
            if not own.override:
                raise RefusedError(f"{asker.person} ({own.name}) may not ask in the name of {observer}")
            return observer, None
        return asker.person, own

    def check_cancel(self, asker: Asker, account: str) -> None:
        """Raises RefusedError unless who asks may cancel what an account asked for ("" = it is not known who)."""
        if not (self._trusts(asker) or (account and account == asker.person)):
            theirs = f"what {account} asked for" if account else "what nobody's account asked for"
            raise RefusedError(f"{self._described(asker)} may not cancel {theirs}, only their own")

    def check_execute(self, asker: Asker, what: str) -> None:
        """Raises RefusedError unless who asks may say how a sequence fares: the observer, and who overrides."""
        if not self._trusts(asker):
            raise RefusedError(f"{self._described(asker)} may not {what} a sequence; that is for the observer")

    def _trusts(self, asker: Asker) -> bool:
        """Who overrides, and agents of the site: those that no level names as a user."""
        own = self.of(asker)
        named = any(asker.person in one.users for one in self.all)
        return (own is not None and own.override) or (asker.kind == "agent" and not named)

    def _described(self, asker: Asker) -> str:
        own = self.of(asker)
        return f"{asker.person or 'somebody'} ({'no level' if own is None else own.name})"

    @property
    def _names(self) -> str:
        return ", ".join(one.name for one in self.all)


def check_priorities(level: Level, account: str, asked: Iterable[Asked]) -> None:
    """Raises RefusedError for a sequence that is more urgent than its author's level allows."""
    for one in asked:
        if level.priority is not None and one.priority > level.priority:
            found = f"{one.name!r} has priority {one.priority}; that of {account} ({level.name}) is at most"
            raise RefusedError(f"{found} {level.priority}")


def check_quota(level: Level, usage: Usage, asked: Iterable[Asked], *, sky: bool = True) -> None:
    """Raises RefusedError where so much of what needs the sky, or does not, would be more than the quota."""
    more = sum(one.occupies for one in asked if one.needs_sky is sky)
    if level.quota is None or not more or usage.taken + usage.waiting + more <= level.quota:
        return
    period = "a night" if level.nights == 1 else f"in {level.nights} nights"
    kind = "exposure" if sky else "exposure without sky"
    used = f"{usage.account} ({level.name}) has {level.quota:.0f} s of {kind} {period}: {usage.taken:.0f} s are taken"
    raise RefusedError(f"{used} and {usage.waiting:.0f} s wait; these would be {more:.0f} s more")


def period_start(t_ns: int, longitude: float, nights: int) -> int:
    """When the present period began, ns UTC: at noon of local mean time, `nights` - 1 days before the last one."""
    shift = round(longitude * 240e9)
    noon = (t_ns + shift - _DAY_NS // 2) // _DAY_NS * _DAY_NS + _DAY_NS // 2 - shift
    return noon - (nights - 1) * _DAY_NS


def usage_of(account: str, entries: Iterable[Entry], since: int, *, sky: bool = True) -> Usage:
    """What those sequences of an account come to that need the sky, or those that do not."""
    taken = waiting = 0.0
    for one in entries:
        if one.sequence.needs_sky is not sky:
            continue
        taken += longest((image.slot.album, image.seconds + READOUT) for image in _since(one.images, since))
        if not one.status.final:
            waiting += one.still_occupies
    return Usage(account, taken, waiting)


def _since(images: Iterable[Image], since: int) -> Iterable[Image]:
    return (image for image in images if image.t_start >= since)
