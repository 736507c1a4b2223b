"""Mail by SMTP, encrypted unless it stays on this machine."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from sereno.alarms.notify.roster import local_time
from sereno.alarms.notify.way import Message, WayConfig, plain, secret
from sereno.model import OperationError

LOCAL = ("localhost", "127.0.0.1", "::1")
TIMEOUT = 20.0


class SmtpConfig(WayConfig):
    """A server for outgoing mail. The password comes from a file beside the plant file, or from the environment."""

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)
    user: str = ""
    password_file: str = ""
    password_env: str = ""
    ca_file: str = ""

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if self.security == "none" and self.host not in LOCAL:
            raise ValueError(f'security = "none" to {self.host!r}; only a server on this machine may be without TLS')
        return self


class SmtpWay:
    """Mail to a person's address. A connection for each message: alarms are rare, and servers restart."""

    Config = SmtpConfig
    addressed = True
    attachments = True

    def __init__(self, config: SmtpConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder
        secret(folder, config.password_file, config.password_env)

    async def send(self, message: Message) -> str:
        """See Way."""
        return await asyncio.to_thread(self._send, message)

    def _send(self, message: Message) -> str:
        config = self._config
        try:
            with self._connected() as server:
                if config.user:
                    server.login(config.user, secret(self._folder, config.password_file, config.password_env))
                server.send_message(mail(message, config.sender), config.sender, [message.address])
        except smtplib.SMTPRecipientsRefused as error:
            code, said = error.recipients[message.address]
            raise OperationError(
                f"{config.host} refused {message.address}: {code} {plain(said.decode(errors='replace'))}"
            ) from error
        except smtplib.SMTPException as error:
            raise OperationError(f"{config.host}: {plain(str(error)) or type(error).__name__}") from error
        return f"taken by {config.host}"

    def _connected(self) -> smtplib.SMTP:
        config = self._config
        if config.security == "none":
            return smtplib.SMTP(config.host, config.port, timeout=TIMEOUT)
        context = ssl.create_default_context(cafile=str(self._folder / config.ca_file) if config.ca_file else None)
        if config.security == "tls":
            return smtplib.SMTP_SSL(config.host, config.port, timeout=TIMEOUT, context=context)
        server = smtplib.SMTP(config.host, config.port, timeout=TIMEOUT)
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


def mail(message: Message, sender: str) -> EmailMessage:
    """As mail. Nothing that an alarm says can become a header."""
    made = EmailMessage()
    made["Subject"] = plain(message.subject)[:200]
    made["From"] = sender
    made["To"] = plain(message.address)
    made["Date"] = format_datetime(local_time(message.t, "UTC"))
    made["Message-ID"] = f"<{message.id}@{sender.partition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made["X-Priority"] = str(min(5, message.priority))
    made.set_content(f"{message.text}\n\n{message.link}\n" if message.link else f"{message.text}\n")
    if message.html:
        made.add_alternative(message.html, subtype="html")
    for file in message.attachments:
        kind, _, subtype = file.media.partition("/")
        made.add_attachment(file.data, maintype=kind, subtype=subtype, filename=file.name, params={"charset": "utf-8"})
    return made
