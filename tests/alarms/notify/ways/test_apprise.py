from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sereno.alarms.notify.way import Message
from sereno.alarms.notify.ways.apprise import AppriseConfig, AppriseWay
from sereno.model import OperationError
from tests.alarms.notify.ways.test_webhook import sink

MESSAGE = Message(id="1", plant="Works", kind="alarms", t=10**18, subject="Alarm", text="A", link="https://x/notice/t")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of apprise's own imports
async def test_by_an_address_of_apprise(tmp_path: Path, require_package: Callable[[str, str], Any]) -> None:
    require_package("apprise", "its addresses")
    async with sink() as server:
        server.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        (tmp_path / "addresses").write_text(server.url.replace("http:", "json:").partition("?")[0])
        way = AppriseWay(AppriseConfig(url_file="addresses"), tmp_path)
        assert await way.send(MESSAGE) == "taken by 1 of apprise"
        assert b"https://x/notice/t" in server.asked[0][2]
        server.answer = b"HTTP/1.1 500 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        with pytest.raises(OperationError, match="could not reach"):
            await way.send(MESSAGE)
        (tmp_path / "addresses").write_text("nothing://")
        with pytest.raises(OperationError, match="address 1"):
            await way.send(MESSAGE)


def test_addresses_are_secrets(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        AppriseConfig()
    with pytest.raises(OperationError, match="cannot be read"):
        AppriseWay(AppriseConfig(url_file="none"), tmp_path)
