"""[site]: what is said of a place once. Settings of classes take their value from it, texts refer to it: {site.KEY}."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from sereno.device import ClassPlan
from sereno.model import Fault

from .faults import Where, nearest, validate
from .located import Key, Located
from .schema import Table

_REFERENCE = re.compile(r"\{site\.([A-Za-z0-9_]*)\}")
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
    """The keys of [site] and where they stand. `asked` are those that something takes, there or not."""

    data: Mapping[str, Any] = field(default_factory=dict)
    where: Where = lambda *_: "[site]"
    asked: set[str] = field(default_factory=lambda: set(SiteTable.model_fields))
    complete: bool = True

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
            Fault(self.where(), f"[site] has no {key!r}, and {label} no {name!r}", fix=f"Add {key} = ... to [site]")
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
        if not self.complete:
            return []
        return [
            Fault(self.where(key), f"unknown key {key!r} in [site]: nothing takes it", fix=nearest(key, self.asked))
            for key in self.data
            if key not in self.asked
        ]

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
            faults.append(Fault(where, f"a reference in {text!r} cannot be read", expected))
        return _REFERENCE.sub(lambda found: self._word(found[1], where, faults), text)

    def _word(self, key: str, where: str, faults: list[Fault]) -> str:
        value = self._value(key, where, faults)
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, int | float | str):
            faults.append(Fault(where, f"{{site.{key}}} within a text is {value!r}", "a number or a text"))
        return str(value)

    def _value(self, key: str, where: str, faults: list[Fault]) -> Any:
        self.asked.add(key)
        if key not in self.data:
            faults.append(Fault(where, f"[site] has no {key!r}", fix=nearest(key, self.data)))
            self.asked.discard(key)
            return 0
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

    validate(SiteTable, {key: data[key] for key in SiteTable.model_fields if key in data}, where, "[site]", faults)
    return SiteFacts(data, where)


def _at(file: Located) -> Where:
    return lambda *key: file.where("site", *key)
