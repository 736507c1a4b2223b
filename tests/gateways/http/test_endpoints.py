"""Names of endpoints: how they are found."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sereno.gateways.http.endpoints import Endpoints
from sereno.gateways.http.settings import HttpSettings


class End(str):
    """The last part of a path; counts how often one is compared with another."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        End.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


class Path(str):
    """A path whose last part is counted."""

    def rpartition(self, sep: str) -> Any:
        head, found, end = super().rpartition(sep)
        return head, found, End(end)


class Plant:
    """Of 300 devices with a tag of the same name, and one of another."""

    paths = (*(f"plc{i}/level" for i in range(300)), "plc/one")

    async def tags(self) -> list[Any]:
        return [SimpleNamespace(path=Path(path)) for path in self.paths]

    def watch_tags(self, changed: object) -> object:
        return lambda: changed


async def test_what_many_tags_cost_does_not_grow_with_their_square() -> None:
    plant: Any = Plant()
    endpoints = Endpoints(plant, plant, HttpSettings())
    assert (await endpoints.paths("one"), await endpoints.paths("level")) == ("plc/one", None)
    assert End.compared < 10 * len(plant.paths)
