"""What may be done to the history by command: `sereno/history` takes commands as a device does, all audited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sereno.client import parse_time
from sereno.model import NotFoundError, RefusedError

if TYPE_CHECKING:
    from sereno.historian.historian import Historian

HISTORY = "sereno/history"


class HistoryActs:
    """A CommandHandler with one command: delete(tags, from, to), the times as parse_time takes them."""

    def __init__(self, historian: Historian) -> None:
        self._historian = historian

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:  # noqa: ARG002 - the port's
        """See CommandHandler."""
        raise RefusedError(f"{path} is no tag")

    async def call(
        self,
        name: str,
        arguments: tuple[Any, ...],
        *,
        deadline: float | None = None,  # noqa: ARG002 - the port's
    ) -> Any:
        """See CommandHandler. The number of samples that were deleted."""
        if name != "delete":
            raise NotFoundError(f"{HISTORY} has no command {name!r}, expected delete")
        if len(arguments) != 3 or not all(isinstance(argument, str) for argument in arguments):
            raise RefusedError(f"delete takes a glob of tags and two times, found {arguments!r}")
        tags, start, end = arguments
        try:
            since, until = parse_time(start), parse_time(end)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        try:
            return await self._historian.delete(tags, since, until)
        except NotFoundError as error:
            raise RefusedError(str(error)) from None
