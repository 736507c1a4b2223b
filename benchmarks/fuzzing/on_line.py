"""The line protocol: streams of questions however they are cut, and whatever stands in a line."""

from __future__ import annotations

import math

from sereno.gateways.line.protocol import MAX_LINE, Lines, failure_line, parse_line, parse_value, value_line
from sereno.model import NotFoundError

from .targets import Taker, target


@target("line-stream", raises=(ValueError,), seeds=[b"\x03a/b/c\r\na/b/state\n", b"\xffa/b/c = 1.5\n\n\nrest"])
def stream(data: bytes) -> None:
    """A stream that comes in pieces gives the lines of the stream that comes at once, none of them too long."""
    taker = Taker(data)
    size = taker.number(256) + 1
    text = taker.rest()
    lines, whole = Lines(), Lines()
    cut = [line for at in range(0, len(text), size) for line in lines.feed(text[at : at + size])] + lines.end()
    assert cut == whole.feed(text) + whole.end()
    assert all(line.strip() == line and b"\n" not in line and 0 < len(line) < MAX_LINE for line in cut)


@target("line-question", raises=(ValueError,), seeds=[b"a/b/c", b" /a/b/c/ = [1, 2.5, null] ", b'a/b/c="x=y"'])
def question(data: bytes) -> None:
    """A question, its value, and every answer to it: each is one line that can be read."""
    found = parse_line(data)
    assert found.path.isprintable()
    assert not found.path.startswith("/")
    assert parse_line(found.path.encode()).text is None
    if found.text is None:
        return
    value = parse_value(found.text)
    told = value_line(value)
    assert "\n" not in told
    if isinstance(value, float) and math.isfinite(value):
        assert parse_value(told) == value
    refusal = failure_line(NotFoundError(found.text), found.path)
    assert "\n" not in refusal
    assert refusal.startswith("DevFailed[ DevError[ desc = ")
