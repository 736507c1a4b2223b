"""The observatory's pages in a browser: its PLC in memory, its agents as they are; people with and without rights."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.welcome import Ready
from sereno.device import Environment
from sereno_observatory.demo import OBSERVATORY
from tests.web.browser.conftest import PASSWORD, RunningNode, in_memory

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

FINE = {
    "temperature": 12.0, "humidity": 50.0, "pressure": 769.0, "rain_rate": 0.0, "wind_speed": 3.0,
    "sky_temperature": -20.0,
    "rain_dry": 1, "rain_analog": 4.5, "dome_valid": 1, "vantage_valid": 0, "vantage_rain_rate": 0.0,
    "vantage_wind_speed": 3.0,
    "vantage_humidity": 50.0, "motion": 0, "dome_door": 0, "shutter": 0, "inside_humidity": 40.0,
}  # fmt: skip
APP = "/app/observatory"


MODULE = Path(__file__).parents[2] / "observatory/page_instruments.py"
PLANT = """
[plant]
name = "Observatory"
timezone = "America/Tijuana"
include = ["plc.toml", "safety.toml"]

[web]
pages = ["observatory"]
"""
AGENTS = {
    "environment": "",
    "majordome": "latitude = 31.0439\nlongitude = -115.4637\nstale_after = '30s'",
    "sequences": "latitude = 31.0439\nlongitude = -115.4637",
}
INSTRUMENTS = {"telescope": "Mount", "dome": "Roof", "camera": "Eye", "wheel": "Wheel"}


def plant_text() -> str:
    """The site with its agents, and instruments that obey at once."""
    agents = (
        f'[[device]]\nname = "observatory/{name}"\nclass = "sereno_observatory.{name}:{name.title()}"\n{more}\n'
        f'[[agent]]\ndevice = "observatory/{name}"\nsilent = "30s"\n'
        for name, more in AGENTS.items()
    )
    instruments = (
        f'[[device]]\nname = "site/{name}"\nclass = "page_instruments:{kind}"\n' for name, kind in INSTRUMENTS.items()
    )
    return PLANT + "".join((*agents, *instruments))


@dataclass
class ObservatoryNode(RunningNode):
    """The demo's site without its simulators: what the PLC says is set by the tests, instruments obey at once."""

    async def _start(self) -> Ready:
        home = self.folder / "site"
        shutil.copytree(OBSERVATORY.plant.parent, home)
        shutil.copy(MODULE, home)
        (home / "plant.toml").write_text(plant_text(), encoding="utf-8")
        plant = load_plant(home / "plant.toml")
        memory = in_memory(plant, self.memory)
        devices = tuple(old if old.written else new for old, new in zip(plant.devices, memory.devices, strict=True))
        self.unit("site/plc").values.update(FINE)
        self._node = Node(replace(plant, devices=devices), DataFolder(self.folder / "data"), Environment())
        ready = await self._node.start("127.0.0.1", 0)
        for role in ("viewer", "operator", "engineer"):
            await self.accounts.add_user(role, PASSWORD, [role], by="test")
        return ready

    def told(self, line: dict[str, str]) -> None:
        """As if an agent had logged this line."""
        self._node.parts.agent_logs.take(line)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    path = list(sys.path)
    with ObservatoryNode(tmp_path_factory.mktemp("node")) as running:
        yield running
    sys.path[:] = path
    sys.modules.pop("page_instruments", None)


@pytest.mark.parametrize("lang", ["en", "es", "fr"])
def test_every_page_speaks_every_language_and_fits_a_phone(visit: Any, lang: str) -> None:
    page = visit(f"{APP}/dashboard", lang=lang, viewport={"width": 400, "height": 850})
    for path in page.evaluate(f"[...document.querySelectorAll('a.nav-link[href^=\"{APP}\"]')].map(a => a.pathname)"):
        page.goto(visit.node.ready.url + path)
        expect(page.locator(".nav-link[aria-current=page]")).to_have_attribute("href", path)
        expect(page.locator("html")).to_have_attribute("data-link", "live")
        page.wait_for_timeout(300)
        assert re.findall(r"\bobservatory\.(?!db)[a-z_]+", page.inner_text("body")) == [], path
        assert (
            page.evaluate("document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth")
            <= 1
        )


def test_the_dashboard_lives_and_says_why_it_is_not_safe(visit: Any) -> None:
    page = visit(f"{APP}/dashboard", lang="es")
    expect(page.locator("#safety .ob-word")).to_have_text("Seguro")
    expect(page.locator(".ob-sky .ob-sun")).to_have_count(1)
    expect(page.locator(".ob-sky .ob-dome-closed")).to_have_count(1)
    expect(page.locator("#sidereal")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    expect(page.locator("#safety summary")).to_contain_text("6 guardas")
    visit.node.set("site/plc/rain_rate", 12.0)
    visit.node.set("site/plc/shutter", 1)
    expect(page.locator("#safety .ob-word")).to_have_text("No es seguro")
    expect(page.locator("#safety .ob-reasons")).to_contain_text("Lluvia: llueve mucho")
    expect(page.locator(".ob-sky .ob-dome-open")).to_have_count(1)
    visit.node.unit("site/plc").values.update(FINE)
    expect(page.locator("#safety .ob-word")).to_have_text("Seguro")


def test_who_may_commands_the_plc_and_plays_events_and_it_is_on_record(visit: Any) -> None:
    page = visit(f"{APP}/environment", user="engineer")
    row = page.locator("#commands li", has_text="Dome light")
    row.get_by_role("button", name="on").click()
    expect(page.locator("dialog")).to_contain_text("site/plc/dome_light")
    page.click("#confirm-send")
    expect(page.locator("#commands .ack[data-state=done]")).to_be_visible()
    assert visit.node.get("site/plc/dome_light") == 1
    page.get_by_role("button", name="Storm").click()
    page.fill("#confirm-comment", "drill")
    page.click("#confirm-send")
    storm = page.locator("tr", has=page.locator("[data-open-tag='observatory/environment/weather_wind']"))
    expect(storm).to_contain_text("a fake of engineer")
    expect(storm.locator("ob-flag")).to_have_text("▲ act")
    expect(page.locator(".ob-played")).to_have_text("Storm, made up by engineer")
    assert visit.node.get("site/plc/wind_speed") == FINE["wind_speed"]
    visit.node.set("site/plc/wind_speed", 40.0)
    expect(storm).to_contain_text("it storms")
    visit.node.set("site/plc/wind_speed", FINE["wind_speed"])
    page.get_by_role("button", name="End all").click()
    expect(page.locator(".ob-played li")).to_have_count(0)
    expect(storm.locator("ob-flag")).to_be_hidden()
    expect(page.locator("#plot canvas")).to_be_visible()
    records = page.request.get(f"{visit.node.ready.url}/api/v1/audit").json()["records"]
    found = {(one["actor"], one["target"]) for one in records}
    assert {("engineer", "site/plc/dome_light"), ("engineer", "observatory/environment")} <= found


def test_who_may_only_look_has_no_buttons_and_is_refused(visit: Any) -> None:
    page = visit(f"{APP}/environment", user="viewer")
    expect(page.locator("[data-open-tag='observatory/environment/weather_rain']")).to_be_visible()
    expect(page.locator("#commands")).to_be_hidden()
    expect(page.locator("#events")).to_be_hidden()
    page.goto(visit.node.ready.url + f"{APP}/agents")
    expect(page.locator("[data-agent='observatory/majordome'] .chip")).to_have_text("running")
    expect(page.locator("[data-agent] button")).to_have_count(0)
    call = {"target": "observatory/majordome/supervision", "verb": "call", "name": "stop"}
    answer = page.request.post(
        f"{visit.node.ready.url}/api/v1/commands", data=call, headers={"origin": visit.node.ready.url}
    )
    assert answer.status == 403


def test_an_agent_is_stopped_and_started_and_says_so_in_its_log(visit: Any) -> None:
    page = visit(f"{APP}/agents", user="operator")
    card = page.locator("[data-agent='observatory/majordome']")
    line = {"event": "decision", "level": "warning", "device": "observatory/majordome", "why": "it is <b>day</b>"}
    visit.node.call(lambda: visit.node.told(line))
    expect(card.locator(".ob-log-line[data-grade=warn]").first).to_contain_text("decision  why=it is <b>day</b>")
    for name, state in (("Stop", "stopped"), ("Start", "running")):
        card.get_by_role("button", name=name, exact=True).click()
        page.click("#confirm-send")
        expect(card.locator(".ack[data-state=done]")).to_be_visible()
        expect(card.locator(".chip").first).to_have_text(state)


def test_a_log_that_is_slow_is_asked_once_at_a_time(visit: Any, module_of: Any) -> None:
    body = """
        const asked = [];
        const [fetched, interval] = [window.fetch, window.setInterval];
        const lines = [{number: 5, t: "2026-11-28T21:12:16Z", level: "info", event: "one", fields: {}}];
        let tick, answer;
        window.setInterval = (f) => { tick = f; return 0; };
        window.fetch = (url, how) => (String(url).includes("/log?") ? new Promise((resolve) => {
            asked.push(new URL(url, location).searchParams.get("after"));
            answer = () => resolve(new Response(JSON.stringify({lines})));
        }) : fetched(url, how));
        const log = document.createElement("ob-log");
        log.setAttribute("agent", "a/b");
        try {
            document.body.append(log);
            tick(); tick();
            answer();
            await new Promise((r) => setTimeout(r, 100));
            tick();
            return {asked, lines: log.querySelectorAll("li").length};
        } finally {
            log.remove();
            Object.assign(window, {fetch: fetched, setInterval: interval});
        }
    """
    page = visit("/help")
    assert module_of(page, "../app/observatory/log.js", body) == {"asked": ["0", "5"], "lines": 1}


def test_a_page_that_cannot_be_made_says_why(visit: Any) -> None:
    page = visit(f"{APP}/agents")
    detail = '{"title": "no", "status": 500, "detail": "observatory.site failed"}'
    page.route("**/app/observatory/site", lambda route: route.fulfill(status=500, body=detail))
    page.goto(visit.node.ready.url + f"{APP}/agents")
    expect(page.locator(".page-head [role=alert]")).to_have_text("observatory.site failed")
    visit.faults.clear()


def test_an_instrument_is_commanded_by_its_declared_command(visit: Any) -> None:
    page = visit(f"{APP}/instruments", user="operator")
    card = page.locator("[data-instrument='site/telescope']")
    form = card.locator("[data-command=slew]")
    form.get_by_label("Right ascension (h)").fill("7.25")
    form.get_by_label("Declination (°)").fill("-80")
    form.get_by_role("button").click()
    expect(page.locator("dialog")).to_contain_text("site/telescope slew(7.25, -80)")
    page.click("#confirm-send")
    expect(card.locator(".ack[data-state=failed]")).to_contain_text("it stands below the horizon")
    form.get_by_label("Declination (°)").fill("41.5")
    form.get_by_role("button").click()
    page.click("#confirm-send")
    expect(card.locator(".ack[data-state=done]")).to_be_visible()
    expect(card.locator("sr-value[tag='site/telescope/right_ascension']")).to_contain_text("7.2500")
    card.get_by_role("button", name="Stop").click()  # stopping is not asked about
    expect(card.locator(".ob-status")).to_have_text("IDLE")
    page = visit(f"{APP}/instruments", user="viewer")
    expect(page.locator("[data-instrument]")).to_have_count(4)
    expect(page.locator(".ob-command")).to_have_count(0)


def test_the_image_just_taken_shows_itself_with_its_header(visit: Any) -> None:
    page = visit(f"{APP}/observer", user="operator")
    expect(page.locator("#list-note")).to_have_text("There are no images that you may see.")
    call = {"target": "site/camera", "verb": "call", "name": "expose", "arguments": [0.0, "light"]}
    answer = page.request.post(
        f"{visit.node.ready.url}/api/v1/commands", data=call, headers={"origin": visit.node.ready.url}
    )
    assert answer.status == 202, answer.text()
    expect(page.locator("#image-name")).to_have_text(re.compile(r"site-camera-\d{8}T\d{6}-00001\.fits"))
    expect(page.locator("#figures")).to_contain_text("400 × 300 × 16 bit")
    expect(page.locator("#cards tr", has_text="IMAGETYP")).to_contain_text("Light Frame")
    page.locator("#zoom-one").click()
    canvas = page.locator("#canvas")
    brightest = page.evaluate(
        """async () => {
            await new Promise((done) => setTimeout(done, 500));
            const canvas = document.getElementById("canvas");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return data.reduce((most, v, i) => (i % 4 ? most : Math.max(most, v)), 0);
        }"""
    )
    assert brightest > 200
    canvas.press("0")
    assert (
        page.locator("#download")
        .get_attribute("href")
        .startswith("/api/v1/app/observatory/fits?id=images%2Fsite-camera")
    )
    page = visit(f"{APP}/observer", user="viewer", lang="es")
    expect(page.locator("#images button")).to_have_count(1)
    expect(page.locator("#execution button")).to_have_count(0)
