"""Everything that apprise knows, with the extra `notify`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Self

from pydantic import model_validator

from sereno.alarms.notify.way import Message, WayConfig, secret
from sereno.model import OperationError

EXTRA = "pip install 'sereno[notify]'"


class AppriseConfig(WayConfig):
    """A file beside the plant file, or a variable of the environment, with one apprise address a line."""

    url_file: str = ""
    url_env: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.url_file) is bool(self.url_env):
            raise ValueError("expected url_file or url_env: addresses of apprise hold secrets")
        return self


class AppriseWay:
    """Hands the message to apprise, in a thread."""

    Config = AppriseConfig
    addressed = False

    def __init__(self, config: AppriseConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder
        secret(folder, config.url_file, config.url_env)

    async def send(self, message: Message) -> str:
        """See Way."""
        return await asyncio.to_thread(self._send, message)

    def _send(self, message: Message) -> str:
        try:
            import apprise
        except ImportError:
            raise OperationError(f"the package apprise is not installed: {EXTRA}") from None
        sender = apprise.Apprise()
        for number, line in enumerate(secret(self._folder, self._config.url_file, self._config.url_env).split(), 1):
            if not sender.add(line):
                raise OperationError(f"address {number} of apprise is none that it knows")
        text = f"{message.text}\n\n{message.link}" if message.link else message.text
        if not sender.notify(title=message.subject, body=text):
            raise OperationError("apprise could not reach all of its addresses")
        return f"taken by {len(sender)} of apprise"
