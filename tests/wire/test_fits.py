"""FITS, held against astropy and against itself."""

from __future__ import annotations

import io
import math
import tracemalloc
import warnings
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.wire.fits import BLOCK, FitsError, card, decode_fits, decode_header, encode_fits

KINDS = ("u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8")
names = st.from_regex(r"X[A-Z0-9_-]{0,7}", fullmatch=True)
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="'"), max_size=60).map(str.rstrip)
values = st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False) | texts


@st.composite
def images(draw: Any) -> Any:
    kind = np.dtype(draw(st.sampled_from(KINDS)))
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    numbers: Any = st.floats(width=32, allow_nan=False, allow_infinity=False)
    if kind.kind != "f":
        numbers = st.integers(int(np.iinfo(kind).min), int(np.iinfo(kind).max))
    found = draw(st.lists(numbers, min_size=height * width, max_size=height * width))
    return np.array(found, kind).reshape(height, width)


@given(images(), st.dictionaries(names, values, max_size=6))
def test_what_is_written_is_read(pixels: Any, cards: dict[str, Any]) -> None:
    data = encode_fits(pixels, cards)
    assert len(data) % BLOCK == 0
    image = decode_fits(data)
    assert image.pixels.dtype == pixels.dtype
    assert np.array_equal(image.pixels, pixels)
    for name, value in cards.items():
        assert image.cards[name] == value
        assert isinstance(image.cards[name], type(value))


@given(st.binary(max_size=400), st.integers(0, BLOCK * 2))
def test_any_bytes_are_an_image_or_an_error(noise: bytes, at: int) -> None:
    whole = encode_fits(np.zeros((2, 3), np.uint16), {"EXPTIME": 1.5})
    for data in (noise, whole[:at], whole[:at] + noise + whole[at + len(noise) :]):
        with suppress(FitsError):
            assert decode_fits(data).pixels.size


@pytest.mark.parametrize("kind", KINDS)
def test_astropy_reads_what_we_write(require_package: Any, kind: str) -> None:
    fits = require_package("astropy.io.fits", "astropy")
    limits = np.finfo(kind) if kind.startswith("f") else np.iinfo(kind)
    pixels = np.array([[limits.min, 0, limits.max], [1, 2, 3]], kind)
    cards = {"OBJECT": ("M 42 'Orion'", "what"), "EXPTIME": (2.5, "[s]"), "GAIN": 3, "TRACK": True, "TINY": 1e-30}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(io.BytesIO(encode_fits(pixels, cards))) as file:
            file.verify("exception")
            assert np.array_equal(file[0].data, pixels)
            header = file[0].header
            assert (header["OBJECT"], header["EXPTIME"], header["GAIN"]) == ("M 42 'Orion'", 2.5, 3)
            assert (header["TRACK"], header["TINY"], header.comments["OBJECT"]) == (True, 1e-30, "what")


@pytest.mark.parametrize("kind", KINDS)
def test_we_read_what_astropy_writes(require_package: Any, kind: str) -> None:
    fits = require_package("astropy.io.fits", "astropy")
    pixels = np.arange(12, dtype=kind).reshape(3, 4)
    file = fits.PrimaryHDU(pixels)
    file.header["OBJECT"] = ("it's far", "a comment / with a slash")
    file.header["LONGTEXT"] = "x" * 100
    file.header["COMMENT"] = "no value"
    file.header["RATE"] = 1.25e-7
    written = io.BytesIO()
    file.writeto(written)
    image = decode_fits(written.getvalue())
    assert np.array_equal(image.pixels, pixels)
    assert (image.cards["OBJECT"], image.cards["RATE"]) == ("it's far", 1.25e-7)


def test_scaled_numbers_are_floats() -> None:
    data = bytearray(encode_fits(np.array([[1, 2]], np.uint16)))
    at = data.index(b"BSCALE")
    data[at : at + 80] = card("BSCALE", 0.5).encode()
    assert decode_fits(bytes(data)).pixels.tolist() == [[16384.5, 16385.0]]


def with_cards(kind: str, zero: str, scale: str) -> bytes:
    data = bytearray(encode_fits(np.array([[1, 2]], kind)))
    for name, text in (("BZERO", zero), ("BSCALE", scale)):
        at = data.index(name.encode().ljust(8) + b"=")
        data[at : at + 80] = f"{name:<8}= {text}".ljust(80).encode()
    return bytes(data)


@pytest.mark.parametrize("kind", ["u2", "u4"])
@pytest.mark.parametrize(
    ("zero", "scale"), [("1E999", "1"), ("NAN", "1"), ("0", "-INF"), ("0", "NAN"), ("'a'", "1"), ("T", "1")]
)
def test_scales_that_are_no_numbers_are_said(kind: str, zero: str, scale: str) -> None:
    with pytest.raises(FitsError, match="expected finite numbers"):
        decode_fits(with_cards(kind, zero, scale))


def test_an_offset_of_no_whole_number_is_kept() -> None:
    assert decode_fits(with_cards("u2", "32768.5", "1")).pixels.tolist() == [[1.5, 2.5]]
    assert decode_fits(with_cards("u2", "32768.0", "1.0")).pixels.dtype == np.uint16


def test_unsigned_pixels_take_no_more_memory_than_they_are() -> None:
    data = encode_fits(np.zeros((1000, 1000), np.uint16))
    tracemalloc.start()
    try:
        decode_fits(data)
        assert tracemalloc.get_traced_memory()[1] < 2.5e6
    finally:
        tracemalloc.stop()


def test_what_fits_cannot_hold_is_said() -> None:
    pixels = np.zeros((2, 2), np.uint16)
    for cards in ({"TOOLONGNAME": 1}, {"lower": 1}, {"A": "x" * 69}, {"A": "é"}, {"A": math.nan}, {"NAXIS": 1}):
        with pytest.raises(FitsError):
            encode_fits(pixels, cards)
    for wrong in (np.zeros(3), np.zeros((0, 3)), np.zeros((2, 2), complex)):
        with pytest.raises(FitsError):
            encode_fits(wrong)
    with pytest.raises(FitsError, match="expected SIMPLE"):
        decode_header(b"\x89PNG")
