"""The link of a fleet: what it was told and what it said passes here, so that it can be watched."""

from __future__ import annotations

from sereno.device import Environment, Link

from .getting import HttpGetter
from .inventory import InventorySource
from .tags import HttpConfig


class HttpLink(Link):
    """Up as long as the node wants it: members come and go by themselves."""

    def __init__(self, config: HttpConfig, environment: Environment) -> None:
        super().__init__(
            config.url or (f"{len(config.members)} members" if config.members else "an inventory in a database"),
            environment,
        )
        self.pipelines = True
        self.counters = {"sweeps": 0, "asked": 0, "unanswered": 0, "told": 0, "not_taken": 0}
        self.getter: Watched | None = None
        self.inventory = InventorySource(config, environment.clock)

    async def connect(self) -> None:
        """See Link."""
        self.getter = Watched(HttpGetter(self.environment.transports), self)

    async def close(self) -> None:
        """See Link."""
        getter, self.getter = self.getter, None
        if getter is not None:
            await getter.close()
        self.inventory.close()


class Watched:
    """A Getter and Teller whose questions and answers pass the taps of its link."""

    def __init__(self, getter: HttpGetter, link: HttpLink) -> None:
        self._getter = getter
        self._link = link

    async def get(self, url: str, most: int) -> bytes:
        """See Getter."""
        if not self._link.taps:
            return await self._getter.get(url, most)
        self._link.trace("tx", url.encode(), f"GET {url}")
        body = await self._getter.get(url, most)
        self._link.trace("rx", body, f"{url}: {body[:80].decode('ascii', 'replace')}")
        return body

    async def tell(self, method: str, url: str, body: bytes, most: int) -> int:
        """See Teller."""
        if not self._link.taps:
            return await self._getter.tell(method, url, body, most)
        self._link.trace("tx", body or url.encode(), f"{method} {url} {body[:80].decode('ascii', 'replace')}".rstrip())
        status = await self._getter.tell(method, url, body, most)
        self._link.trace("rx", b"", f"{url}: status {status}")
        return status

    async def close(self) -> None:
        """See Getter."""
        await self._getter.close()
