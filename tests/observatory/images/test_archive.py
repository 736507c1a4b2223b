"""Finished images: where they lie, that they are whole or not there, and what astropy says of them."""

from __future__ import annotations

import errno
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest

from sereno.device.instruments import encode_fits
from sereno.model import OperationError
from sereno_observatory.images import archive as module
from sereno_observatory.images.archive import WITHOUT, Archive
from sereno_observatory.images.headers import ns_of_iso
from tests.observatory.images.facts import BEGUN, facts_of
from tests.observatory.observer.fakes import raw_image
from tests.observatory.sequences.asked import entry

NAME = "2025-12-31/000007_M31_Visible-camera_r_p1-0001.fits"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Archive, Path, Path]:
    raw, nights = tmp_path / "images", tmp_path / "nights"
    raw.mkdir()
    (raw / "raw.fits").write_bytes(raw_image(BEGUN + 5 * 10**6, 20.0))
    return Archive(str(raw), str(nights)), raw, nights


def test_astropy_opens_and_verifies_without_a_warning(
    folders: tuple[Archive, Path, Path], require_package: Callable[[str, str], ModuleType]
) -> None:
    require_package("astropy", "astropy")
    from astropy.io import fits
    from astropy.time import Time

    archive, raw, nights = folders
    kept = archive.keep_now(facts_of())
    assert (kept.file, kept.t_start, kept.note) == (NAME, BEGUN + 5 * 10**6, "")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(nights / kept.file, checksum=True) as opened:
            opened.verify("exception")
            header = opened[0].header
            assert (header["OBJECT"], header["BUNIT"]) == ("M31", "adu")
            assert header["DATE-OBS"] == "2026-01-01T03:00:00.005"
            assert "2026-01-01T03:00:25.000" in header.comments["CHECKSUM"]  # by the node's clock, as in DATE
            assert Time(header["DATE-OBS"], scale="utc").mjd == pytest.approx(header["MJD-OBS"], abs=1e-8)
            assert opened[0].data.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert (raw / "raw.fits").exists()
    assert [path.name for path in nights.rglob("*") if path.is_file()] == [Path(NAME).name]


def test_a_finished_image_of_a_missing_slot_is_found_by_its_header(
    folders: tuple[Archive, Path, Path], require_package: Callable[[str, str], ModuleType]
) -> None:
    require_package("astropy", "astropy")
    archive, _, _ = folders
    facts = facts_of(entry=entry(7, t_end=BEGUN + 60 * 10**9))
    kept = archive.keep_now(facts)
    (found,) = archive.unrecorded_now(facts.entry)
    assert (found.slot, found.file, found.t_start, found.seconds) == (facts.shot.slot, kept.file, kept.t_start, 20.0)
    assert (found.detector, found.filter) == ("Visible camera", "r")
    assert archive.unrecorded_now(msgspec.structs.replace(facts.entry, images=(found,))) == []
    other = msgspec.structs.replace(facts.entry.sequence, t_start=found.t_start + 1)
    assert archive.unrecorded_now(msgspec.structs.replace(facts.entry, sequence=other)) == []  # a new book


def test_one_that_had_to_have_another_name_is_found_too(
    folders: tuple[Archive, Path, Path], require_package: Callable[[str, str], ModuleType]
) -> None:
    """The book began anew, and its sequence 7 of the same night has the name of an image of the old one."""
    require_package("astropy", "astropy")
    archive, _, _ = folders
    archive.keep_now(facts_of(entry=entry(7, name="M31")))
    facts = facts_of(entry=entry(7, t_end=BEGUN + 60 * 10**9))
    (Path(archive._nights) / NAME).write_bytes(b"of another book")
    kept = archive.keep_now(facts)
    assert kept.file == NAME.replace(".fits", "-2.fits")
    (found,) = archive.unrecorded_now(facts.entry)
    assert found.file == kept.file


@pytest.mark.parametrize(
    ("cards", "begun", "seconds"),
    [
        ({"DATE-OBS": "2026-01-01T03:00:00.005", "EXPTIME": 0.25}, BEGUN + 5 * 10**6, 0.25),
        ({"DATE-OBS": "2026-01-01", "EXPTIME": "long"}, BEGUN, 20.0),  # a date alone is no time
        ({"DATE-OBS": 7, "EXPTIME": -1.0}, BEGUN, 20.0),
        ({}, BEGUN, 20.0),
    ],
)
def test_what_the_camera_says_of_its_exposure_counts_where_it_says_it(
    cards: dict[str, Any],
    begun: int,
    seconds: float,
    folders: tuple[Archive, Path, Path],
    require_package: Callable[[str, str], ModuleType],
) -> None:
    require_package("astropy", "astropy")
    from astropy.io import fits

    archive, raw, nights = folders
    (raw / "raw.fits").write_bytes(encode_fits(np.zeros((3, 4), np.uint16), cards))
    kept = archive.keep_now(facts_of())
    assert (kept.t_start, kept.seconds) == (begun, seconds)
    header = fits.getheader(nights / kept.file)
    assert (header["EXPTIME"], header["EXPREQ"], ns_of_iso(header["DATE-OBS"])) == (seconds, 20.0, begun)


def test_long_words_bring_no_warning(
    folders: tuple[Archive, Path, Path], require_package: Callable[[str, str], ModuleType]
) -> None:
    require_package("astropy", "astropy")
    from astropy.io import fits

    archive, _, nights = folders
    facts = facts_of()
    name = "It's a name " + "x" * 150
    entry = msgspec.structs.replace(facts.entry, sequence=msgspec.structs.replace(facts.entry.sequence, name=name))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = archive.keep_now(facts_of(entry=entry))
        with fits.open(nights / kept.file, checksum=True) as opened:
            opened.verify("exception")
            assert opened[0].header["OBJECT"] == name[:68]


def test_a_header_that_is_against_the_standard_is_said(
    folders: tuple[Archive, Path, Path], require_package: Callable[[str, str], ModuleType]
) -> None:
    require_package("astropy", "astropy")
    archive, raw, nights = folders
    good = (raw / "raw.fits").read_bytes()
    (raw / "raw.fits").write_bytes(good.replace(b"INSTRUME=", b"inst-u e=", 1))
    with pytest.raises(OperationError, match=r"raw.fits: no image of the standard"):
        archive.keep_now(facts_of())
    assert [path for path in nights.rglob("*") if path.is_file()] == []


def test_a_file_that_is_there_is_not_written_over(
    folders: tuple[Archive, Path, Path], require_package: Callable[[str, str], ModuleType]
) -> None:
    require_package("astropy", "astropy")
    archive, _, _ = folders
    archive.keep_now(facts_of())
    assert archive.keep_now(facts_of()).file == NAME.replace(".fits", "-2.fits")


def test_a_full_disk_is_said_and_leaves_nothing(
    folders: tuple[Archive, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> tuple[int, float | None, str]:
        Path(_[1]).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "finish", full)
    archive, raw, nights = folders
    with pytest.raises(OperationError, match=r"the disk of .* is full, raw.fits stays where it is"):
        archive.keep_now(facts_of())
    assert (raw / "raw.fits").exists()
    assert [path for path in nights.rglob("*") if path.is_file()] == []


def test_an_image_that_is_gone_or_is_none(
    folders: tuple[Archive, Path, Path], require_package: Callable[[str, str], ModuleType]
) -> None:
    require_package("astropy", "astropy")
    archive, raw, _ = folders
    with pytest.raises(OperationError, match=r"other.fits: No such file"):
        archive.keep_now(facts_of(raw="other.fits"))
    (raw / "raw.fits").write_bytes(b"no image")
    with pytest.raises(OperationError):
        archive.keep_now(facts_of())


def test_without_astropy_the_camera_s_file_is_kept_and_that_is_said(
    folders: tuple[Archive, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "astropy.io", None)
    archive, raw, nights = folders
    kept = archive.keep_now(facts_of())
    assert (kept.note, kept.t_start) == (WITHOUT, BEGUN)
    assert (nights / kept.file).read_bytes() == (raw / "raw.fits").read_bytes()
