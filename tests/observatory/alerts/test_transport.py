"""Frames and messages of the VOEvent Transport Protocol."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno_observatory.alerts.events import Burst, burst, retraction
from sereno_observatory.alerts.transport import LONGEST, Frames, Message, Role, VOEvent, frame, read, written

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=0xD7FF), max_size=30)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.lists(st.integers(1, 50), min_size=1, max_size=9))
def test_documents_come_out_as_they_went_in_however_they_are_cut(documents: list[bytes], cuts: list[int]) -> None:
    wire, frames, found, at = b"".join(map(frame, documents)), Frames(), list[bytes](), 0
    while at < len(wire):
        size = cuts[at % len(cuts)]
        found += frames.feed(wire[at : at + size])
        at += size
    assert found == documents


@pytest.mark.parametrize("length", [0, LONGEST + 1, 2**32 - 1])
def test_a_frame_of_no_sensible_length(length: int) -> None:
    with pytest.raises(ValueError, match=f"a frame of {length} bytes"):
        list(Frames().feed(length.to_bytes(4, "big")))


@given(st.sampled_from(Role), WORDS, WORDS, WORDS)
def test_messages_there_and_back(role: Role, origin: str, response: str, result: str) -> None:
    message = Message(role, origin.strip(), response.strip(), "2026-11-28T22:00:00.000", result.strip())
    assert read(written(message)) == message


@given(st.binary(max_size=200))
def test_anything_else_is_said_to_be_wrong(data: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(read(data), Message | VOEvent)


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (b"<a/>", "<a>; expected a VOEvent"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type"),
        (b'<VOEvent xmlns="http://www.ivoa.net/xml/VOEvent/v2.0"/>', "without ivorn"),
        (written(Message(Role.ACK, "x")).replace(b'"ack"', b'"hello"'), "role 'hello'; expected one of iamalive"),
    ],
)
def test_what_is_wrong_with_a_document(document: bytes, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        read(document)


def test_what_an_independent_subscriber_writes() -> None:
    document = (
        b"<?xml version='1.0' encoding='UTF-8'?><trn:Transport role=\"ack\" version=\"1.0\" "
        b'xmlns:trn="http://telescope-networks.org/schema/Transport/v1.1"><Origin>ivo://a#1</Origin>'
        b"<Response>ivo://me</Response><TimeStamp>2026-11-28T22:00:00</TimeStamp></trn:Transport>"
    )
    assert read(document) == Message(Role.ACK, "ivo://a#1", "ivo://me", "2026-11-28T22:00:00")


def test_events_and_messages_are_valid_by_schema(require_package: Callable[[str, str], ModuleType]) -> None:
    comet = require_package("comet", "comet")
    etree = require_package("lxml.etree", "lxml")
    folder = Path(comet.__path__[0]) / "schema"
    events, messages = (
        etree.XMLSchema(etree.parse(str(folder / name))) for name in ("VOEvent-v2.0.xsd", "transport-1.1.xsd")
    )
    alert = burst(Burst(ra=10.5, dec=-20.25, error=3.0), 1_700_000_000_123_000_000, 7)
    for event in (alert, burst(Burst(), 1, 2, test=True), retraction(alert.ivorn, 2, 3)):
        events.assertValid(etree.fromstring(event.document))
    assert not events.validate(etree.fromstring(alert.document.replace(b"Error2Radius", b"Error")))
    for role in (Role.ALIVE, Role.ACK, Role.NAK, Role.AUTHENTICATE):
        messages.assertValid(
            etree.fromstring(written(Message(role, "ivo://a", "ivo://b", "2026-11-28T22:00:00", "no")))
        )
    assert alert.ivorn == "ivo://sereno.simulated/alerts#burst-2023-11-14T22:13:20.123-7"
