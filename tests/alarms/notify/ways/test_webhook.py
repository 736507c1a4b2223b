from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sereno.alarms.notify.way import Message
from sereno.alarms.notify.ways.webhook import WebhookConfig, WebhookWay, check_url, permitted_address
from sereno.model import OperationError

MESSAGE = Message(id="notice-1-1", plant="Works", kind="alarms", t=10**18, subject="Alarm", text="A", person="olga")


class Sink:
    """An HTTP server that keeps what it was asked and answers what it is told."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append((first, headers, body))
        writer.write(self.answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    server = await asyncio.start_server(made.take, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?a=1"
    async with server:
        yield made


def way(folder: Path, **given: Any) -> WebhookWay:
    return WebhookWay(WebhookConfig(**given), folder)


async def test_a_post_with_the_message_and_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    async with sink() as server:
        said = await way(tmp_path, url=server.url, token_file="token").send(MESSAGE)
        assert said == "127.0.0.1 answered 204"
        ((first, headers, body),) = server.asked
        assert first == "POST /hook?a=1 HTTP/1.1"
        assert headers["authorization"] == "Bearer s3cret"
        assert headers["host"] == server.url.split("/")[2]
        assert json.loads(body)["id"] == "notice-1-1"
        await way(tmp_path, url=server.url, method="GET").send(MESSAGE)
        assert server.asked[1][0] == "GET /hook?a=1 HTTP/1.1"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 404, 500])
async def test_redirects_and_refusals_are_failures_and_not_followed(tmp_path: Path, status: int) -> None:
    async with sink() as server, sink() as elsewhere:
        head = f"HTTP/1.1 {status} X\r\nlocation: {elsewhere.url}\r\n"
        server.answer = f"{head}connection: close\r\ncontent-length: 0\r\n\r\n".encode()
        with pytest.raises(OperationError, match=f"answered {status}"):
            await way(tmp_path, url=server.url).send(MESSAGE)
        assert elsewhere.asked == []


async def test_an_endless_answer_and_no_answer(tmp_path: Path) -> None:
    async with sink() as server:
        server.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"x" * 100000
        with pytest.raises(OperationError, match="more than"):
            await way(tmp_path, url=server.url).send(MESSAGE)
        server.answer = b""
        with pytest.raises(OperationError):
            await way(tmp_path, url=server.url).send(MESSAGE)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/", "ftp://127.0.0.1/", "file:///etc/passwd", "//127.0.0.1/", "https://u:p@h.example/",
        "https://h.example/#x", "https:///x", "https://2130706433/", "https://0x7f000001/", "https://127.1/",
        "https://169.254.169.254/", "https://0.0.0.0/", "https://[fe80::1]/", "https://224.0.0.1/", "https://h.example:0/",
        "https://h.example:99999/", "https://h.exa mple/", "https://h\\@x/", "https://[::ffff:169.254.169.254]/",
    ],
)  # fmt: skip
def test_addresses_that_are_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_url(url, ())
    with pytest.raises(ValidationError):
        WebhookConfig(url=url)


def test_addresses_that_may_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("https://hooks.example.org/a", "http://localhost:8080/", "http://[::1]:1/", "https://10.0.0.7/"):
        check_url(url, ())
    with pytest.raises(ValidationError, match="add hosts"):
        WebhookConfig(url_env="HOOK")
    with pytest.raises(ValidationError, match="exactly one"):
        WebhookConfig(url="https://a.example/", url_env="HOOK")
    monkeypatch.setenv("HOOK", "https://evil.example/")
    with pytest.raises(OperationError, match="not among the hosts"):
        way(tmp_path, url_env="HOOK", hosts=["good.example"])


@pytest.mark.parametrize(
    ("address", "private", "taken"),
    [
        ("93.184.216.34", False, True),
        ("10.0.0.7", False, False),
        ("10.0.0.7", True, True),
        ("127.0.0.1", True, False),
        ("169.254.169.254", True, False),
        ("0.0.0.0", True, False),
        ("::ffff:127.0.0.1", True, False),
        ("fd00::1", True, True),
        ("::1", True, False),
    ],
)
async def test_what_a_name_means_is_looked_at(
    address: str, private: bool, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def said(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", said, raising=False)
    if taken:
        assert str(await permitted_address("hooks.example.org", 443, private=private)) == address
    else:
        with pytest.raises(OperationError, match="no address that may be asked"):
            await permitted_address("hooks.example.org", 443, private=private)
