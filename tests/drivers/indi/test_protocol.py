"""INDI's XML: however it is cut it is the same, and what is none is told."""

from __future__ import annotations

import base64
import zlib
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.indi import protocol
from sereno.drivers.indi.protocol import Address, Blob, Decoder, Message, ask, change, number

SAID = (
    b'<defNumberVector device="T" name="COORD" label="Where" state="Idle" perm="rw" timeout="60">\n'
    b'  <defNumber name="RA" label="RA (hh:mm:ss)" format="%010.6m" min="0" max="24" step="0.5">\n 12:30:36\n'
    b"</defNumber>\n"
    b'  <defNumber name="DEC" min="-90" max="90" step="0">-0:30</defNumber></defNumberVector>\n'
    b'<setSwitchVector device="T" name="PARK" state="Busy" message="going &lt;home&gt;">'
    b'<oneSwitch name="PARK">\nOn\n</oneSwitch><oneSwitch name="UNPARK">Off</oneSwitch></setSwitchVector>'
    b'<message device="T" message="hello"/><delProperty device="T" name="PARK"/>'
    b'<newFancyVector device="T"><oneFancy name="x">1</oneFancy></newFancyVector>'
    b'<setBLOBVector device="T" name="CCD1" state="Ok">'
    b'<oneBLOB name="CCD1" size="3" format=".fits">YWJj\n</oneBLOB></setBLOBVector>'
)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"))


def whole(data: bytes) -> list[Message]:
    return Decoder().feed(data)


def test_what_a_server_says() -> None:
    coord, park, message, gone, image = whole(SAID)
    assert (coord.verb, coord.type, coord.device, coord.name, coord.state) == ("def", "number", "T", "COORD", "Idle")
    ra, dec = coord.members["RA"], coord.members["DEC"]
    assert (ra.value, ra.label, ra.low, ra.high, ra.step) == (12.51, "RA (hh:mm:ss)", 0, 24, 0.5)
    assert dec.value == -0.5
    assert (park.verb, park.state, park.text) == ("set", "Busy", "going <home>")
    assert {name: one.value for name, one in park.members.items()} == {"PARK": True, "UNPARK": False}
    assert (message.verb, message.text) == ("message", "hello")
    assert (gone.verb, gone.name) == ("del", "PARK")
    blob = image.members["CCD1"].value
    assert isinstance(blob, Blob)
    assert (blob.data(), blob.format) == (b"abc", ".fits")


@given(st.lists(st.integers(0, len(SAID)), max_size=12))
def test_however_it_is_cut_it_is_the_same(cuts: list[int]) -> None:
    decoder, found = Decoder(), []
    for low, high in zip([0, *sorted(cuts)], [*sorted(cuts), len(SAID)], strict=True):
        found += decoder.feed(SAID[low:high])
    assert found == whole(SAID)


@given(st.binary(max_size=200))
def test_what_is_no_indi_raises_one_kind_of_error(data: bytes) -> None:
    decoder = Decoder()
    try:
        decoder.feed(data)
        decoder.feed(b"</indi>")
    except ValueError:
        return


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request & so on\r\n",
        b'<!DOCTYPE x [<!ENTITY a "b">]>',
        b'<setTextVector device="T" name="A"><oneText name="x"><b/></oneText></setTextVector>',
    ],
)
def test_what_never_is_indi(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no INDI|expected a value"):
        whole(data)


def test_what_is_too_large_is_refused_while_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_TEXT", 50)
    monkeypatch.setattr(protocol, "MOST_BLOB", 100)
    for kind, most in (("Text", 50), ("BLOB", 100)):
        head = f'<set{kind}Vector device="T" name="A"><one{kind} name="x">'.encode()
        Decoder().feed(head + b"a" * most)
        with pytest.raises(ValueError, match="more than"):
            Decoder().feed(head + b"a" * (most + 1))
    with pytest.raises(ValueError, match="attribute"):
        Decoder().feed(b'<message device="' + b"a" * 51 + b'"/>')


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5", 12.5),
        (" -12:30 ", -12.5),
        ("-0:30:36", -0.51),
        ("1 30", 1.5),
        ("1e3", 1000.0),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("1:2:3:4", None),
        ("x", None),
    ],
)
def test_numbers(text: str, value: float | None) -> None:
    assert number(text) == (None if value is None else pytest.approx(value))


@given(TEXT, TEXT, TEXT, st.floats(allow_nan=False, allow_infinity=False))
def test_what_a_client_says_is_read_as_it_was_meant(device: str, name: str, text: str, value: float) -> None:
    said = ElementTree.fromstring(change("text", device, name, {"A": text}))
    assert (said.tag, said.get("device"), said.get("name")) == ("newTextVector", device, name)
    assert (said[0].get("name"), said[0].text or "") == ("A", text)
    said = ElementTree.fromstring(change("number", device, name, {"A": value}))
    assert float(said[0].text or "") == value
    said = ElementTree.fromstring(change("switch", device, name, {"A": True, "B": False}))
    assert [(one.tag, one.text) for one in said] == [("oneSwitch", "On"), ("oneSwitch", "Off")]
    asked = ElementTree.fromstring(ask(device, name))
    assert (asked.get("device") or "", asked.get("name") or "") == (device, name)


def test_images_are_unpacked_and_broken_ones_told() -> None:
    packed = base64.b64encode(zlib.compress(b"SIMPLE")).decode()
    assert Blob(packed, ".fits.z").data() == b"SIMPLE"
    for text, form in (("YWJj", ".fits.z"), ("a", ".fits")):
        with pytest.raises(ValueError, match="cannot be read"):
            Blob(text, form).data()


def test_addresses() -> None:
    place = Address("indi://[::1]:7625/CCD%20Simulator")
    assert (place.host, place.port, place.device, str(place)) == (
        "::1",
        7625,
        "CCD Simulator",
        "indi://[::1]:7625/CCD%20Simulator",
    )
    assert Address("indi://h/CCD Simulator").device == "CCD Simulator"
    for wrong in ("indi://h", "indi:///X", "http://h/X", "indi://h:x/X", "indi://h/X?y", "indi://[h/X"):
        with pytest.raises(ValueError, match="expected such as indi://"):
            Address(wrong)


@pytest.mark.parametrize(
    "piece",
    [
        b"<!-- " + b"x" * 50_000,
        b'<defTextVector device="' + b"x" * 50_000,
        b"<?x " + b"x" * 50_000,
        b'<defTextVector device="T" name="N">' + b"".join(b'<defText name="%d">x</defText>' % n for n in range(2000)),
        b'<defTextVector device="T" name="N">'
        + b"".join(b'<defText name="%d">%s</defText>' % (n, b"x" * 60_000) for n in range(40)),
    ],
    ids=["comment", "attribute", "instruction", "values", "long values"],
)
def test_what_never_ends_is_not_kept(piece: bytes) -> None:
    decoder = Decoder()

    def endless() -> None:
        decoder.feed(piece)
        for _ in range(60):
            decoder.feed(b"x" * 50_000)

    with pytest.raises(ValueError, match=r"no INDI|with more than"):
        endless()


def test_an_image_that_unpacks_without_measure_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_BLOB", 1000)
    for data, fits in ((bytes(1000), True), (bytes(100_000), False)):
        blob = Blob(base64.b64encode(zlib.compress(data)).decode(), ".fits.z")
        if fits:
            assert blob.data() == data
        else:
            with pytest.raises(ValueError, match="more than 1000 bytes"):
                blob.data()
