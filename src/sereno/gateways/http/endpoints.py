"""Endpoints: which tags stand behind a name, as the plant is now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sereno.client import Client, PlannedPort
from sereno.model import NotFoundError, TagSpec

from .settings import HttpSettings

TAGS, CONNECTIONS = "tags", "connections"
DISCONNECT = "deconnection"
POSSIBLE, OVER_THREE = "multi_possible", "checkplusde3"


class Endpoints:
    """Names of tags and vectors; a tag is served by the last part of its path where no other ends so."""

    def __init__(self, client: Client, live: PlannedPort, settings: HttpSettings) -> None:
        self.settings = settings
        self._client = client
        self._known: dict[str, TagSpec] = {}
        self._short: dict[str, str] = {}
        self._stale = True
        self._forget: Callable[[], None] = live.watch_tags(self._changed)

    def close(self) -> None:
        """Follow the plant no more."""
        self._forget()

    async def paths(self, name: str) -> str | tuple[str, ...] | None:
        """The tag behind a name, or the tags of a vector; None where there is none."""
        await self._renew()
        return self.settings.names.get(name) or (None if name == TAGS else self._short.get(name))

    async def path(self, text: str) -> str:
        """The path of a tag that is named by it, or by a name of its own. Raises NotFoundError."""
        served = await self.tags()
        found = text if text in self._known else self.settings.names.get(text) or self._short.get(text)
        if not isinstance(found, str) or found not in served:
            raise NotFoundError(f"there is no tag {text[:100]!r} here")
        return found

    async def tags(self) -> list[str]:
        """Paths of what is served."""
        await self._renew()
        if not self.settings.only:
            return list(self._known)
        named = self.settings.names.values()
        paths = dict.fromkeys(path for one in named for path in ((one,) if isinstance(one, str) else one))
        return [path for path in paths if path in self._known]

    async def index(self) -> dict[str, list[str]]:
        """What may be asked for, by what it does."""
        await self._renew()
        settings = self.settings
        reads = dict.fromkeys([*settings.names, *self._short, POSSIBLE, OVER_THREE, CONNECTIONS])
        totals = [f"/{name}/{i}" for name, tags in settings.totals.items() for i in range(len(tags))]
        calls = dict.fromkeys([*settings.commands, DISCONNECT])
        return {
            "read": [f"/{name}" for name in reads],
            "write": [f"/{TAGS}/{path}" for path in await self.tags() if self._known[path].access.writable] + totals,
            "call": [f"/{name}" for name in calls],
        }

    async def _renew(self) -> None:
        if not self._stale:
            return
        self._stale = False
        self._known = {spec.path: spec for spec in await self._client.tags()}
        self._short = {}
        if self.settings.only:
            return
        ends = [path.rpartition("/")[2] for path in self._known]
        often = Counter(ends)
        self._short = {end: path for end, path in zip(ends, self._known, strict=True) if often[end] == 1}

    def _changed(self) -> None:
        self._stale = True
