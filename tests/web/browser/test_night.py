"""An evening that is played 20 times as fast, in a browser: the site's own pages follow it, and people act in it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.web.browser.visiting import DESK, PATIENCE, wait_for

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser
APP = "/app/observatory"
PHONE = {"width": 400, "height": 850}
SPEED, LONGEST = "20", "600"
"""The dome is open for minutes of the browser's time, which may be slow; the test ends the program."""


@dataclass
class Evening:
    """A program that plays, and the address of its pages."""

    url: str
    link: str
    token: str

    def ask(self, page: Any, path: str) -> Any:
        """What the pages' own interface says."""
        return page.request.get(self.url + path).json()


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    folder = tmp_path_factory.mktemp("evening")
    words = [sys.executable, "-m", "tests.observatory.night.evening", str(folder), SPEED, LONGEST]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        ready = orjson.loads(process.stdout.readline())
        try:
            yield Evening(ready["url"], ready["link"], ready["token"])
        finally:
            process.terminate()
            process.stdout.read()
            assert process.wait(60) == 0


def test_an_evening_is_followed_in_the_pages(browser: Any, evening: Evening) -> None:
    faults: list[str] = []
    context = browser.new_context(**DESK)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(evening.link)
    page.goto(f"{evening.url}{APP}/dashboard")
    expect(page.locator("html")).to_have_attribute("data-link", "live")
    expect(page.locator("#safety .ob-word")).to_have_text("Safe", timeout=60_000)
    expect(page.locator(".ob-sky .ob-dome-open")).to_have_count(1, timeout=60_000)
    page.goto(f"{evening.url}{APP}/observer")
    expect(page.locator("main")).to_contain_text(re.compile(r"Field \d"), timeout=60_000)
    page.set_viewport_size(PHONE)
    width = "document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth"
    wait_for(page, lambda: page.evaluate(width) <= 1)
    for actor in ("agent/observatory/majordome", "vera"):
        assert evening.ask(page, f"/api/v1/audit?limit=1&who={actor}")["records"], actor
    assert faults == []
    context.close()
