from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.alarms.notify.links import FILE, Links
from sereno.model import DeniedError, OperationError

KEY = bytes(range(32))


def test_a_link_leads_to_its_delivery_until_its_time_is_over() -> None:
    links = Links(KEY)
    token = links.make(17, 1000)
    assert links.read(token, 999) == 17
    with pytest.raises(DeniedError):
        links.read(token, 1000)
    with pytest.raises(DeniedError):
        Links(KEY[::-1]).read(token, 999)


@given(st.text(max_size=100))
def test_any_text_is_no_link(text: str) -> None:
    with pytest.raises(DeniedError):
        Links(KEY).read(text, 0)


@given(st.integers(0, 63), st.integers(0, 63))
def test_a_changed_letter_is_no_link(at: int, shift: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = Links(KEY).make(17, 1000)
    changed = token[:at] + alphabet[(alphabet.index(token[at]) + 1 + shift % 63) % 64] + token[at + 1 :]
    if changed != token:
        with pytest.raises(DeniedError):
            Links(KEY).read(changed, 0)


def test_the_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    one, other = (Links.of_folder(tmp_path / "keys") for _ in range(2))
    assert other.read(one.make(1, 10), 0) == 1
    assert (tmp_path / "keys" / FILE).stat().st_mode & 0o077 == 0
    (tmp_path / "keys" / FILE).write_text("00\n")
    with pytest.raises(OperationError, match="1 bytes"):
        Links.of_folder(tmp_path / "keys")
