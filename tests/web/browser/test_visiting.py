"""What a visit forgives, whenever the browser tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from tests.web.browser.visiting import Desks, Seat, Visitor


class QuietPage:
    """A page without a browser: `then` happens while its seat is left."""

    url = "http://127.0.0.1:1/tags"

    def __init__(self, then: Callable[[], None]) -> None:
        self.then = then
        self.mouse = self

    def is_closed(self) -> bool:
        return False

    def goto(self, _url: str) -> None:
        self.then()

    def unroute_all(self) -> None: ...

    def move(self, _x: int, _y: int) -> None: ...

    def remove_listener(self, _event: str, _listener: object) -> None: ...


class QuietContext:
    """The context of a quiet page."""

    def __init__(self, page: QuietPage) -> None:
        self.pages = [page]

    def clear_cookies(self) -> None: ...


def visitor_told(late: str) -> Visitor:
    """A visitor with a seat; the browser tells `late` while that is left."""
    visitor = Visitor(cast(Any, None), Desks(None))
    page = QuietPage(lambda: visitor.faults.append(late))
    visitor.seats.append((Seat(QuietContext(page), page), {}, False))
    visitor.desks.free[repr({})] = []
    return visitor


def test_what_comes_while_a_seat_is_left_is_forgiven() -> None:
    visitor = visitor_told("error in the console: a status of 404")
    visitor.forgive("status of 404")
    visitor.leave()
    assert visitor.faults == []


def test_what_nobody_forgave_stays_a_fault() -> None:
    visitor = visitor_told("error on the page: x is undefined")
    visitor.forgive("status of 404")
    visitor.leave()
    assert visitor.faults == ["error on the page: x is undefined"]
