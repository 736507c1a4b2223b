"""Addresses as people write them."""

from __future__ import annotations

import pytest

from sereno.drivers.modbus.address import Address, Area, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("holding:100", Address("holding", 100)),
        ("Input : 7", Address("input", 7)),
        ("coil:3", Address("coil", 3)),
        ("discrete:12", Address("discrete", 12)),
        ("holding:100.3", Address("holding", 100, (3, 3))),
        ("input:100.4-7", Address("input", 100, (4, 7))),
        ("holding:0x1F", Address("holding", 31)),
        ("holding:65535.15", Address("holding", 65535, (15, 15))),
    ],
)
def test_good_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("holdng:100", "did you mean 'holding'?"),
        ("register:100", "expected one of coil, discrete, holding, input"),
        ("holding100", "expected for example 'holding:100'"),
        ("holding:-1", "expected for example"),
        (100, "100 is no Modbus address"),
        (None, "None is no Modbus address"),
        ("40101", "40101 of a data sheet is usually 'holding:100'"),
        ("300001", "usually 'input:0'"),
        ("holding:70000", "expected 0 to 65535"),
        ("coil:3.1", "a coil is a single bit, expected 'coil:N'"),
        ("holding:1.16", "expected bits 0 (lowest) to 15"),
        ("holding:1.7-4", "the lower first"),
    ],
)
def test_bad_addresses(text: object, says: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared below
        parse_address(text)
    assert says in str(caught.value)


def test_an_area_in_words() -> None:
    assert str(Area("holding", 100, 1)) == "holding 100"
    assert str(Area("coil", 3, 8)) == "coil 3..10"
    assert Area("coil", 3, 8).end == 11
