"""Datagrams of sensors, and what readers send."""

from __future__ import annotations

import math

from sereno.drivers.udp.protocol import make_datagram, parse_datagram
from sereno.drivers.udp.tally import Tally
from sereno.gateways.latest.protocol import Questions, parse_sample

from .targets import Taker, target


@target("sensor-datagram", raises=(ValueError,), longest=600, seeds=[b"0.5", b"-1e-05\n", b"nan 7", b"north 0.5",
        b"north 0.5 41", b"north 0.5 41 " + b"0a" * 16])  # fmt: skip
def datagram(data: bytes) -> None:
    """A datagram: what is taken has the same meaning when it is written again."""
    found = parse_datagram(data)
    again = parse_datagram(make_datagram(found.value, found.name, found.sequence))
    assert (again.name, again.sequence) == (found.name, found.sequence)
    assert again.value == found.value or math.isnan(found.value)
    assert bool(found.signature) == bool(found.signed)


@target("sensor-questions", raises=(ValueError,), longest=600,
        seeds=[b"n", b"nnn", b"get north\n", b"every\nrate a/b/c\nlist\n"])  # fmt: skip
def questions(data: bytes) -> None:
    """What a reader sends: the same questions however it is cut."""
    taker = Taker(data)
    cut = taker.number(256)
    sent = taker.rest()
    whole = Questions().feed(sent)
    pieces = Questions()
    assert pieces.feed(sent[:cut]) + pieces.feed(sent[cut:]) == whole


@target(
    "sensor-sample", raises=(ValueError,), longest=300, seeds=[b"0.5 1000 good\n", b"nan 0 bad\n", b"! no such name\n"]
)
def sample(data: bytes) -> None:
    """A line that a reader gets: a value, a time and whether it is good."""
    value, t_ns, good = parse_sample(data)
    assert isinstance(value, float)
    assert isinstance(t_ns, int)
    assert good in (True, False)


@target("sensor-tally", longest=600, seeds=[b"\x01\x02\x03\x03\x01", b"\xff\x00\x00\x01\x80"])
def tally(data: bytes) -> None:
    """Sequence numbers in any order: nothing is counted twice, and no count goes below 0."""
    taker, kept = Taker(data), Tally()
    number = sent = 0
    while taker:
        number = max(0, number + taker.number(256) - 120)
        kept.take(number, 0.0)
        sent += 1
    assert kept.received + kept.late + kept.duplicates == sent
    assert min(kept.counts().values()) >= 0
