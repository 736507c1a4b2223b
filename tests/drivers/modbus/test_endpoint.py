"""Urls of devices."""

from __future__ import annotations

import pytest

from sereno.drivers.modbus.endpoint import SerialEndpoint, TcpEndpoint, parse_url


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("tcp://127.0.0.1:5020", TcpEndpoint("127.0.0.1", 5020)),
        ("tcp://plc1", TcpEndpoint("plc1", 502)),
        ("tcp://plc1/", TcpEndpoint("plc1", 502)),
        ("tcp://[::1]:5020", TcpEndpoint("::1", 5020)),
        ("rtu:///dev/ttyUSB0", SerialEndpoint("/dev/ttyUSB0")),
        ("rtu:///dev/ttyUSB0?baud=9600&parity=n&stop=2", SerialEndpoint("/dev/ttyUSB0", 9600, "N", 2)),
        ("rtu://COM3?bits=7", SerialEndpoint("COM3", bits=7)),
        ("rtu:///COM3", SerialEndpoint("COM3")),
    ],
)
def test_good_urls(text: str, endpoint: TcpEndpoint | SerialEndpoint) -> None:
    assert parse_url(text) == endpoint
    assert parse_url(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (5020, "expected 'tcp://HOST:PORT'"),
        ("127.0.0.1:5020", "expected 'tcp://HOST:PORT'"),
        ("http://plc1", "begins with 'http'"),
        ("tcp://", "expected 'tcp://HOST:PORT'"),
        ("tcp://plc1/holding", "expected 'tcp://HOST:PORT'"),
        ("tcp://plc1:99999", "out of range"),
        ("tcp://plc1:0", "expected 1 to 65535"),
        ("tcp://plc1:x", "expected 'tcp://HOST:PORT'"),
        ("rtu://", "names no serial port"),
        ("rtu:///dev/ttyS0?boud=9600", "did you mean 'baud'?"),
        ("rtu:///dev/ttyS0?parity=X", "expected N, E or O"),
        ("rtu:///dev/ttyS0?baud=fast", "expected 300 to 4000000"),
        ("rtu:///dev/ttyS0?stop=3", "expected 1 to 2"),
    ],
)
def test_bad_urls(text: object, says: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared below
        parse_url(text)
    assert says in str(caught.value)
