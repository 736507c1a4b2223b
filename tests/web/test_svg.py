"""Drawings made safe: what attackers and Inkscape put into SVG."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.web import svg as module
from sereno.web.svg import DrawingError, read_drawing, sanitise

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" '
    'xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" viewBox="0 0 10 10">'
)
NS = "{http://www.w3.org/2000/svg}"


def _clean(inside: str) -> str:
    return sanitise(f"{HEAD}{inside}</svg>".encode()).svg


def _only(inside: str) -> ET.Element:
    root = ET.fromstring(_clean(inside))
    assert len(root) == 1
    return root[0]


ATTACKS = [
    "<script>alert(1)</script>",
    '<script href="https://evil.example/x.js"/>',
    '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>',
    '<rect onclick="alert(1)" onload="alert(1)" ONMOUSEOVER="alert(1)" width="1"/>',
    '<foreignObject><p xmlns="http://www.w3.org/1999/xhtml"><iframe src="javascript:alert(1)"/></p></foreignObject>',
    '<a href="javascript:alert(1)"><text>click</text></a>',
    '<a xlink:href="https://evil.example"><text>click</text></a>',
    '<image href="https://evil.example/x.png"/>',
    '<image href="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4="/>',
    '<image href="data:text/html,alert(1)"/>',
    '<use href="https://evil.example/x.svg#a"/>',
    '<use xlink:href="//evil.example/x.svg#a"/>',
    '<use href="data:image/svg+xml,x#a"/>',
    '<animate attributeName="href" to="javascript:alert(1)"/>',
    '<set attributeName="onclick" to="alert(1)"/>',
    '<rect style="fill:url(https://evil.example/x)"/>',
    '<rect fill="url(https://evil.example/x#a)"/>',
    '<rect fill="url( &quot;javascript:alert(1)&quot; )"/>',
    '<rect style="background:url(javascript:alert(1));behavior:url(x.htc);-moz-binding:url(x)"/>',
    '<rect style="fill:u\\72l(https://evil.example/x)"/>',
    '<rect style="fill:red/**/;stroke:expression(alert(1))"/>',
    "<style>@import url(https://evil.example/x.css);</style>",
    '<style type="text/css">rect{fill:url(https://evil.example)}</style>',
    '<rect data-hx-get="/sign-out" data-hx-trigger="load" data-on-click="alert(1)"/>',
    '<rect hx-get="/api" _="on click alert(1)"/>',
    '<metadata><rdf:RDF xmlns:rdf="x"><script>alert(1)</script></rdf:RDF></metadata>',
    '<sodipodi:namedview onload="alert(1)"/>',
    '<filter><feImage href="https://evil.example/x.png"/></filter>',
    "<text>&lt;script&gt;alert(1)&lt;/script&gt;</text>",
    "<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;</title>",
    '<rect data-tag="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"/>',
    '<rect id="&quot; onload=&quot;alert(1)"/>',
    "<text><![CDATA[</text><script>alert(1)</script>]]></text>",
    '<x:script xmlns:x="http://www.w3.org/2000/svg">alert(1)</x:script>',
    '<x:rect xmlns:x="urn:not-svg" onclick="alert(1)"/>',
    '<handler xmlns:ev="http://www.w3.org/2001/xml-events" ev:event="load">alert(1)</handler>',
    '<?xml-stylesheet href="https://evil.example/x.css"?><rect/>',
    "<!-- <script>alert(1)</script> --><rect/>",
    '<rect fill="&#106;avascript:alert(1)"/>',
    '<rect xml:base="https://evil.example/" xlink:href="x"/>',
    '<iframe src="https://evil.example"/><embed src="x"/><object data="x"/><audio src="x"/><video src="x"/>',
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_active_gets_through(attack: str) -> None:
    text = _clean(attack)
    for element in ET.fromstring(text).iter():
        assert element.tag.removeprefix(NS) in module._ELEMENTS
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            assert name not in ("style", "src", "xml:base", "hx-get")
            assert "href" not in name or value.startswith(("#mimic-", "data:image/png;base64,"))
            if not name.startswith(("data-", "id")):
                assert "evil" not in value
                assert "script" not in value.lower()
    assert "evil.example" not in text
    assert "<script" not in text


@pytest.mark.parametrize(
    "bomb",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg">&b;</svg>',
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>',
        '<!DOCTYPE svg SYSTEM "https://evil.example/x.dtd"><svg xmlns="http://www.w3.org/2000/svg"/>',
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd"><svg xmlns="http://www.w3.org/2000/svg"/>',
    ],
)
def test_document_types_are_refused(bomb: str) -> None:
    with pytest.raises(DrawingError, match="document type declaration; save it as plain SVG"):
        sanitise(bomb.encode())


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"", "not well-formed"),
        (b"<svg", "not well-formed"),
        (b"\xff\xfe\x00", "not well-formed"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">&undefined;</svg>', "not well-formed"),
        (b"<html><svg xmlns='http://www.w3.org/2000/svg'/></html>", "outermost element is not <svg>"),
        (b"<svg/>", "outermost element is not <svg>"),
        (b'<g xmlns="http://www.w3.org/2000/svg"/>', "outermost element is not <svg>"),
        (f"{HEAD}{'<g>' * 70}{'</g>' * 70}</svg>".encode(), "nested more than 64 deep"),
        (f"{HEAD}{'<x>' * 70}{'</x>' * 70}</svg>".encode(), "nested more than 64 deep"),
        (f"{HEAD}{'<g/>' * 50_001}</svg>".encode(), "more than 50000 elements"),
        (b" " * (4 * 1024 * 1024 + 1), "bytes, at most"),
    ],
)
def test_what_is_no_drawing_is_said_so(source: bytes, words: str) -> None:
    with pytest.raises(DrawingError, match=words):
        sanitise(source)


def test_inkscape_style_becomes_presentation_attributes() -> None:
    rect = _only(
        '<rect style="fill:#ff0000;stroke-width:2.5 !important;-inkscape-font-specification:x;fill-opacity:.5"/>'
    )
    assert rect.attrib == {"fill": "#ff0000", "stroke-width": "2.5", "fill-opacity": ".5"}


def test_style_goes_before_the_attribute_as_in_a_browser() -> None:
    assert _only('<rect fill="blue" style="fill:red"/>').attrib == {"fill": "red"}


def test_references_inside_the_drawing_go_along_with_its_ids() -> None:
    root = ET.fromstring(
        _clean(
            '<defs><linearGradient id="g1"/><clipPath id="c1"/></defs><use xlink:href="#g1"/>'
            '<rect style="fill:url(#g1)" clip-path="url(&quot;#c1&quot;)"/>'
        )
    )
    assert [e.get("id") for e in root[0]] == ["mimic-g1", "mimic-c1"]
    assert root[1].get("href") == "#mimic-g1"
    assert root[2].attrib == {"fill": "url(#mimic-g1)", "clip-path": "url(#mimic-c1)"}


@pytest.mark.parametrize(
    "inside",
    [
        '<g data-tag="north/plc1/level" data-fill="x"/>',
        '<g inkscape:label="tag:north/plc1/level" data-fill="x"/>',
        '<g inkscape:label="tag: north/plc1/level" data-fill="x"/>',
        "<g><desc>tag: north/plc1/level\nfill: x</desc></g>",
        "<g><desc>data-tag=north/plc1/level\n\n data-fill = x </desc></g>",
        '<g data-fill="x"><desc>tag: north/plc1/level\nfill: y</desc></g>',
    ],
)
def test_three_ways_to_bind_are_one(inside: str) -> None:
    assert _only(inside).attrib == {"data-tag": "north/plc1/level", "data-fill": "x"}
    assert len(_only(inside)) == 0
    assert sanitise(f"{HEAD}{inside}{inside}</svg>".encode()).tags == ("north/plc1/level",)


def test_a_description_that_binds_nothing_stays_one() -> None:
    group = _only("<g><desc>The pump: an old one</desc></g>")
    assert group.attrib == {}
    assert group[0].text == "The pump: an old one"


def test_a_description_cannot_bring_in_what_attributes_may_not() -> None:
    group = _only("<g><desc>tag: a/b\nhx-get: /sign-out\non-click: alert(1)</desc></g>")
    assert group.attrib == {"data-tag": "a/b"}


def test_other_labels_of_inkscape_go() -> None:
    assert _only('<g inkscape:label="Layer 1" inkscape:groupmode="layer" id="l"/>').attrib == {"id": "mimic-l"}


def test_links_become_groups_and_pictures_stay() -> None:
    root = ET.fromstring(_clean('<a href="x"><rect/></a><image href="data:image/png;base64,AAAA" width="1"/>'))
    assert [e.tag for e in root] == [NS + "g", NS + "image"]
    assert root[1].get("href") == "data:image/png;base64,AAAA"


def test_the_title_is_known() -> None:
    assert sanitise(f"{HEAD}<title> Water &amp; works </title></svg>".encode()).title == "Water & works"
    assert sanitise(f"{HEAD}</svg>".encode()).title == ""


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=30))
def test_text_survives_as_text(text: str) -> None:
    from xml.sax.saxutils import escape, quoteattr

    node = _only(f"<text data-tag={quoteattr(text)}>{escape(text)}</text>")
    assert (node.text or "") == text
    assert node.get("data-tag") == text


def test_cleaning_twice_only_changes_ids() -> None:
    once = _clean('<g data-tag="a/b"><path d="M0 0" style="fill:red"/><text>x</text></g>')
    assert sanitise(once.encode()).svg == once


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "plant.svg"
    path.write_text(f"{HEAD}<title>one</title></svg>")
    assert read_drawing(path) is read_drawing(path)
    path.write_text(f"{HEAD}<title>three</title></svg>")
    assert read_drawing(path).title == "three"
    path.write_text("oops")
    with pytest.raises(DrawingError, match=r"mimic plant\.svg: not well-formed XML"):
        read_drawing(path)
    path.unlink()
    with pytest.raises(DrawingError, match=r"mimic plant\.svg: No such file"):
        read_drawing(path)
