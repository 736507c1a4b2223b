"""Alpaca's bytes: images there and back, and what is no answer."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.alpaca.protocol import (
    Address,
    counts,
    decode_image,
    decode_image_json,
    encode_image,
    encode_image_error,
    form,
    number_of,
    value_of,
)
from sereno.model import DeviceError, NoAnswerError

KINDS = ("u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")


@given(st.sampled_from(KINDS), st.integers(1, 6), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_an_image_is_the_same_there(kind: str, height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 100, (height, width)).astype(kind)
    data = encode_image(pixels, 7, 8)
    found = decode_image(data)
    assert (found.dtype, found.shape) == (pixels.dtype, pixels.shape)
    assert np.array_equal(found, pixels)
    listed = json.dumps({"Value": pixels.T.tolist(), "ErrorNumber": 0}).encode()
    assert np.array_equal(decode_image_json(listed), pixels)


@given(st.binary(max_size=200), st.integers(0, 120))
def test_any_bytes_are_an_image_or_none(noise: bytes, at: int) -> None:
    whole = encode_image(np.arange(12, dtype=np.uint16).reshape(3, 4), 1, 2)
    for data in (noise, whole[:at], whole[:at] + noise, whole[: at % 44] + noise + whole[at % 44 + len(noise) :]):
        for decode in (decode_image, decode_image_json, lambda data: value_of(data, "x")):
            with suppress(NoAnswerError, DeviceError):
                decode(data)


def test_an_error_where_bytes_were_asked_for() -> None:
    with pytest.raises(DeviceError, match=r"invalid_operation: imagearray: no image \(Alpaca error 0x40B\)"):
        decode_image(encode_image_error(0x40B, "no image", 1, 2))


def test_a_colour_image_comes_in_planes() -> None:
    cube = np.arange(24).reshape(4, 3, 2)  # x, y, colour
    assert decode_image_json(json.dumps({"Value": cube.tolist()}).encode()).shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("pixels", "kind"),
    [([[0, 65535]], "uint16"), ([[-1, 5]], "int32"), ([[0, 70000]], "int32"), ([[0, 2**40]], "float64"),
     ([[0.5, 1.0]], "float32")],
)  # fmt: skip
def test_pixels_take_the_smallest_type_that_holds_them(pixels: Any, kind: str) -> None:
    assert counts(np.array(pixels)).dtype == kind


def test_addresses() -> None:
    found = Address("http://10.0.0.1:11111/2")
    assert (found.server, found.number) == ("http://10.0.0.1:11111", 2)
    assert Address("http://host").number == 0
    for wrong in ("https://host/0", "host:11111", "http://host/x", "http://host/0?a=b", "http:///0"):
        with pytest.raises(ValueError, match="expected such as http"):
            Address(wrong)


def test_forms_are_written_as_alpaca_wants_them() -> None:
    assert form({"Connected": True, "Value": 1.5, "Name": "a&b c"}) == "Connected=True&Value=1.5&Name=a%26b%20c"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"ErrorNumber": "x"}', b"null"])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(NoAnswerError):
        value_of(body, "slewing")


def test_errors_keep_the_words_of_the_device() -> None:
    with pytest.raises(DeviceError, match="device_error: slewing: on fire") as caught:
        value_of(json.dumps({"ErrorNumber": 0x501, "ErrorMessage": "on \n fire"}).encode(), "slewing")
    assert caught.value.reason == "device_error"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1" + 400 * "0", "true", '"1"'])
def test_a_number_is_one_that_there_is(text: str) -> None:
    value = value_of(f'{{"Value": {text}}}'.encode(), "temperature")
    with pytest.raises(NoAnswerError, match="temperature"):
        number_of(value, "temperature")


def test_nested_without_end_is_no_answer() -> None:
    with pytest.raises(NoAnswerError, match="no JSON"):
        value_of(b"[" * 500_000, "slewing")
