"""The mimic moves with the plant."""

from __future__ import annotations

import re
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser


def test_values_levels_and_states_follow_the_plant(visit: Any) -> None:
    node = visit.node
    node.set("river/plc1/tank_level", 1.0)
    node.set("river/plc1/pump1_state", 0)
    page = visit("/")
    value = page.locator("[data-tag='river/plc1/tank_level'] .value-text")
    water = page.locator("[data-level='river/plc1/tank_level']")
    pump = page.locator("[data-state='river/plc1/pump1_state']")
    expect(value).to_have_text("1.000")
    low = float(water.get_attribute("height"))
    expect(pump).to_have_class(re.compile("state-stopped"))
    expect(pump.locator(".m-fault")).to_be_hidden()
    node.set("river/plc1/tank_level", 4.0)
    node.set("river/plc1/pump1_state", 4)
    expect(value).to_have_text("4.000")
    expect(pump).to_have_class(re.compile("state-fault"))
    expect(pump.locator(".m-fault")).to_be_visible()
    assert float(water.get_attribute("height")) == pytest.approx(4 * low, abs=0.3)
    node.set("river/plc1/pump1_state", 2)
    expect(pump).to_have_class(re.compile("state-running"))


def test_water_flows_only_while_it_flows(visit: Any) -> None:
    node = visit.node
    node.set("river/plc1/intake_flow", 0.0)
    page = visit("/", once=True)
    pipe = page.locator(".m-dash[data-flow='river/plc1/intake_flow']").first
    expect(page.locator("[data-tag='river/plc1/intake_flow']")).to_contain_text("0.0")
    expect(pipe).not_to_have_class(re.compile("is-flowing"))
    node.set("river/plc1/intake_flow", 350.0)
    expect(pipe).to_have_class(re.compile("is-flowing"))
    assert page.evaluate("getComputedStyle(document.querySelector('.m-dash.is-flowing')).animationName") == "flow"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('.m-dash.is-flowing')).animationName") == "none"


def test_a_value_beyond_its_limits_has_a_colour_and_a_sign(visit: Any) -> None:
    node = visit.node
    node.set("town/plc2/reservoir1_level", 3.0)
    page = visit("/")
    readout = page.locator("[data-tag='town/plc2/reservoir1_level']")
    expect(readout).to_have_text(re.compile("3.000 m"))
    expect(readout).not_to_have_class(re.compile("is-warn|is-crit"))
    node.set("town/plc2/reservoir1_level", 5.0)
    expect(readout).to_have_class(re.compile("is-warn"))
    expect(readout.locator(".value-sign")).to_have_text("▲ ")
    expect(readout).to_have_attribute("aria-label", re.compile("above its high limit"))
    node.set("town/plc2/reservoir1_level", 0.5)
    expect(readout).to_have_class(re.compile("is-crit"))
    node.set("town/plc2/reservoir1_level", 3.0)
    expect(readout).not_to_have_class(re.compile("is-warn|is-crit"))


def test_what_has_no_link_is_stale_with_its_reason_and_comes_back(visit: Any) -> None:
    node = visit.node
    page = visit("/")
    level = page.locator("[data-tag='town/plc2/reservoir2_level']")
    expect(level).to_have_class(re.compile("is-good"))
    node.wire("town/plc2").refuse = "connection refused"
    node.call(node.wire("town/plc2").cut)
    expect(level).to_have_class(re.compile("is-bad"))
    expect(level.locator(".value-sign")).to_have_text("? ")
    expect(page.locator("[data-tag='river/plc1/tank_level']")).to_have_class(re.compile("is-good"))
    level.click()
    expect(page.locator("#faceplate .quality")).to_have_text("Bad")
    expect(page.locator("#faceplate dd").nth(1)).to_contain_text("town/plc2")
    struck = page.evaluate(
        "getComputedStyle(document.querySelector('.faceplate-value .value-text')).textDecorationLine"
    )
    assert struck == "line-through"
    node.wire("town/plc2").refuse = ""
    expect(level).to_have_class(re.compile("is-good"))
    expect(page.locator("#faceplate .quality")).to_have_text("Good")


@pytest.mark.parametrize("lang", ["en", "es", "fr"])
def test_the_table_shows_the_same_tags(visit: Any, lang: str) -> None:
    visit.node.set("river/plc1/turbidity", 12.5)
    page = visit("/?view=table", lang=lang)
    row = page.locator("#mimic-table tr", has_text="river/plc1/turbidity").first
    expect(row.locator(".value-text")).to_have_text("12.5" if lang == "en" else "12,5")
    expect(page.locator("#mimic")).to_be_hidden()
    bound = page.evaluate("new Set([...document.querySelectorAll('#mimic [data-tag]')].map(e => e.dataset.tag)).size")
    assert page.locator("#mimic-table sr-value").count() >= bound > 50
    page.click("[data-view=drawing]")
    expect(page.locator("#mimic svg")).to_be_visible()


def test_everything_bound_can_be_reached_and_has_a_name(visit: Any) -> None:
    page = visit("/")
    expect(page.locator("[data-tag='river/plc1/tank_level']")).to_have_class(re.compile("is-good"))
    nameless = page.evaluate(
        "[...document.querySelectorAll('#mimic [data-tag], #mimic [data-state]')].filter(e => {"
        " const b = e.closest('[role=button]'); return !b || b.tabIndex < 0 || !b.getAttribute('aria-label') }).length"
    )
    assert nameless == 0


def test_a_text_that_is_wider_than_its_box_is_shortened(visit: Any, module_of: Any) -> None:
    body = """
        const svg = document.querySelector("#mimic svg");
        svg.insertAdjacentHTML("beforeend", `<g class="readout" data-tag="x">
            <rect class="readout-box" width="300" height="26"/><text class="readout-value" x="292" y="18"></text></g>`);
        const [group, said] = [svg.lastElementChild, []];
        const [{ paint }] = m.painters(group);
        for (const value of x) {
            paint({ value, quality: 0, spec: { type: "string", labels: [] } });
            const text = group.querySelector(".readout-value");
            said.push([text.textContent, text.getComputedTextLength() <= 292]);
        }
        return said;
    """
    order = "close: refused, another command to site/plc/dome_close is under way"
    shown, long = module_of(visit("/"), "mimic/bind.js", body, ["open: done", order])
    assert shown == ["open: done", True]
    assert long[1]
    assert long[0].endswith("…")
    assert len(long[0]) > 20
    assert order.startswith(long[0][:-1])


DRAWN = """
    const { commandWords, isCommand, painters } = m;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.innerHTML = `
        <g id="open" data-tag="a/b/shutter" data-write="a/b/open"><text class="readout-value"/></g>
        <g id="close" data-tag="a/b/shutter" data-write="a/b/close"><text class="readout-value"/></g>
        <g id="fold" data-write="a/b/fold"><text>Fold it</text></g>
        <g id="lamp" data-tag="a/b/lamp" data-write="a/b/lamp_set"><text class="readout-value"/></g>
        <g id="state" data-tag="a/b/shutter"><text class="readout-value"/></g>`;
    svg.querySelector("#fold").dataset.words = "Fold it";
    const spec = { tag: "a/b/close", type: "enum", labels: ["closed", "open"], setpoint: { low: 0, high: 0 } };
    return [...svg.querySelectorAll("g")].map((one) => [
        one.id, isCommand(one), painters(one).map(({ tag }) => tag).join(" "),
        isCommand(one) ? commandWords(one, spec) : ""]);
"""


def test_a_state_is_shown_once_and_the_commands_that_share_it_are_buttons(visit: Any, module_of: Any) -> None:
    page = visit("/")
    assert module_of(page, "mimic/bind.js", DRAWN) == [
        ["open", True, "", "closed"],
        ["close", True, "", "closed"],
        ["fold", True, "", "Fold it"],
        ["lamp", False, "a/b/lamp", ""],
        ["state", False, "a/b/shutter", ""],
    ]
