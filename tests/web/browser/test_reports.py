"""Reports in the browser: what is declared, one made now, looked at and saved; and who may not."""

from __future__ import annotations

from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser


def test_a_report_is_made_looked_at_and_saved(visit: Any) -> None:
    page = visit("/reports", user="operator", lang="es")
    expect(page.locator("#declared")).to_contain_text("Daily report of the waterworks")
    page.select_option("#order-period", "now")
    page.click("#order-make")
    expect(page.locator("#runs")).to_contain_text("hasta ahora")
    expect(page.locator("#runs .chip")).to_have_text("hecho")
    with page.expect_popup() as opened:
        page.locator("a[data-file$='.html']").click()
    report = opened.value
    report.wait_for_load_state()
    assert report.locator("h1").inner_text() == "Daily report of the waterworks"
    assert report.evaluate("getComputedStyle(document.body).maxWidth") == "1100px", "its own style is let through"
    assert report.locator("svg").count() == 8
    assert "town/plc2/pump4_state" in report.locator("body").inner_text()
    with page.expect_download() as saved:
        page.locator("a[data-file$='-alarms.csv']").click()
    assert saved.value.suggested_filename.endswith("-alarms.csv")
    viewer = visit("/reports", user="viewer")
    expect(viewer.locator("#runs .chip")).to_have_text("made")
    expect(viewer.locator("#order")).to_be_hidden()
