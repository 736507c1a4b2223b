"""Visits of a node's pages in a browser, and what they wait for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

if TYPE_CHECKING:
    from tests.web.browser.conftest import RunningNode

WATCHER = (
    "document.addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI))"
)
PATIENCE = 45_000
"""Milliseconds that a page has for what is expected of it: against a hang, not for speed."""
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}


@dataclass
class Seat:
    """A page in a browser context, for one visit after the other: a new page loads each script anew."""

    context: Any
    page: Any

    @classmethod
    def made(cls, browser: Any, options: dict[str, Any]) -> Seat:
        """In a context of its own."""
        context = browser.new_context(**DESK | options)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.add_init_script(WATCHER)
        return cls(context, page)

    def leave(self) -> None:
        """Whoever comes next finds nothing of this visit but files."""
        for page in self.context.pages:
            if page is not self.page:
                page.close()
        self.page.unroute_all()
        self.page.goto(urljoin(self.page.url, "/healthz"))  # of the same origin: another one would have another process
        self.page.mouse.move(0, 0)
        self.context.clear_cookies()


@dataclass
class Desks:
    """Seats for visits, by the screen that a visit needs; those that are left are taken again."""

    browser: Any
    free: dict[str, list[Seat]] = field(default_factory=dict)
    made: list[Seat] = field(default_factory=list)

    def take(self, options: dict[str, Any]) -> Seat:
        """One that nobody uses."""
        free = self.free.setdefault(repr(options), [])
        if not free:
            self.made.append(Seat.made(self.browser, options))
        return free.pop() if free else self.made[-1]

    def give_back(self, options: dict[str, Any], seat: Seat) -> None:
        """It is left."""
        seat.leave()
        self.free[repr(options)].append(seat)

    def give_up(self, seat: Seat) -> None:
        """What was done to its page cannot be undone."""
        self.made.remove(seat)
        seat.context.close()


@dataclass
class Visitor:
    """Opens pages as somebody, and keeps what a page must not do: `faults` has console errors, foreign requests."""

    node: RunningNode
    desks: Desks
    faults: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)
    seats: list[tuple[Seat, dict[str, Any], bool]] = field(default_factory=list)

    def __call__(
        self,
        path: str = "/",
        *,
        user: str | None = "admin",
        lang: str = "en",
        theme: str = "light",
        live: bool = True,
        once: bool = False,
        **options: Any,
    ) -> Any:
        """The page under `path`, signed in as `user`; `live` waits for its values.

        `once`: what the test does to the page cannot be undone, such as a script that runs in each document.
        """
        seat = self.desks.take(options)
        self.seats.append((seat, options, once))
        page = seat.page
        page.goto(self.node.ready.url + "/healthz")
        page.evaluate("(theme) => { sessionStorage.clear(); localStorage.clear(); localStorage.theme = theme }", theme)
        for event, listener in self._listeners.items():
            page.on(event, listener)
        seat.context.add_cookies([{"name": "lang", "value": lang, "url": self.node.ready.url}])
        if user is not None:
            seat.context.request.get(self.node.link(user), max_redirects=0)
        page.goto(self.node.ready.url + path)
        if live and user is not None:
            page.locator("html[data-link=live]").wait_for()
        return page

    def forgive(self, text: str) -> None:
        """Faults with `text` in them were meant to happen; some are told a moment later."""
        self.forgiven.append(text)
        self.faults = [fault for fault in self.faults if text not in fault]

    def leave(self) -> None:
        """Nothing of this visit is there for the next one. What came late and was forgiven is no fault."""
        for seat, options, once in self.seats:
            if once or seat.page.is_closed():
                self.desks.give_up(seat)
                continue
            for event, listener in self._listeners.items():
                seat.page.remove_listener(event, listener)
            self.desks.give_back(options, seat)
        self.faults = [fault for fault in self.faults if not any(text in fault for text in self.forgiven)]

    @cached_property
    def _listeners(self) -> dict[str, Callable[[Any], None]]:
        return {"console": self._console, "pageerror": self._error, "request": self._request}

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning") and not message.location.get("url", "").endswith("/favicon.ico"):
            self.faults.append(f"{message.type} in the console: {message.text} ({message.location.get('url')})")

    def _error(self, error: Any) -> None:
        self.faults.append(f"error on the page: {error.stack or error}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.node.ready.url + "/", "data:", "blob:")):
            self.faults.append(f"a request to somewhere else: {request.url}")


def wait_for(page: Any, condition: Callable[[], bool], seconds: float = PATIENCE / 1000) -> None:
    """Until the condition holds, for what the browser has no event for: what is drawn, what the node has read."""
    for _ in range(round(seconds / 0.1)):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{condition} did not come true within {seconds} s")


def live_value(page: Any, tag: str) -> Any:
    """The value that the node has of a tag."""
    return page.evaluate(
        "async (tag) => (await (await fetch('/api/v1/values?tag=' + tag)).json()).values[0].value", tag
    )
