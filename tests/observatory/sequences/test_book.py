"""The book keeps what it answered, over a restart too."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.model import NotFoundError, OperationError, RefusedError
from sereno_observatory.sequences import Event, Image, Slot, Status
from sereno_observatory.sequences.book import Book
from tests.observatory.sequences.asked import EPOCH, MINUTE, asked

FILE = "observatory.db"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    opened = Book(tmp_path / FILE)
    yield opened
    opened.close()


def image(number: int = 1, **more: int) -> Image:
    slot = Slot(more.get("album", 0), more.get("plan", 0), number)
    return Image(slot=slot, file=f"{number}.fits", t_start=EPOCH, seconds=20.0, detector="Visible camera", filter="r")


def test_what_was_noted_is_there_after_a_restart(book: Book, tmp_path: Path) -> None:
    first, second = book.add([asked(), asked("NGC 1", target=None)], EPOCH)
    book.start(first, EPOCH)
    book.record(first, image())
    book.close()
    again = Book(tmp_path / FILE)
    found = again.entry(first)
    assert (found.sequence, found.status, found.images) == (asked(), Status.EXECUTING, (image(),))
    assert found.missing() == [Slot(0, 0, 2), Slot(1, 0, 1)]
    assert again.entry(second).sequence == asked("NGC 1", target=None)
    assert [one.id for one in again.newest()] == [second, first]
    assert [one.id for one in again.of_status(Status.EXECUTING)] == [first]
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    again.close()


def test_one_at_a_time_in_its_window(book: Book) -> None:
    first, second = book.add([asked(), asked()], EPOCH)
    with pytest.raises(RefusedError, match="not within the window"):
        book.start(first, EPOCH - 1)
    book.start(first, EPOCH)
    with pytest.raises(RefusedError, match=f"sequence {first} is executed"):
        book.start(second, EPOCH)
    book.happen(first, Event.INTERRUPT, EPOCH + 1, "rain")
    assert book.start(second, EPOCH + 2).status is Status.EXECUTING
    assert book.changes(first) == [
        (EPOCH, "TOBEPLANNED", ""),
        (EPOCH, "EXECUTING", ""),
        (EPOCH + 1, "PLANNED", "rain"),
    ]


def test_every_try_is_on_record_and_the_last_one_fails_for_good(book: Book, tmp_path: Path) -> None:
    (number,) = book.add([asked()], EPOCH)
    found = []
    for minute in range(3):
        book.start(number, EPOCH + minute * MINUTE)
        found.append(book.retry(number, EPOCH + minute * MINUTE + 1, f"silent {minute}", 3))
        with pytest.raises(RefusedError, match="cannot"):
            book.retry(number, EPOCH + minute * MINUTE + 2, "the same, heard twice", 3)
        assert (book.entry(number).tries, book.entry(number).t_tried) == (minute + 1, EPOCH + minute * MINUTE + 1)
        book.close()
        book = Book(tmp_path / FILE)
    assert found == [Status.PLANNED, Status.PLANNED, Status.FAILED]
    told = [(status, why) for _, status, why in book.changes(number) if why]
    assert told == [
        ("PLANNED", "silent 0; try 1 of 3"),
        ("PLANNED", "silent 1; try 2 of 3"),
        ("FAILED", "silent 2; try 3 of 3"),
    ]


def test_what_was_tried_in_vain_and_expires_says_why(book: Book) -> None:
    (number,) = book.add([asked(t_end=EPOCH + MINUTE)], EPOCH)
    book.start(number, EPOCH)
    book.retry(number, EPOCH + 1, "the camera is not known", 3)
    book.start(number, EPOCH + 2)
    book.retry(number, EPOCH + 3, "the camera is error", 3)
    assert book.expire(EPOCH + MINUTE) == [number]
    found = book.entry(number)
    assert (found.status, found.why) == (Status.EXPIRED, "its window is over; the camera is error")


def test_an_image_is_noted_once(book: Book) -> None:
    (number,) = book.add([asked()], EPOCH)
    book.record(number, image())
    book.record(number, image())
    assert book.entry(number).images == (image(),)
    with pytest.raises(NotFoundError, match="no sequence 99"):
        book.record(99, image())


def test_what_was_not_executed_in_time_expires(book: Book) -> None:
    first, second, third = book.add([asked(), asked(t_end=EPOCH + MINUTE), asked(t_end=EPOCH + MINUTE)], EPOCH)
    book.start(third, EPOCH)
    assert book.expire(EPOCH + MINUTE) == [second]
    assert [book.entry(n).status for n in (first, second, third)] == ["TOBEPLANNED", "EXPIRED", "EXECUTING"]


def test_all_or_none_are_added(book: Book) -> None:
    def two() -> Iterator[object]:
        yield asked()
        raise ValueError("the second cannot be read")

    with pytest.raises(ValueError, match="second"):
        book.add(two(), EPOCH)  # type: ignore[arg-type]
    assert book.newest() == []


def test_what_is_not_there_and_a_database_of_the_future(book: Book, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no sequence 7"):
        book.entry(7)
    with pytest.raises(NotFoundError, match="no sequence 7"):
        book.start(7, EPOCH)
    book.close()
    with sqlite3.connect(tmp_path / FILE) as raw:
        raw.execute("update observatory_meta set value = '99'")
    raw.close()
    with pytest.raises(OperationError, match="of a later version"):
        Book(tmp_path / FILE)
    (tmp_path / "text.db").write_text("no database, but long enough to be looked at as one" * 40)
    with pytest.raises(OperationError, match="not a database"):
        Book(tmp_path / "text.db")
