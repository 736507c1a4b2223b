"""What a plant declares of notices, whole: people, rosters, ways, pipelines, heartbeats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .heartbeat import HeartbeatSpec
from .pipeline import PipelineSpec, Recipient, StepSpec
from .roster import Roster, RosterChange
from .way import Way, WayConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredWay:
    """A way by its name, and what it was made from: two of the same are the same."""

    name: str
    kind: str
    way: Way = field(repr=False, compare=False)
    config: WayConfig | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePlan:
    """`people`: addresses by way. `url`: how people reach the pages, "" = as the node knows itself; `keep` in days."""

    plant: str = ""
    timezone: str = "UTC"
    language: str = "en"
    url: str = ""
    keep: float = 365.0
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    rosters: Mapping[str, Roster] = field(default_factory=dict)
    ways: Mapping[str, DeclaredWay] = field(default_factory=dict)
    pipelines: tuple[PipelineSpec, ...] = ()
    heartbeats: tuple[HeartbeatSpec, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ways)

    def recipients(self, step: StepSpec, t: int, changes: Iterable[RosterChange] = ()) -> tuple[Recipient, ...]:
        """Whom a step reaches at `t` ns UTC: a way that needs no address once, where nobody has one for it."""
        people = list(dict.fromkeys(self._people(step.to, t, tuple(changes))))
        found: list[Recipient] = []
        for name in step.by:
            with_address = [Recipient(person, name) for person in people if name in self.people.get(person, ())]
            if not with_address and not self.ways[name].way.addressed:
                with_address = [Recipient("", name)]
            found += with_address
        return tuple(found)

    def _people(self, names: Iterable[str], t: int, changes: tuple[RosterChange, ...]) -> Iterator[str]:
        for name in names:
            if name in self.rosters:
                yield from self.rosters[name].on_duty(t, changes)
            else:
                yield name
