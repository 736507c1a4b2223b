"""FITS: one image with its header, to bytes and back. What else a file holds is left out."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

CardValue: TypeAlias = "bool | int | float | str"
Card: TypeAlias = "CardValue | tuple[CardValue, str]"
"""The value of a keyword, or the value and a comment."""

BLOCK, LINE = 2880, 80
MOST_TEXT = 68
MOST_BLOCKS = 1000
"""Blocks of header that are read; a camera writes one or two."""
_NAME = re.compile(r"[A-Z0-9_-]{1,8}\Z")
_OF_THE_LAYOUT = frozenset(
    ("SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "BZERO", "BSCALE", "EXTEND", "END")
)
_WITHOUT_VALUE = frozenset(("COMMENT", "HISTORY", "CONTINUE", "HIERARCH", "XTENSION", ""))
_STORED = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_BITPIX = {"u1": 8, "i2": 16, "i4": 32, "i8": 64, "f4": -32, "f8": -64}
_OFFSET = {"u2": ("i2", 1 << 15), "u4": ("i4", 1 << 31)}
_UNSIGNED = {(16, 1 << 15): np.uint16, (32, 1 << 31): np.uint32}


class FitsError(ValueError):
    """Bytes that are no FITS image, in words."""


@dataclass(frozen=True, slots=True, eq=False)
class FitsImage:
    """An image: `pixels` in rows from the first line of the file, two- or three-dimensional; `cards` by keyword."""

    pixels: NDArray[Any]
    cards: Mapping[str, CardValue]


def encode_fits(pixels: NDArray[Any], cards: Mapping[str, Card] | None = None) -> bytes:
    """The file of an image. Unsigned numbers are stored as the standard says, with BZERO.

    Raises FitsError for pixels or cards that FITS cannot hold.
    """
    stored, bitpix, offset = _storable(np.asarray(pixels))
    lines = [card("SIMPLE", True, "conforms to the FITS standard"), card("BITPIX", bitpix, "bits of a pixel")]
    lines.append(card("NAXIS", stored.ndim, "number of axes"))
    lines += [card(f"NAXIS{i}", size) for i, size in enumerate(reversed(stored.shape), 1)]
    if offset:
        lines += [card("BZERO", offset, "offset of unsigned numbers"), card("BSCALE", 1)]
    for name, given in (cards or {}).items():
        if name in _OF_THE_LAYOUT:
            raise FitsError(f"{name} is written by itself")
        value, comment = given if isinstance(given, tuple) else (given, "")
        lines.append(card(name, value, comment))
    lines.append("END".ljust(LINE))
    return _padded("".join(lines).encode("ascii"), b" ") + _padded(stored.tobytes(), b"\0")


def decode_fits(data: bytes) -> FitsImage:
    """The first image of a file, scaled as its header says. Raises FitsError."""
    cards, begin = decode_header(data)
    bitpix, axes = cards.get("BITPIX"), cards.get("NAXIS")
    if bitpix not in _STORED or axes not in (2, 3):
        raise FitsError(f"BITPIX {bitpix!r} and NAXIS {axes!r}, expected an image of two or three axes")
    shape = [cards.get(f"NAXIS{i}") for i in range(int(axes), 0, -1)]
    if not all(isinstance(size, int) and 0 < size <= 1 << 20 for size in shape):
        raise FitsError(f"axes of {shape}")
    kind, sizes = np.dtype(_STORED[int(bitpix)]), [int(size or 0) for size in shape]
    need = math.prod(sizes) * kind.itemsize
    if len(data) < begin + need:
        raise FitsError(f"{len(data) - begin} bytes of pixels, expected {need}")
    stored = np.frombuffer(data, kind, math.prod(sizes), begin).reshape(sizes)
    return FitsImage(_scaled(stored, int(bitpix), cards.get("BZERO", 0), cards.get("BSCALE", 1)), cards)


def decode_header(data: bytes) -> tuple[dict[str, CardValue], int]:
    """The cards of the first header, and where the pixels begin. Raises FitsError."""
    if data[:6] != b"SIMPLE":
        raise FitsError(f"begins with {bytes(data[:10])!r}, expected SIMPLE")
    cards: dict[str, CardValue] = {}
    for at, line in _lines(data):
        name = line[:8].rstrip()
        if name == "END":
            return cards, -(-(at + LINE) // BLOCK) * BLOCK
        if name not in _WITHOUT_VALUE and line[8:10] == "= " and (value := _value(line[10:])) is not None:
            cards[name] = value
    raise FitsError("a header without END")


def card(name: str, value: CardValue, comment: str = "") -> str:
    """One line of a header. Raises FitsError."""
    if not _NAME.match(name):
        raise FitsError(f"{name!r} is no keyword: at most eight of A-Z, 0-9, _ and -")
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        if len(quoted) > MOST_TEXT or not (value.isascii() and value.isprintable()):
            raise FitsError(f"{name} = {value!r:.90}, expected at most {MOST_TEXT} plain ASCII characters")
        shown = f"'{quoted:<8}'".ljust(20)
    elif isinstance(value, bool):
        shown = ("T" if value else "F").rjust(20)
    else:
        shown = _number(name, value).rjust(20)
    line = f"{name:<8}= {shown}"
    words = comment.encode("ascii", "replace").decode()
    return (f"{line} / {words}" if words and len(line) < LINE - 4 else line)[:LINE].ljust(LINE)


def _number(name: str, value: float) -> str:
    if isinstance(value, int | np.integer):
        return str(int(value))
    if not math.isfinite(value):
        raise FitsError(f"{name} = {value}, which no FITS header can hold")
    words = repr(float(value)).upper()
    return words if "." in words or "E" not in words else words.replace("E", ".0E")


def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    for at in range(0, min(len(data) - LINE + 1, MOST_BLOCKS * BLOCK), LINE):
        yield at, data[at : at + LINE].decode("latin-1")


def _value(text: str) -> CardValue | None:
    """What stands behind the equals sign; None for nothing, or for what has no simple value."""
    text = text.strip()
    if text.startswith("'"):
        found = re.match(r"'((?:[^']|'')*)'", text)
        return found[1].replace("''", "'").rstrip() if found else None
    word = text.split("/", 1)[0].strip()
    if word in ("T", "F"):
        return word == "T"
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word.replace("D", "E"))
    except ValueError:
        return None


def _storable(pixels: NDArray[Any]) -> tuple[NDArray[Any], int, int]:
    """The pixels as they are stored, BITPIX, and the offset."""
    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise FitsError(f"pixels of shape {pixels.shape}, expected two or three axes")
    kind = pixels.dtype.kind + str(pixels.dtype.itemsize)
    if kind in _OFFSET:
        signed, offset = _OFFSET[kind]
        return (pixels.astype(np.int64) - offset).astype(f">{signed}"), _BITPIX[signed], offset
    if kind not in _BITPIX:
        raise FitsError(f"pixels of type {pixels.dtype}")
    return pixels.astype(f">{kind}"), _BITPIX[kind], 0


def _scaled(stored: NDArray[Any], bitpix: int, zero: Any, scale: Any) -> NDArray[Any]:
    numbers = [one for one in (zero, scale) if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) != 2 or not all(abs(one) <= sys.float_info.max for one in numbers):
        raise FitsError(f"BZERO {zero!r} and BSCALE {scale!r}, expected finite numbers")
    native = stored.astype(stored.dtype.newbyteorder("="))
    if scale == 1 and zero == 0:
        return native
    if scale == 1 and zero == int(zero) and (unsigned := _UNSIGNED.get((bitpix, int(zero)))) is not None:
        bits = native.view(unsigned)
        bits ^= unsigned(int(zero))
        return bits
    found = native.astype(np.float64)
    found *= float(scale)
    found += float(zero)
    return found


def _padded(data: bytes, fill: bytes) -> bytes:
    return data + fill * (-len(data) % BLOCK)
