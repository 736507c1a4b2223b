"""Mail to a real server of another make, aiosmtpd."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sereno.alarms.notify.way import Message
from sereno.alarms.notify.ways.smtp import SmtpConfig, SmtpWay, mail
from sereno.app.tls import _generate
from sereno.model import OperationError

MESSAGE = Message(
    id="notice-1-7",
    plant="Works",
    kind="alarms",
    t=10**18,
    subject="Alarm\r\nBcc: all@example.org\u2028 á",
    text="Nivel: 5 µm",
    priority=1,
    person="olga",
    address="olga@example.org",
    link="https://scada.example.org/notice/abc",
)


class Mailbox:
    """A server with what it took."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.port = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("gone@"):
            return "550 nobody here of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append((session, envelope))
        return "250 taken"


@asynccontextmanager
async def mailbox(*, tls: ssl.SSLContext | None = None, **given: Any) -> AsyncIterator[Mailbox]:
    from aiosmtpd.smtp import SMTP

    box, loop = Mailbox(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop, **given), "127.0.0.1", 0, ssl=tls)
    box.port = server.sockets[0].getsockname()[1]
    async with server:
        yield box


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for this machine."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program is not installed")
    folder = tmp_path_factory.mktemp("tls")
    _generate(folder / "cert.pem", folder / "key.pem", ["localhost", "127.0.0.1", "::1", "mail"])
    return folder


@pytest.fixture(autouse=True)
def _server(require_package: Callable[..., Any]) -> None:
    require_package("aiosmtpd", "a real SMTP server")


def context(folder: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return made


def way(folder: Path, box: Mailbox, **given: Any) -> SmtpWay:
    usual = {"host": "127.0.0.1", "port": box.port, "security": "none", "sender": "scada@example.org"}
    return SmtpWay(SmtpConfig(**{**usual, **given}), folder)


async def test_what_arrives(tmp_path: Path) -> None:
    async with mailbox() as box:
        assert await way(tmp_path, box).send(MESSAGE) == "taken by 127.0.0.1"
        ((_, envelope),) = box.taken
    read = message_from_bytes(envelope.content, policy=default)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("scada@example.org", ["olga@example.org"])
    assert read["subject"] == "Alarm Bcc: all@example.org á"
    assert read["bcc"] is None
    assert read["message-id"] == "<notice-1-7@example.org>"
    assert read["auto-submitted"] == "auto-generated"
    assert read.get_content().replace("\r\n", "\n") == "Nivel: 5 µm\n\nhttps://scada.example.org/notice/abc\n"


async def test_a_server_that_does_not_know_the_person(tmp_path: Path) -> None:
    async with mailbox() as box:
        with pytest.raises(OperationError, match=r"refused gone@example\.org: 550 nobody here"):
            await way(tmp_path, box).send(replace(MESSAGE, address="gone@example.org"))
        assert box.taken == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_encrypted_with_a_password_from_a_file(security: str, certified: Path) -> None:
    (certified / "password").write_text("s3cret\n")
    server = context(certified)
    seen = []

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        from aiosmtpd.smtp import AuthResult

        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"s3cret", handled=False)

    given = (
        {"tls_context": server, "require_starttls": True, "auth_required": True}
        if security == "starttls"
        else {"auth_require_tls": False}
    )
    async with mailbox(tls=server if security == "tls" else None, authenticator=check, **given) as box:
        sender = {"security": security, "ca_file": "cert.pem", "user": "scada"}
        await way(certified, box, **sender, password_file="password").send(MESSAGE)
        assert len(box.taken) == 1
        assert set(seen) == {(b"scada", b"s3cret")}
        (certified / "wrong").write_text("guess")
        with pytest.raises(OperationError, match="535"):
            await way(certified, box, **sender, password_file="wrong").send(MESSAGE)


async def test_a_certificate_that_nobody_vouches_for_and_a_server_without_tls(tmp_path: Path, certified: Path) -> None:
    async with mailbox(tls_context=context(certified)) as box:
        with pytest.raises(OSError, match="certificate verify failed"):
            await way(tmp_path, box, security="starttls").send(MESSAGE)
        assert box.taken == []
    async with mailbox() as box:
        with pytest.raises(OperationError, match="STARTTLS"):
            await way(tmp_path, box, security="starttls").send(MESSAGE)
        assert box.taken == []


def test_what_is_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="only a server on this machine"):
        SmtpConfig(host="mail.example.org", sender="a@example.org", security="none")
    config = SmtpConfig(host="mail.example.org", sender="a@example.org", user="a", password_env="MAIL_PASSWORD")
    monkeypatch.delenv("MAIL_PASSWORD", raising=False)
    with pytest.raises(OperationError, match="no MAIL_PASSWORD"):
        SmtpWay(config, tmp_path)
    assert mail(MESSAGE, "a@b.example")["to"] == "olga@example.org"
