"""Night without white, phones without sideways scrolling, quick with many tags."""

from __future__ import annotations

import base64
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

TREND = "/trend?tag=town/plc2/reservoir1_level&tag=town/plc2/demand_flow&from=now-5m&to=now"
MOST_GREEN_OR_BLUE = 8
PAGES = ["/", "/?view=table", "/tags", TREND, "/devices", "/devices/river/plc1", "/system", "/commands", "/help"]


def channels(page: Any, picture: bytes) -> dict[str, int]:
    """The greatest red, and the greatest of green and blue, of all pixels."""
    return page.evaluate(
        """async (data) => {
            const image = await createImageBitmap(new Blob([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))]));
            const ctx = new OffscreenCanvas(image.width, image.height).getContext("2d");
            ctx.drawImage(image, 0, 0);
            const { data: p } = ctx.getImageData(0, 0, image.width, image.height);
            let [red, other] = [0, 0];
            for (let i = 0; i < p.length; i += 4) {
                red = Math.max(red, p[i]);
                other = Math.max(other, p[i + 1], p[i + 2]);
            }
            return { red, other };
        }""",
        base64.b64encode(picture).decode(),
    )


@pytest.mark.parametrize("path", PAGES)
def test_night_has_no_green_and_no_blue(visit: Any, path: str) -> None:
    visit.node.set("town/plc2/reservoir1_level", 5.0)
    page = visit(path, theme="night")
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    if path == "/":
        page.locator("[data-write='river/plc1/chlorine_setpoint']").click()
        page.fill("#editor", "1.0")
        page.keyboard.press("Enter")
        expect(page.locator("#confirm-send")).to_be_focused()
    if path == "/tags":
        page.locator(".check").first.check()
        page.locator(".tag-name").first.click()
        expect(page.locator(".minitrend canvas")).to_be_visible()
    page.wait_for_timeout(300)
    found = channels(page, page.screenshot())
    assert found["red"] > 150
    assert found["other"] <= MOST_GREEN_OR_BLUE
    visit.node.set("town/plc2/reservoir1_level", 3.0)


def test_the_night_test_can_fail(visit: Any) -> None:
    page = visit("/help", theme="dark")
    assert channels(page, page.screenshot())["other"] > MOST_GREEN_OR_BLUE


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_scrolls_down_only(visit: Any, path: str) -> None:
    page = visit(path, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, lang="fr")
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    width = page.evaluate(
        "[document.documentElement, document.querySelector('main')].map(e => e.scrollWidth - e.clientWidth)"
    )
    assert max(width) <= 1
    small = page.evaluate(
        """() => [...document.querySelectorAll(".nav-link, .page-tools .button, .header .button")]
            .filter((e) => e.offsetParent && Math.min(e.offsetWidth, e.offsetHeight) < 43.5)
            .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert small == []


def test_vendored_charts_keep_to_the_content_policy(visit: Any) -> None:
    page = visit(TREND)
    expect(page.locator("#trend-chart canvas")).to_be_visible()
    policy = page.request.get(visit.node.ready.url + "/help").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert page.evaluate("document.querySelectorAll('style').length") == 0
