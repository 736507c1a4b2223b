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
from sereno.app.simulators.placing import with_simulators
from sereno.app.welcome import Ready
from sereno.device import Environment
from sereno_observatory.demo import OBSERVATORY
from tests.observatory.sequences.asked import TOML
from tests.web.browser.conftest import PASSWORD, RunningNode, in_memory
from tests.web.browser.visiting import wait_for

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
include = ["site.toml", "plc.toml", "safety.toml"]

[[site.level]]
name = "observers"
roles = ["operator"]
priority = 5
quota = "10min"

[[site.level]]
name = "keepers"
roles = ["engineer"]
override = true

[[site.level]]
name = "others"

[web]
pages = ["observatory"]
"""
AGENTS = {
    "environment": "inside_temperatures = []",
    "majordome": "stale_after = '30s'",
    "sequences": "",
}
SIMULATOR = """
[[simulator]]
name = "alerts"
command = ["alerts"]
port = 8099
url = "vtp://127.0.0.1:{port}"
start = false
scenarios = ["scenarios/alerts.json"]
"""
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
    return PLANT + "".join((*agents, *instruments)) + SIMULATOR


@dataclass
class ObservatoryNode(RunningNode):
    """The demo's site without its simulators: what the PLC says is set by the tests, instruments obey at once."""

    async def _start(self) -> Ready:
        home = self.folder / "site"
        shutil.copytree(OBSERVATORY.plant.parent, home)
        shutil.copy(MODULE, home)
        (home / "plant.toml").write_text(plant_text(), encoding="utf-8")
        plant = with_simulators(load_plant(home / "plant.toml"))
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
    expect(page.locator(".ob-sky .ob-hidden title")).to_have_text("Bajo el horizonte")
    expect(page.locator("#sidereal")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    for name in ("begins", "ends"):
        row = page.locator(f"#night-{name}")
        expect(row.locator("[data-moment]")).to_have_text(re.compile(r"^\d\d:\d\d$"))
        expect(row.locator(".page-sub")).to_have_text(re.compile(r"^(dentro de|hace) \d+ (h|min|s)"))
    expect(page.locator("#safety summary")).to_contain_text("6 guardas")
    visit.node.set("site/plc/rain_rate", 12.0)
    visit.node.set("site/plc/shutter", 1)
    expect(page.locator("#safety .ob-word")).to_have_text("No es seguro")
    expect(page.locator("#safety .ob-reasons")).to_contain_text("Lluvia: llueve mucho")
    expect(page.locator(".ob-sky .ob-dome-open")).to_have_count(1)
    visit.node.unit("site/plc").values.update(FINE)
    expect(page.locator("#safety .ob-word")).to_have_text("Seguro")


def test_what_is_executed_has_its_name_and_its_place_in_the_sky(visit: Any) -> None:
    page = visit(f"{APP}/dashboard", user="engineer")
    expect(page.locator("#now")).to_contain_text(re.compile(r"Sequence under way\s*none"))

    def call(name: str, *arguments: Any) -> None:
        asked = {"target": "observatory/sequences", "verb": "call", "name": name, "arguments": arguments}
        url = visit.node.ready.url
        assert page.request.post(f"{url}/api/v1/commands", data=asked, headers={"origin": url}).status == 202

    call("add", re.sub(r"target = .*", 'target = "altaz 60 180"', TOML).replace('"M31"', '"High one"'))
    expect(page.locator(".ob-target title")).to_have_text(re.compile("High one"))
    present = page.request.get(f"{visit.node.ready.url}/api/v1/values?tag=observatory/sequences/present").json()
    number = next(int(found[1]) for found in [re.search(r'"id":\s*(\d+)[^}]*High one', str(present))] if found)
    call("start", number)
    expect(page.locator("#now")).to_contain_text(f"{number} · High one · 0 / 2")
    expect(page.locator(".ob-target-now")).to_have_count(1)
    call("conclude", number, "abort")
    expect(page.locator("#now")).to_contain_text(re.compile(r"Sequence under way\s*none"))


def test_who_may_commands_the_plc_and_plays_events_and_it_is_on_record(visit: Any) -> None:
    page = visit(f"{APP}/environment", user="engineer")
    row = page.locator("#commands li", has_text="Dome light")
    row.get_by_role("button", name="Switch on").click()
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


def test_what_a_site_has_not_has_no_row_and_no_line(visit: Any) -> None:
    page = visit(f"{APP}/environment")
    inside = page.locator("tr", has=page.locator("[data-open-tag='observatory/environment/site_temperature']"))
    expect(inside).to_be_hidden()
    expect(page.locator("#legend li")).to_have_count(1)
    page.locator("#quantities").get_by_role("button", name="Humidity").click()
    expect(page.locator("#legend li")).to_have_count(2)
    page.locator("#quantities").get_by_role("button", name="Temperature").click()
    expect(page.locator("#legend li")).to_have_text([re.compile("outside")])
    expect(page.locator("#spans [aria-pressed=true]")).to_have_text("15 min")  # it began a moment ago


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


def test_a_log_is_in_the_pages_language_where_its_words_are_known(visit: Any) -> None:
    page = visit(f"{APP}/majordome", user="viewer", lang="es")
    for event, why in (("decision", "the environment is not safe"), ("somebody fell", "of the ladder")):
        line = {"event": event, "level": "warning", "device": "observatory/majordome", "why": why}
        visit.node.call(lambda line=line: visit.node.told(line))
    lines = page.locator("#log .ob-log-line")
    known = lines.filter(has_text="decisión").first
    expect(known).to_contain_text("aviso decisión  motivo=el entorno no es seguro")
    expect(known.locator("[title=decision]")).to_have_text("decisión")
    expect(lines.filter(has_text="somebody fell").first).to_contain_text("somebody fell  motivo=of the ladder")


def test_a_simulator_is_started_with_a_scenario_and_stopped(visit: Any) -> None:
    page = visit(f"{APP}/agents", user="operator", lang="es")
    page.get_by_role("link", name="Simuladores").click()
    card = page.locator("[data-simulator='simulator/alerts']")
    expect(card.locator(".chip").first).to_have_text("parado")
    expect(card.locator(".ob-why")).to_have_text("arranca cuando alguien lo pide")
    expect(card.get_by_role("button", name="Parar")).to_be_hidden()
    card.get_by_label("Escenario al arrancar").select_option("alerts")
    card.get_by_role("button", name="Arrancar").click()
    expect(page.locator("dialog")).to_contain_text("simulator/alerts start(alerts)")
    page.click("#confirm-send")
    expect(card.locator(".chip").first).to_have_text("en marcha", timeout=60_000)
    expect(card.locator("sr-value[tag='simulator/alerts/pid']")).to_have_text(re.compile(r"^\d+$"))
    visit.node.call(
        lambda: visit.node.told({"event": "simulator says", "simulator": "simulator/alerts", "words": "url: vtp:"})
    )
    card.get_by_text("Registro").click()
    expect(card.locator(".ob-log-lines")).to_contain_text("simulator says  words=url: vtp:")
    card.get_by_role("button", name="Parar").click()
    page.click("#confirm-send")
    expect(card.locator(".chip").first).to_have_text("parado")
    expect(card.locator(".ob-why")).to_contain_text("stopped by operator at")
    expect(card.locator("sr-value[tag='simulator/alerts/pid']")).to_be_hidden()
    page = visit(f"{APP}/agents", user="viewer")
    expect(page.locator("[data-simulator]")).to_have_count(1)
    expect(page.locator("[data-simulator] button, [data-simulator] select")).to_have_count(0)


def test_a_level_holds_on_the_page_and_its_use_is_shown(visit: Any) -> None:
    page = visit(f"{APP}/majordome", user="operator")
    page.locator("#sequence-acts summary").click()
    for priority, exposure, answer in ((6, 300, "at most 5"), (5, 295, ""), (5, 301, "300 s wait")):
        text = TOML.replace("priority = 5", f"priority = {priority}").replace("exposure = 20", f"exposure = {exposure}")
        page.fill("#sequence-text", text.replace("images = 2", "images = 1"))
        page.get_by_role("button", name="Add").click()
        if answer:
            expect(page.locator("#sequence-acts .ack").filter(has_text=answer)).to_be_visible()
        else:
            expect(page.locator("#usage tbody tr")).to_have_text(
                re.compile("operator.*observers.*5 min 00 s.*10 min 00 s a night")
            )


def test_who_may_only_look_sees_a_sequence_in_full_and_changes_none(visit: Any) -> None:
    url = visit.node.ready.url
    page = visit(f"{APP}/majordome", user="admin")
    text = TOML.replace('"M31"', '"Vega"')
    asked = {"target": "observatory/sequences", "verb": "call", "name": "add", "arguments": [text]}
    assert page.request.post(f"{url}/api/v1/commands", data=asked, headers={"origin": url}).status == 202
    page = visit(f"{APP}/majordome", user="viewer")
    row = page.locator("#sequence-table tbody tr", has_text="Vega")
    row.get_by_role("button", name=re.compile("Look at the sequence.*Vega")).click()
    detail = page.locator("#sequence-detail")
    expect(detail.get_by_role("heading", name="Vega")).to_be_focused()
    expect(detail).to_contain_text("20 s")
    expect(detail).to_contain_text("admin")
    expect(row.get_by_role("button", name=re.compile("Cancel"))).to_have_count(0)
    asked = {"target": "observatory/sequences", "verb": "call", "name": "cancel", "arguments": [1]}
    assert page.request.post(f"{url}/api/v1/commands", data=asked, headers={"origin": url}).status == 403


def test_who_stands_on_a_sequence_stays_there_when_others_come(visit: Any) -> None:
    page = visit(f"{APP}/majordome", user="admin")
    page.locator("#sequence-acts summary").click()

    def add(name: str) -> Any:
        page.fill("#sequence-text", TOML.replace('"M31"', f'"{name}"').replace("exposure = 20", "exposure = 1"))
        page.locator("#sequence-text").press("Tab")
        return page.locator("#sequence-table tbody tr", has_text=name)

    first = add("Orion")
    page.keyboard.press("Enter")
    expect(page.locator("#sequence-text")).to_have_value("")
    second = add("Lyra")
    cancel = first.get_by_role("button", name=re.compile("Cancel.*Orion"))
    page.evaluate("document.querySelector('#sequence-acts form').requestSubmit()")
    cancel.focus()
    expect(second).to_be_visible()
    expect(first.get_by_role("button", name="Cancel the sequence")).to_be_focused()


def test_seconds_are_told_as_people_do(visit: Any, module_of: Any) -> None:
    body = """
        const element = document.createElement("ob-age");
        return [12, 495, 7500].map((value) => {
            element.paint({ value, quality: 0, spec: { type: "float64", unit: "s", decimals: 0 } });
            return element.textContent;
        });
    """
    assert module_of(visit("/help"), "../app/observatory/words.js", body) == ["12 s", "8 min 15 s", "2 h 05 min"]


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
            while (!log.querySelector("li")) await new Promise((r) => setTimeout(r, 10));
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
    expect(card.locator("ob-angle[tag='site/telescope/right_ascension']")).to_have_text("07ʰ15ᵐ00.0ˢ")
    expect(card.locator("ob-angle[tag='site/telescope/declination']")).to_have_text("+41°30′00″")
    form.get_by_label("Right ascension (h)").fill("05:75:00")
    form.get_by_role("button").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    form.get_by_label("Right ascension (h)").fill("05:30:36")
    form.get_by_label("Declination (°)").fill("-05 12 00")
    form.get_by_role("button").click()
    expect(page.locator("dialog")).to_contain_text("site/telescope slew(5.51, -5.2)")
    page.keyboard.press("Escape")
    wheel = page.locator("[data-instrument='site/wheel']")
    wheel.get_by_label("Filter").select_option("V")
    wheel.get_by_role("button", name="Select filter").click()
    page.click("#confirm-send")
    expect(wheel.locator("sr-value[tag='site/wheel/filter']")).to_have_text("V")
    card.get_by_role("button", name="Stop").click()  # stopping is not asked about
    expect(card.locator(".ob-status")).to_have_text("idle")
    page = visit(f"{APP}/instruments", user="viewer")
    expect(page.locator("[data-instrument]")).to_have_count(4)
    expect(page.locator(".ob-command")).to_have_count(0)


def test_what_an_instrument_takes_is_set_on_its_card_by_those_who_may(visit: Any) -> None:
    page = visit(f"{APP}/instruments", user="engineer")
    card = page.locator("[data-instrument='site/camera']")
    row = card.locator("dd", has=page.locator("[tag='site/camera/target_temperature']"))
    row.get_by_role("button", name="Set").click()
    page.fill("#editor", "-15")
    page.keyboard.press("Enter")
    page.click("#confirm-send")
    expect(row).to_contain_text("−15.0")
    page.keyboard.press("Escape")
    measured = card.locator("dd", has=page.locator("[tag='site/camera/temperature']"))
    expect(measured).to_contain_text("−20.0")
    expect(measured.get_by_role("button")).to_have_count(0)
    page = visit(f"{APP}/instruments", user="viewer")
    expect(page.locator("[data-instrument='site/camera'] dl")).to_contain_text("−15.0")
    expect(page.locator(".ob-set")).to_have_count(0)


def test_words_of_agents_are_translated_and_names_that_people_gave_are_not(visit: Any) -> None:
    page = visit(f"{APP}/observer", lang="es")
    page.evaluate(
        """() => {
            for (const kind of ["ob-words", "ob-name"]) {
                const shown = document.createElement(kind);
                shown.setAttribute("tag", "site/dome/shutter");
                document.getElementById("execution").append(shown);
            }
        }"""
    )
    expect(page.locator("#execution ob-words")).to_have_text("abierto")
    expect(page.locator("#execution ob-name")).to_have_text("open")


def test_what_is_for_manual_can_be_pressed_in_manual_only(visit: Any) -> None:
    page = visit(f"{APP}/majordome", user="operator")
    hand = page.locator("#manual")
    opening, power = hand.get_by_role("button", name="Open the dome"), hand.locator("[data-command=power]")
    expect(opening).to_be_disabled()
    expect(opening).to_have_attribute("title", "Only in mode MANUAL")
    expect(power.get_by_label("Of what")).to_be_disabled()
    expect(hand.get_by_role("button", name="Close the dome")).to_be_enabled()
    for mode in ("MANUAL", "AUTO"):
        page.locator("#state").get_by_role("button", name=mode).click()
        page.click("#confirm-send")
        (expect(opening).to_be_enabled if mode == "MANUAL" else expect(opening).to_be_disabled)()
        if mode == "MANUAL":
            power.get_by_label("Of what").select_option("cameras")
            power.get_by_role("button", name="Power: off").click()
            expect(page.locator("dialog")).to_contain_text("observatory/majordome power(cameras, false)")
            page.keyboard.press("Escape")
    page = visit(f"{APP}/majordome", user="viewer", lang="fr")
    expect(page.locator("#log")).to_be_visible()
    expect(page.locator("#manual")).to_be_hidden()


def test_the_image_just_taken_shows_itself_with_its_header(visit: Any) -> None:
    page = visit(f"{APP}/observer", user="operator")
    expect(page.locator("#list-note")).to_have_text("There are no images yet that you may see.")
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
    brightest = """() => {
        const canvas = document.getElementById("canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.reduce((most, v, i) => (i % 4 ? most : Math.max(most, v)), 0);
    }"""
    wait_for(page, lambda: page.evaluate(brightest) > 200)
    canvas.press("0")
    assert (
        page.locator("#download")
        .get_attribute("href")
        .startswith("/api/v1/app/observatory/fits?id=images%2Fsite-camera")
    )
    page = visit(f"{APP}/observer", user="viewer", lang="es")
    expect(page.locator("#images button")).to_have_count(1)
    expect(page.locator("#execution button")).to_have_count(0)
