"""A FactStore in Redis: a hash for each kind, a list of changes, written in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from .device_facts import Fact, FactChange, FactKind, as_text, as_value
from .errors import StoreError

PREFIX = "sereno:devices"
KEPT = 10_000
"""Changes that are kept."""


class RedisFacts:
    """A FactStore at a redis:// or rediss:// URL. Needs the extra `redis`."""

    def __init__(self, url: str, prefix: str = PREFIX) -> None:
        try:
            import redis.asyncio
            from redis.exceptions import RedisError
        except ImportError:
            raise StoreError("a device database in Redis needs the extra: pip install 'sereno[redis]'") from None
        self._redis: Any = redis.asyncio.Redis.from_url(url, decode_responses=True)
        self._error = RedisError
        self._prefix = prefix

    async def read(self, kind: FactKind, owner: str | None = None) -> list[Fact]:
        """See FactStore."""
        try:
            found = await self._redis.hgetall(f"{self._prefix}:{kind}")
        except (self._error, OSError) as error:
            raise self._failed(error) from error
        facts = [_fact(kind, key, text) for key, text in found.items()]
        return sorted((f for f in facts if owner in (None, f.owner)), key=lambda f: (f.owner, f.name))

    async def write(self, facts: Sequence[Fact], actor: str, t: int) -> None:
        """See FactStore. Begun again while somebody else changes the same hashes."""
        from redis.exceptions import WatchError

        names = sorted({f"{self._prefix}:{fact.kind}" for fact in facts})
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                while True:
                    try:
                        await pipe.watch(*names)
                        await self._fill(pipe, facts, actor, t)
                        await pipe.execute()
                    except WatchError:
                        continue
                    return
        except (self._error, OSError) as error:
            raise self._failed(error) from error

    async def history(self, owner: str | None = None, limit: int = 100) -> list[FactChange]:
        """See FactStore."""
        try:
            lines = await self._redis.lrange(f"{self._prefix}:changes", 0, -1)
        except (self._error, OSError) as error:
            raise self._failed(error) from error
        changes = [FactChange(c[0], c[1], FactKind(c[2]), *c[3:]) for c in map(msgspec.json.decode, lines)]
        return [change for change in changes if owner in (None, change.owner)][:limit]

    async def pause(self) -> None:
        """See FactStore."""
        await self._redis.connection_pool.disconnect()

    async def close(self) -> None:
        """See FactStore."""
        await self._redis.aclose()

    async def _fill(self, pipe: Any, facts: Sequence[Fact], actor: str, t: int) -> None:
        before = [await pipe.hget(f"{self._prefix}:{f.kind}", f"{f.owner} {f.name}") or "" for f in facts]
        pipe.multi()
        for fact, old in zip(facts, before, strict=True):
            key, field, new = f"{self._prefix}:{fact.kind}", f"{fact.owner} {fact.name}", as_text(fact.value)
            if new == old:
                continue
            if new:
                pipe.hset(key, field, new)
            else:
                pipe.hdel(key, field)
            if fact.kind is not FactKind.MEMORY:
                change = [t, actor, fact.kind.value, fact.owner, fact.name, as_value(old), fact.value]
                pipe.lpush(f"{self._prefix}:changes", msgspec.json.encode(change).decode())
        pipe.ltrim(f"{self._prefix}:changes", 0, KEPT - 1)

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(f"device database in Redis: {error}")


def _fact(kind: FactKind, key: str, text: str) -> Fact:
    owner, _, name = key.rpartition(" ")
    return Fact(kind, owner, name, as_value(text))
