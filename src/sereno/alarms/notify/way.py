"""What a way of telling is: the contract of `sereno.notifiers`, the message it carries, and where secrets come from."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from sereno.model import OperationError

TIMEOUT = 30.0
"""Seconds that one attempt may take, whatever the way."""


class WayConfig(BaseModel):
    """The keys of a way in the plant file; a way adds its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message: its name, its media type and what is in it."""

    name: str
    media: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one person (or one webhook, one horn) is told. `id` is the same when it is sent again, `again` says so then.

    `kind` alarms, storm, digest, ended, test, message (of a job), heartbeat or report; `priority` 1 to 4 of the most
    urgent alarm; `link` leads to the page on which this person acknowledges, "" for none. `html`, "" for none, and
    `attachments` only by ways that say so of themselves.
    """

    id: str
    plant: str
    kind: str
    t: int
    subject: str
    text: str
    priority: int = 4
    person: str = ""
    address: str = ""
    link: str = ""
    again: bool = False
    alarms: tuple[dict[str, Any], ...] = field(default=())
    html: str = ""
    attachments: tuple[Attachment, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For ways that talk to programs."""
        from sereno.client import iso_time

        names = ("id", "plant", "kind", "subject", "text", "priority", "person", "address", "link", "again")
        return {**{name: getattr(self, name) for name in names}, "t": iso_time(self.t), "alarms": list(self.alarms)}


class Way(Protocol):
    """A way of telling, made from its `Config` and the folder of the plant file. `addressed`: it needs an address.

    One that carries files has `attachments = True` besides: reports go by it.
    """

    Config: ClassVar[type[WayConfig]]
    addressed: ClassVar[bool]

    async def send(self, message: Message) -> str:
        """What became of it in words. Raises OperationError, OSError or TimeoutError where it did not get through."""


def secret(folder: Path, file: str, env: str) -> str:
    """What a file beside the plant file or a variable of the environment holds; "" where neither is named.

    Raises OperationError if it is not there.
    """
    if env:
        found = os.environ.get(env)
        if found is None:
            raise OperationError(f"the environment has no {env}, where a secret was expected")
        return found
    if not file:
        return ""
    try:
        return (folder / file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"the secret cannot be read from {file}: {error}") from error


def plain(text: str) -> str:
    """One printable line: what may stand in a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
