"""The trend: live and history in one."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.web.browser.visiting import live_value, wait_for

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

TAG = "river/plc1/turbidity"
URL = f"/trend?tag={TAG}&tag=river/plc1/pump1_state&from=now-5m&to=now"


def ink(page: Any) -> int:
    """How many pixels of the chart have the first pen's colour."""
    return page.evaluate(
        """() => {
            const canvas = document.querySelector("#trend-chart canvas");
            if (!canvas) return 0;
            const copy = new OffscreenCanvas(canvas.width, canvas.height)
                .getContext("2d", { willReadFrequently: true });
            copy.drawImage(canvas, 0, 0);
            const p = copy.getImageData(0, 0, canvas.width, canvas.height).data;
            const hex = getComputedStyle(document.documentElement).getPropertyValue("--pen-1").trim();
            const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
            let found = 0;
            for (let i = 0; i < p.length; i += 4) {
                const distance = Math.abs(p[i] - r) + Math.abs(p[i + 1] - g) + Math.abs(p[i + 2] - b);
                if (p[i + 3] > 200 && distance < 40) found++;
            }
            return found;
        }"""
    )


def test_the_chart_draws_and_moves_with_the_plant(visit: Any) -> None:
    node = visit.node
    node.set(TAG, 5.0)
    page = visit(URL)
    value = page.locator(".legend tbody tr").first.locator(".legend-value")
    expect(value).to_have_text("5.0 NTU")
    wait_for(page, lambda: ink(page) > 20)
    node.set(TAG, 40.0)
    expect(value).to_have_text("40.0 NTU")
    expect(page.locator(".legend tbody tr").nth(1).locator(".legend-value")).to_have_text("stopped")
    wait_for(page, lambda: ink(page) > 60)


def test_history_is_there_for_a_page_that_comes_later(visit: Any) -> None:
    node = visit.node
    page = visit("/help")
    for number in (10.0, 60.0, 20.0):
        node.set(TAG, number)
        wait_for(page, lambda number=number: live_value(page, TAG) == number)
    page.goto(node.ready.url + URL)
    row = page.locator(".legend tbody tr").first
    expect(row.locator(".legend-high")).to_have_text(re.compile(r"^(?:[6-9]\d|\d{3,})\.\d NTU"))
    expect(row.locator(".legend-low")).to_have_text(re.compile(r"^\d\d?\.\d NTU"))


def test_zoom_leaves_live_and_the_button_comes_back(visit: Any) -> None:
    page = visit(URL)
    wait_for(page, lambda: ink(page) > 10)
    live = page.locator("#trend-live")
    expect(live).to_have_attribute("aria-pressed", "true")
    over = page.locator("#trend-chart .u-over")
    box = over.bounding_box()
    page.mouse.click(box["x"] + 200, box["y"] + 50)
    expect(live).to_have_attribute("aria-pressed", "true")
    page.mouse.move(box["x"] + 300, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 60, steps=4)
    page.mouse.up()
    expect(live).to_have_attribute("aria-pressed", "false")
    expect(page).to_have_url(re.compile(r"from=2\d{3}-\d\d-\d\dT[^&]*Z&to=2"))
    fixed = page.url
    page.reload()
    expect(page.locator("#trend-live")).to_have_attribute("aria-pressed", "false")
    assert page.url == fixed
    page.locator("body").press("l")
    expect(page.locator("#trend-live")).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile("to=now"))


def test_wheel_keys_and_buttons_move_the_window(visit: Any) -> None:
    page = visit(URL)
    wait_for(page, lambda: ink(page) > 10)
    page.click("[data-span='1h']")
    expect(page).to_have_url(re.compile("from=now-1h"))
    page.focus("#trend-chart")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#trend-live")).to_have_attribute("aria-pressed", "false")
    page.click("#trend-live")
    expect(page).to_have_url(re.compile("from=now-1h&to=now"))
    box = page.locator("#trend-chart .u-over").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 50)
    page.mouse.wheel(0, -120)
    expect(page.locator("#trend-live")).to_have_attribute("aria-pressed", "false")
    page.click("#trend-fixed summary")
    page.fill("#trend-from", "2026-05-31 14:05")
    page.fill("#trend-to", "yesterday")
    page.keyboard.press("Enter")
    expect(page.locator("#trend-fixed-error")).to_contain_text("Expected two times")
    page.fill("#trend-to", "2026-05-31 15:05")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"from=2026-05-31T12:05:00\.000Z&to=2026-05-31T13:05:00\.000Z"))


def test_pens_are_added_removed_and_remembered(visit: Any) -> None:
    page = visit("/trend")
    expect(page.locator("#trend-empty")).to_be_visible()
    page.fill("#trend-add", "tank_level")
    page.keyboard.press("Enter")
    expect(page.locator(".legend tbody tr")).to_have_count(2 if "dosing" in page.url else 1)
    page.goto(visit.node.ready.url + "/tags?q=river/plc1/ph")
    page.locator("tr[data-tag='river/plc1/ph'] .check").check()
    page.click("#tag-trend")
    expect(page.locator(".legend tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Remove river/plc1/ph").click()
    expect(page.locator(".legend tbody tr")).to_have_count(1)
    page.goto(visit.node.ready.url + "/trend?tag=no/such/tag")
    expect(page.locator("#trend-problem")).to_contain_text("no/such/tag")


def test_the_csv_has_a_point_and_utc_in_every_language(visit: Any) -> None:
    visit.node.set(TAG, 5.5)
    page = visit(URL, lang="fr")
    expect(page.locator(".legend-value").nth(1)).to_have_text("5,5 NTU")
    page.click(".trend-tools .menu:last-child summary")
    with page.expect_download() as download:
        page.click("#trend-csv")
    text = download.value.path().read_text()
    head, *rows = text.splitlines()
    assert head.startswith(f"time,{TAG} [NTU],{TAG} high [NTU],{TAG} low [NTU],river/plc1/pump1_state")
    assert any(re.match(r"20\d\d-\d\d-\d\dT[\d:.]+Z,5\.5,", row) for row in rows)
    with page.expect_download() as download:
        page.click("#trend-png")
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_a_lost_link_is_a_gap(visit: Any, module_of: Any) -> None:
    node = visit.node
    page = visit(URL)
    value = page.locator(".legend tbody tr").first.locator(".legend-value")
    expect(value).to_contain_text("NTU")
    node.wire("river/plc1").refuse = "connection refused"
    node.call(node.wire("river/plc1").cut)
    expect(value).to_have_text("Bad")
    node.wire("river/plc1").refuse = ""
    expect(value).to_contain_text("NTU")
    found = module_of(
        page, "api.js", f"return (await m.history(['{TAG}'], Date.now() - 60e3, Date.now(), null))[0].quality"
    )
    assert "bad" in found


def test_where_the_record_ends_and_live_goes_on_is_no_gap(visit: Any, module_of: Any) -> None:
    page = visit("/help")
    series = {"t_ns": [1e9, 2e9, 3e9, 4e9], "value": [1.0, None, 5.0, None], "quality": ["good", "bad", "good", "bad"]}
    body = "const p = m.fromSeries(x.series, 0, 10, x.written ?? Infinity); m.append(p, 5, 6); return p.gaps"
    gaps = [
        module_of(page, "trend/pen.js", body, {"series": series, "written": written}) for written in (4e9, 2e9, None)
    ]
    assert gaps == [[[2, 3]], [], [[2, 3], [4, 5]]]


@pytest.mark.parametrize(("behind", "gaps"), [(6, 0), (60, 1)])
def test_a_record_that_is_a_little_behind_is_no_gap_and_one_that_stands_still_is(
    visit: Any, module_of: Any, behind: int, gaps: int
) -> None:
    page = visit(f"/trend?tag={TAG}")

    def behind_now(route: Any) -> None:
        """The history as it is while the record is behind: what is later is bad."""
        until = time.time_ns()
        end = until - behind * 1_000_000_000
        told = {"tag": TAG, "unit": "NTU", "type": "float64", "labels": [], "since_ns": 0, "until_ns": until}
        told |= {"t_ns": [end - 10**9, end], "value": [5.0, None], "quality": ["good", "bad"]}
        told |= {"low": None, "high": None, "count": None, "covered_until_ns": end, "converted": []}
        route.fulfill(json={"series": [told]})

    page.route("**/api/v1/history?*", behind_now)
    body = """
        const model = new m.TrendModel();
        const live = () => model.pens[0].tail.length > 0 && !model.loading;
        await model.setTags([x]);
        while (!live()) await new Promise((seen) => model.addEventListener("data", seen, { once: true }));
        const told = model.pens[0].points.gaps.length;
        model.close();
        return told;
    """
    assert module_of(page, "trend/model.js", body, TAG) == gaps


def test_figures_of_the_window(visit: Any) -> None:
    page = visit(f"{URL}&tag=river/plc1/tank_level")
    expect(page.locator(".legend tbody tr")).to_have_count(3)
    page.locator("#trend-figures summary").click()
    row = page.locator(f".figures tr[data-tag='{TAG}']")
    expect(row.locator("[data-figure=count]")).to_have_text(re.compile(r"^[1-9]"))
    expect(row.locator("[data-figure=good]")).to_have_text(re.compile(r"%$"))
    expect(row.locator("svg rect")).not_to_have_count(0)
    expect(page.locator(".correlation tbody tr")).to_have_count(2)
    for step in range(14):
        level = 2.5 + step % 3 / 10
        visit.node.set("river/plc1/tank_level", level)
        wait_for(page, lambda level=level: live_value(page, "river/plc1/tank_level") == pytest.approx(level))
    page.locator("#trend-figures-again").click()
    expect(row).to_have_count(1)
    chart = page.locator("[data-chart='river/plc1/tank_level']")
    expect(chart.locator("svg .course")).to_have_count(2)


def test_a_browser_whose_clock_is_wrong_asks_for_what_the_node_calls_now(visit: Any) -> None:
    page = visit("/tags", once=True)
    page.add_init_script("{ const real = Date.now; Date.now = () => real() + 6 * 3600e3; }")
    with page.expect_request(re.compile(r"/api/v1/history\?")) as asked:
        page.goto(visit.node.ready.url + URL)
    to = re.search(r"[?&]to=([^&]+)", asked.value.url)
    assert to is not None
    end = page.evaluate("(text) => Date.parse(decodeURIComponent(text))", to[1])
    ahead = end - page.evaluate("Date.now() - 6 * 3600e3")
    assert ahead < 3600e3, f"it asks for what is {ahead / 3600e3:.1f} h ahead"
