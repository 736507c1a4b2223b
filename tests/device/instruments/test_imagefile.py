"""Files of images: there as a whole, or not at all, and never over another."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from sereno.device.instruments import UNKNOWN, FitsError, decode_fits, encode_fits
from sereno.device.instruments.imagefile import Taken, image_bytes, image_name, save_image

TAKEN = Taken(7, 2.5, "dark", 1_796_000_000_123_456_789)


def test_a_name_says_which_camera_when_and_which_exposure() -> None:
    assert image_name("site/vis", TAKEN) == "site-vis-20261130T005320-00007.fits"


def test_a_file_never_replaces_another(tmp_path: Path) -> None:
    names = [save_image(tmp_path, "a.fits", bytes([n])) for n in range(3)]
    assert names == ["a.fits", "a-2.fits", "a-3.fits"]
    assert [(tmp_path / name).read_bytes() for name in names] == [b"\0", b"\1", b"\2"]


@pytest.mark.parametrize("failing", ["fsync", "open"])
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    seen: list[list[str]] = []

    def fails(*_: object, **__: object) -> None:
        seen.append([path.name for path in tmp_path.iterdir()])
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(*((os, "fsync", fails) if failing == "fsync" else (Path, "open", fails)))
    with pytest.raises(OSError, match="no space"):
        save_image(tmp_path, "a.fits", b"x" * 100)
    assert list(tmp_path.iterdir()) == []
    assert all("a.fits" not in names for names in seen)


def test_the_raw_header_has_what_the_camera_knows() -> None:
    facts = {"XBINNING": 2, "CCD-TEMP": None, "GAIN": 1.5, "FWHM": 3.0, "FOCUS": UNKNOWN}
    cards = decode_fits(image_bytes(np.zeros((2, 3), np.uint16), b"", TAKEN, "site/vis", facts)).cards
    assert cards["DATE-OBS"] == "2026-11-30T00:53:20.123"
    assert (cards["EXPTIME"], cards["IMAGETYP"], cards["XBINNING"], cards["FWHM"]) == (2.5, "Dark Frame", 2, 3.0)
    assert not {"CCD-TEMP", "FOCUS"} & cards.keys()


def test_a_file_of_the_camera_stays_as_it_is() -> None:
    theirs = encode_fits(np.ones((2, 2), np.float32), {"ORIGIN": "elsewhere"})
    assert image_bytes(None, theirs, TAKEN, "site/vis", {"GAIN": 1}) == theirs
    with pytest.raises(FitsError):
        image_bytes(None, b"not FITS at all", TAKEN, "site/vis", {})
