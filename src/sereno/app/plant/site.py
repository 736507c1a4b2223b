"""[site]: what is said of a place once. Settings of classes take their value from it, texts refer to it: {site.KEY}."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from pydantic import Field

from sereno.device import ClassPlan
from sereno.model import Fault, Subject

from .causes import Unread, of
from .faults import Where, nearest, validate
from .located import Key, Located
from .schema import Table

_REFERENCE = re.compile(r"\{site\.([A-Za-z0-9_]*)\}")
_SURELY = 0.8
"""How alike two keys are of which one is surely the other misspelt."""
_KEPT = ("plant", "site")
"""Tables that refer to nothing."""


class SiteTable(Table):
    """[site]: these keys mean the same everywhere; further ones are those that devices and texts take."""

    name: str = Field("", max_length=80)
    latitude: float | None = Field(None, ge=-90, le=90, description="Degrees, north positive")
    longitude: float | None = Field(None, ge=-180, le=360, description="Degrees, east positive")
    elevation: float | None = Field(None, ge=-500, le=9000, description="Metres above the sea")


@dataclass(slots=True)
class SiteFacts:
    """The keys of [site] and where they stand. `asked` are those that something takes, there or not.

    `lacking` are those that texts refer to and that are not there, `used` the first that a place refers to.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    where: Where = lambda *_: "[site]"
    asked: set[str] = field(default_factory=lambda: set(SiteTable.model_fields))
    complete: bool = True
    lacking: set[str] = field(default_factory=set)
    used: dict[str, str] = field(default_factory=dict)

    def settings(self, plan: ClassPlan, given: Mapping[str, Any], where: Where) -> tuple[dict[str, Any], Where]:
        """Settings of a device with what the site says in the place of what is not given, and where each stands."""
        self.asked |= set(plan.site.values())
        taken = {name: key for name, key in plan.site.items() if name not in given and key in self.data}

        def at(*path: str | int) -> str:
            key = taken.get(str(path[0])) if path else None
            return where(*path) if key is None else self.where(key, *path[1:])

        return {**given, **{name: self.data[key] for name, key in taken.items()}}, at

    def missing(self, plan: ClassPlan, given: Mapping[str, Any], label: str) -> list[Fault]:
        """What a device must be told and neither its table nor the site says."""
        fields = plan.settings.model_fields
        return [
            Fault(
                self.where(),
                f"[site] has no {key!r}, and {label} no {name!r}",
                fix=f"Add {key} = ... to [site]",
                misses=Subject("setting", key),
            )
            for name, key in plan.site.items()
            if fields[name].is_required() and name not in given
        ]

    def filled(self, file: Located, faults: list[Fault]) -> Located:
        """The file with every {site.KEY} replaced; a text that is nothing else takes the value as it is."""
        if not any(one not in _KEPT for one in file.data):
            return file
        data = {
            name: one if name in _KEPT else self._filled(one, file.where, (name,), faults)
            for name, one in file.data.items()
        }
        return Located(file.path, data, file.lines)

    def filled_row(self, data: dict[str, Any], where: Where, faults: list[Fault]) -> dict[str, Any]:
        """As `filled`, a row of a list of tags."""
        return {key: self._filled(one, where, (key,), faults) for key, one in data.items()}

    def unasked(self) -> list[Fault]:
        """Keys that nothing takes: a word that is misspelt, or one too many."""
        found = [self._unasked(key) for key in self.data if key not in self.asked]
        return found if self.complete else [one for one in found if one.misses is None]

    def _unasked(self, key: str) -> Fault:
        """Misspelt here where a device takes one like it; else texts may have misspelt it."""
        meant = get_close_matches(key, self.asked, n=1, cutoff=_SURELY)
        loses = [Subject(kind, one) for one in meant for kind in ("setting", "reference", "further reference")]
        texts = get_close_matches(key, self.lacking, n=1, cutoff=0.6)
        loses += [Subject("further reference", one) for one in texts]
        found = f"unknown key {key!r} in [site]: nothing takes it"
        misses = None if meant else Subject("asked", key)
        return Fault(self.where(key), found, fix=nearest(key, self.asked), loses=tuple(loses), misses=misses)

    def _lacking(self, key: str, where: str) -> Fault:
        """A reference to what is not there. Further ones are as wrong only if a key that is there may be meant."""
        near = get_close_matches(key, self.data, n=1, cutoff=0.6)
        again, self.lacking = key in self.lacking, {*self.lacking, key}
        loses = [Subject("site", key), *(Subject("asked", one) for one in near)]
        if not near and not again:
            loses.append(Subject("further reference", key))
        fix = nearest(key, self.data) if near else f"Add {key} = ... to [site]"
        misses = Subject("further reference" if again else "reference", key)
        return Fault(where, f"[site] has no {key!r}", fix=fix, loses=tuple(loses), misses=misses)

    def related(self, faults: Sequence[Fault]) -> list[Fault]:
        """The faults, with what of [site] they are of: a value that does not fit is told once, where it stands."""
        places, told, found = {self.where(key): key for key in self.data}, set[str](), list[Fault]()
        for one in faults:
            key = places.get(one.where)
            lost = Subject("site", self.used.get(one.where, "") if key is None else key)
            if key is None:
                found.append(replace(one, misses=one.misses or lost) if lost.name else one)
                continue
            again = Subject("told of the site", key)
            first, told = one.misses is None and key not in told, told | {key}
            misses = one.misses if first or one.misses is not None else again
            found.append(replace(one, loses=(*one.loses, lost, *([again] if first else [])), misses=misses))
        return found

    def _filled(self, value: Any, where: Where, at: Key, faults: list[Fault]) -> Any:
        if isinstance(value, str):
            return self._text(value, where(*at), faults) if "{site." in value else value
        if isinstance(value, list):
            return [self._filled(one, where, (*at, i), faults) for i, one in enumerate(value)]
        if isinstance(value, dict):
            return {key: self._filled(one, where, (*at, key), faults) for key, one in value.items()}
        return value

    def _text(self, text: str, where: str, faults: list[Fault]) -> Any:
        whole = _REFERENCE.fullmatch(text)
        if whole is not None:
            return self._value(whole[1], where, faults)
        if "{site." in _REFERENCE.sub("", text):
            expected = "{site.KEY}, its key of letters, digits and _"
            within = Subject("reference", where)
            faults.append(Fault(where, f"a reference in {text!r} cannot be read", expected, loses=(within,)))
            return Unread(within)
        values = {key: self._value(key, where, faults) for key in dict.fromkeys(_REFERENCE.findall(text))}
        unread = [self._fit(key, value, where, faults) for key, value in values.items()]
        lost = [one for one in unread if one is not None]
        return lost[0] if lost else _REFERENCE.sub(lambda found: _word(values[found[1]]), text)

    def _fit(self, key: str, value: Any, where: str, faults: list[Fault]) -> Unread | None:
        """None if a value can be within a text; else what stands for the whole text."""
        if isinstance(value, Unread):
            return value
        if isinstance(value, int | float | str):
            return None
        within = Subject("reference", where)
        found = f"{{site.{key}}} within a text is {value!r}"
        faults.append(Fault(where, found, "a number or a text", loses=(within,)))
        return Unread(within)

    def _value(self, key: str, where: str, faults: list[Fault]) -> Any:
        self.asked.add(key)
        self.used.setdefault(where, key)
        if key not in self.data:
            self.asked.discard(key)
            faults.append(self._lacking(key, where))
            return Unread(Subject("site", key))
        return self.data[key]


def site_facts(files: Sequence[Located], faults: list[Fault]) -> SiteFacts:
    """The [site] of a plant: of each of its files what it says, every key once."""
    data: dict[str, Any] = {}
    stands: dict[str, Where] = {}
    homes = []
    for file in files:
        table, at = file.data.get("site", {}), _at(file)
        if not isinstance(table, dict):
            faults.append(Fault(at(), "'site' is not a table", "[site]"))
            continue
        homes += [at] if "site" in file.data else []
        faults += [
            Fault(at(key), f"a second {key!r} in [site]", f"one, at {stands[key](key)}")
            for key in stands
            if key in table
        ]
        data |= {key: value for key, value in table.items() if key not in data}
        stands |= {key: at for key in table if key not in stands}
    home = homes[0] if homes else _at(files[0])

    def where(*key: str | int) -> str:
        return stands.get(str(key[0]), home)(*key) if key else home()

    return SiteFacts(_known(data, where, faults), where)


def _known(data: Mapping[str, Any], where: Where, faults: list[Fault]) -> dict[str, Any]:
    """The keys of [site], with those that mean the same everywhere checked; what is wrong is told of here alone."""
    known = dict(data)
    for key in SiteTable.model_fields:
        wrong: list[Fault] = []
        if key in data and validate(SiteTable, {key: data[key]}, where, "[site]", wrong) is None:
            lost = Subject("site", key)
            faults += of(lost, wrong, loses=[lost])
            known[key] = Unread(lost)
    return known


def _word(value: Any) -> str:
    """As it stands within a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _at(file: Located) -> Where:
    return lambda *key: file.where("site", *key)
