"""What comes one after the other, for the client without async: each step waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

from sereno.model import TagSpec

from ._ports import Subscription
from ._values import Update

if TYPE_CHECKING:
    from ._sync import SyncClient

T = TypeVar("T")


class Stream(Generic[T]):
    """Blocking iterator over what comes asynchronously. Not for several threads at once."""

    def __init__(self, client: SyncClient, source: AsyncIterator[T]) -> None:
        self._client = client
        self._source = source

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        for item in self._client.wait(self._next()):
            return item
        raise StopIteration

    async def _next(self) -> list[T]:
        try:
            return [await anext(self._source)]
        except StopAsyncIteration:
            return []


class SyncSubscription(Stream[Update]):
    """Subscription whose steps block. Close it when done, or use it with `with`."""

    def __init__(self, client: SyncClient, subscription: Subscription) -> None:
        super().__init__(client, aiter(subscription))
        self._subscription = subscription

    @property
    def tags(self) -> tuple[TagSpec, ...]:
        """See Subscription."""
        return self._subscription.tags

    def statistics(self) -> dict[str, int]:
        """See Subscription."""
        return self._subscription.statistics()

    def close(self) -> None:
        """See Subscription; also from another thread than the one that iterates."""
        self._client.wait(self._subscription.close())

    def __enter__(self) -> SyncSubscription:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
