"""The image view in a browser: which image is shown, what is measured in it, and what cannot be shown."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from sereno.device.instruments import encode_fits
from sereno_observatory.pages import imagefiles
from tests.observatory.page_instruments import SHAPE, stars
from tests.web.browser.conftest import RunningNode
from tests.web.browser.test_looks import MOST_GREEN_OR_BLUE, channels
from tests.web.browser.test_observatory import APP, ObservatoryNode
from tests.web.browser.visiting import wait_for

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser
FIRST, SECOND = (f"site-camera-20261128T211216-0000{n}.fits" for n in (1, 2))
INTERFACE = "**/api/v1/app/observatory/"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    path = list(sys.path)
    folder = tmp_path_factory.mktemp("node")
    (folder / "data/images").mkdir(parents=True)
    for name in (FIRST, SECOND):
        facts = {"OBJECT": name[-7:-5], "EXPTIME": 12.5, "DATE-OBS": f"2026-11-28T21:12:{name[-7:-5]}"}
        (folder / "data/images" / name).write_bytes(encode_fits(stars(), facts))
    with ObservatoryNode(folder) as running:
        yield running
    sys.path[:] = path
    sys.modules.pop("page_instruments", None)


def choose(page: Any, name: str) -> Any:
    return page.locator(f"[data-image='images/{name}']")


def drawn(page: Any, wanted: bool) -> None:
    """Wait until there is something on the canvas, or nothing."""
    script = """(wanted) => {
        const canvas = document.getElementById("canvas");
        const { width, height } = canvas;
        const empty = Object.assign(document.createElement("canvas"), { width, height });
        return (canvas.toDataURL() !== empty.toDataURL()) === wanted;
    }"""
    wait_for(page, lambda: page.evaluate(script, wanted))


def test_of_images_that_are_asked_for_in_a_hurry_the_last_one_is_shown(visit: Any) -> None:
    page = visit(f"{APP}/observer")
    expect(page.locator("#image-name")).to_have_text(SECOND)

    held: list[Any] = []
    page.route(
        f"{INTERFACE}image?*", lambda route: held.append(route) if FIRST in route.request.url else route.continue_()
    )
    choose(page, FIRST).click()
    wait_for(page, lambda: len(held) > 0)
    choose(page, SECOND).click()
    expect(page.locator("#image-note")).to_be_empty()
    with page.expect_response(lambda response: FIRST in response.url):
        held[0].continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#image-name")).to_have_text(SECOND)
    expect(choose(page, SECOND)).to_have_attribute("aria-pressed", "true")
    expect(choose(page, FIRST)).to_have_attribute("aria-pressed", "false")


def test_a_click_measures_the_star_under_it(visit: Any) -> None:
    page = visit(f"{APP}/observer")
    expect(page.locator("#image-what")).to_have_text(re.compile(r"02 · camera · 12\.5 s · 2026-11-28 13:12:02 Tijuana"))
    expect(page.locator("#images button").first).to_contain_text("02 · 12.5 s")
    drawn(page, True)
    canvas = page.locator("#canvas")
    box = canvas.bounding_box()
    scale = min(box["width"] / SHAPE[1], box["height"] / SHAPE[0])
    left, top = (box["width"] - SHAPE[1] * scale) / 2, (box["height"] - SHAPE[0] * scale) / 2
    canvas.click(position={"x": left + 33.5 * scale, "y": top + (SHAPE[0] - 9.5) * scale})
    expect(page.locator("#star")).to_have_text(re.compile(r"star: x 31\.0\s+y 11\.0\s+FWHM 3\.7\d px"))
    expect(page.locator("#pixel")).to_have_text(re.compile(r"^x 3\d\s+y 1\d\s+\d+$"))
    page.get_by_role("button", name="z-scale").click()
    expect(page.locator(".ob-cuts")).to_have_count(1)


COUNTS_DRAWING = """() => {
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    CanvasRenderingContext2D.prototype.drawImage = function (...how) {
        draw.apply(this, how);
        window.drawn += 1;
    };
}"""


def test_the_place_and_scale_stay_from_image_to_image(visit: Any) -> None:
    page = visit(f"{APP}/observer")
    expect(page.locator("#image-name")).to_have_text(SECOND)
    drawn(page, True)
    page.locator("#zoom-one").click()
    page.evaluate(COUNTS_DRAWING)
    pictures = []
    for name in (FIRST, SECOND):
        page.evaluate("window.drawn = 0")
        choose(page, name).click()
        expect(page.locator("#image-name")).to_have_text(name)
        wait_for(page, lambda: page.evaluate("window.drawn > 0"))
        pictures.append(page.evaluate("document.getElementById('canvas').toDataURL()"))
    assert pictures[0] == pictures[1]


def test_an_image_whose_pixels_do_not_come_is_not_shown_as_the_one_before_it(visit: Any) -> None:
    page = visit(f"{APP}/observer")
    expect(page.locator("#image-name")).to_have_text(SECOND)
    drawn(page, True)
    page.route(f"{INTERFACE}pixels?*", lambda route: route.fulfill(status=500, body=""))
    choose(page, FIRST).click()
    expect(page.locator("#image-name")).to_have_text(FIRST)
    expect(page.locator("#image-note")).not_to_be_empty()
    drawn(page, False)
    visit.forgive("500")


def test_what_is_too_large_is_offered_for_download(visit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit(f"{APP}/observer")
    expect(page.locator("#figures")).to_contain_text("400 × 300")
    monkeypatch.setattr(imagefiles, "MOST_BYTES", 10)
    choose(page, FIRST).click()
    expect(page.locator("#image-note")).to_contain_text("too large to be shown, download it")
    expect(page.locator("#image-name")).to_have_text(FIRST)
    expect(page.locator("#figures")).to_be_empty()
    assert page.request.get(visit.node.ready.url + page.locator("#download").get_attribute("href")).status == 200
    visit.forgive("409")
    visit.forgive("422")


@pytest.mark.parametrize(("level", "grey", "saturated"), [(1234, 128, False), (65535, 255, True)])
def test_an_image_of_one_value_is_grey_and_said_to_be_that(visit: Any, level: int, grey: int, saturated: bool) -> None:
    name = "site-camera-20261128T211216-00003.fits"
    file = visit.node.folder / "data/images" / name
    file.write_bytes(encode_fits(np.full((30, 40), level, np.uint16)))
    try:
        page = visit(f"{APP}/observer", lang="es")
        choose(page, name).click()
        expect(page.locator("#image-note")).to_have_text(re.compile(r"Todos los píxeles valen \d+\D?\d+\."))
        expect(page.locator("#figures")).to_contain_text("40 × 30")
        assert ("Saturados" in page.locator("#figures").inner_text()) == saturated
        drawn(page, True)
        middle = """() => { const c = document.getElementById("canvas");
            return c.getContext("2d").getImageData(c.width / 2, c.height / 2, 1, 1).data[0]; }"""
        wait_for(page, lambda: page.evaluate(middle) == grey)
    finally:
        file.unlink()


def test_one_camera_can_be_followed(visit: Any) -> None:
    page = visit("/help")
    facts = {
        "night": "",
        "bytes": 1,
        "t": "2026-11-28T21:12:16Z",
        "object": "M31",
        "kind": "LIGHT",
        "filter": "r",
        "exposure": 5,
    }
    names = {"site-camera": FIRST, "site-nir": SECOND}
    listed = [{"id": f"images/{n}", "name": n, "camera": camera} | facts for camera, n in names.items()]
    page.route(f"{INTERFACE}images", lambda route: route.fulfill(body=json.dumps({"images": listed})))
    page.goto(visit.node.ready.url + f"{APP}/observer")
    expect(page.locator("#image-name")).to_have_text(FIRST)
    page.locator("#camera").select_option("site-nir")
    expect(page.locator("#images button")).to_have_count(1)
    expect(page.locator("#image-name")).to_have_text(SECOND)


ANGLES = {
    "5.5": 5.5, "05:30:00": 5.5, "05 30 36": 5.51, "5h30m": 5.5, "-05 12 00": -5.2, "−0°30′": -0.5,
    "+41:16:12,0": 41.27,
    "": None, "5:60:00": None, "5.5:30": None, "north": None, "1 2 3 4": None,
}  # fmt: skip


def test_angles_are_read_and_written_as_astronomers_do(visit: Any, module_of: Any) -> None:
    page = visit("/help")
    body = """return {
        read: x.map((text) => m.parseAngle(text)),
        hours: [5.51, 23.9999999, -0.5].map(m.formatHours),
        degrees: [-5.2, 41.27, -0.0001, 89.99999].map(m.formatDegrees),
        targets: ["RA 0.71200 h, dec +41.2700 deg", "altitude 70.00 deg, azimuth 180.00 deg", "the moon"]
            .map(m.formatTarget),
    };"""
    found = module_of(page, "../app/observatory/angles.js", body, list(ANGLES))
    assert found["read"] == [None if value is None else pytest.approx(value) for value in ANGLES.values()]
    assert found["hours"] == ["05ʰ30ᵐ36.0ˢ", "00ʰ00ᵐ00.0ˢ", "23ʰ30ᵐ00.0ˢ"]
    assert found["degrees"] == ["−05°12′00″", "+41°16′12″", "+00°00′00″", "+90°00′00″"]
    assert found["targets"] == ["00ʰ42ᵐ43.2ˢ +41°16′12″", "altitude 70.0°, azimuth 180.0°", "the moon"]


def test_of_two_stars_that_are_asked_for_the_last_one_is_told(visit: Any) -> None:
    page = visit(f"{APP}/observer")
    expect(page.locator("#figures")).to_contain_text("400 × 300")
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route(f"{INTERFACE}star?*", hold)
    canvas = page.locator("#canvas")
    canvas.press("Enter")
    canvas.press("ArrowLeft")
    canvas.press("Enter")
    while len(held) < 2:
        page.wait_for_timeout(20)
    none = json.dumps({"star": None})
    found = {"x": 30.0, "y": 10.0, "fwhm": 3.7, "peak": 900.0, "flux": 9000.0, "sky": 100.0}
    held[1].fulfill(body=none, content_type="application/json")
    expect(page.locator("#star")).to_have_text("no star stands out here")
    held[0].fulfill(body=json.dumps({"star": found}), content_type="application/json")
    page.wait_for_timeout(300)
    expect(page.locator("#star")).to_have_text("no star stands out here")


def test_two_fingers_bring_the_image_nearer(visit: Any) -> None:
    page = visit(f"{APP}/observer", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    drawn(page, True)
    canvas = page.locator("#canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)

    def touch(kind: str, apart: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": middle + side * apart, "y": y, "id": side} for side in (-1, 1)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def column(offset: float) -> int:
        page.mouse.move(middle + offset, y)
        return int(re.search(r"x\s*(\d+)", page.locator("#pixel").inner_text())[1])

    before = column(80) - column(-80)
    touch("touchStart", 40)
    for apart in (50, 60, 70, 80):
        touch("touchMove", apart)
    touch("touchEnd", 0)
    assert column(80) - column(-80) == pytest.approx(before / 2, abs=3)
    assert page.locator("#star").inner_text() == ""


@pytest.mark.parametrize("page_name", ["dashboard", "environment", "instruments", "majordome", "observer", "agents"])
def test_at_night_an_observatory_has_no_green_and_no_blue(visit: Any, page_name: str) -> None:
    page = visit(f"{APP}/{page_name}", theme="night", viewport={"width": 1440, "height": 2400})
    page.wait_for_timeout(700)
    found = channels(page, page.screenshot())
    assert found["red"] > 150
    assert found["other"] <= MOST_GREEN_OR_BLUE
