"""What agents say, on the pages in the page's language: the texts come from the agents and from a night's log."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sereno_observatory.environment import elements
from sereno_observatory.majordome.conduct import Known, Mode, decide
from sereno_observatory.observer.lane import LATE
from tests.web.browser.conftest import RunningNode
from tests.web.browser.test_observatory import APP, ObservatoryNode

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.browser

NIGHT = Path(__file__).parents[3] / "benchmarks/night/seed1.log"
SAID = re.compile(r"  (?:majordome/last_order|majordome/decision|observer/result) +(.+)$")
GUARDED = re.compile(r"  guard \w+ +site/plc/dome_close = closed: (.+), after [\d.]+ s$")
ENGLISH = re.compile(r"\b(the|is|are|was|not|has|had|after|within|there|under|another|it|of|expected|in state)\b")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    path = list(sys.path)
    with ObservatoryNode(tmp_path_factory.mktemp("node")) as running:
        yield running
    sys.path[:] = path
    sys.modules.pop("page_instruments", None)


def in_words(page: Any, texts: list[str]) -> dict[str, str]:
    script = """async (texts) => {
        const own = document.querySelector("script[type=module][src*='/observatory/']").src;
        return texts.map((await import(own.replace(/[^/]*$/, "words.js"))).inWords);
    }"""
    return dict(zip(texts, page.evaluate(script, texts), strict=True))


def decisions() -> set[str]:
    known = product((True, False), (None, True, False), (0.0, 99.0), ("open", "closed", None), (0, 7), (0, 8))
    return {
        decide(mode, Known(night, safe, since, shutter, number, due=due, calibration=due, dark=True), 60.0).why
        for mode in Mode
        for night, safe, since, shutter, number, due in known
    }


def meanings() -> set[str]:
    limits, numbers = elements.Limits(), (0.0, 0.5, 1.0, 2.0, 3.0, 10.0, 80.0, 99.0)
    limited = (elements.judged_cloud, elements.judged_wind, elements.judged_humidity)
    said = {how(value, limits)[0] for how in limited for value in numbers}
    said |= {elements.judged_rain(value)[0] for value in numbers}
    return said | {elements.judged_lightning(*told, 1800.0)[0] for told in ((1.0, 0.0), (0.0, None), (0.0, 60.0))}


def of_the_night() -> set[str]:
    lines = NIGHT.read_text(encoding="utf-8").splitlines()
    return {found[1] for line in lines for form in (SAID, GUARDED) if (found := form.search(line))}


@pytest.mark.parametrize("lang", ["es", "fr"])
def test_what_is_decided_meant_and_told_of_a_night_is_in_the_pages_language(visit: Any, lang: str) -> None:
    texts = decisions() | meanings() | of_the_night()
    assert len(texts) > 60
    told = in_words(visit(f"{APP}/dashboard", lang=lang), sorted(texts))
    assert {text: words for text, words in told.items() if text == words or ENGLISH.search(words)} == {}


def test_reasons_keep_what_they_are_about(visit: Any) -> None:
    told = in_words(
        visit(f"{APP}/dashboard", lang="es"),
        [
            "interrupt: under way; park: done",
            "close: failed, jammed; park: done",
            f"sequence 12 failed: VIS: no image {LATE:g} s after the exposure; "
            "1 image in 34 s, 4 s of them overhead; try 1 of 3",
            "open: refused, interlock good(here/safe) and here/safe is not met: here/safe is false",
            "site/plc/rain_rate: device 'site/plc' is not connected",
            "device refused: low: it stands -26 deg high; the horizon there is 15 (observatory/majordome/slew)",
            "device refused: not_done: interlock a/safe is not met: a/safe is false (observatory/majordome/open_dome)",
            "sent, waiting for the readback of observatory/majordome/mode",
            "a fake of vera",
            "the mirror fell down",
        ],
    )
    assert list(told.values()) == [
        "interrumpir: en curso; aparcar: hecho",
        "cerrar: fallida, jammed; aparcar: hecho",
        "secuencia 12 fallida: VIS: ninguna imagen 150 s después de la exposición; 1 imagen en 34 s, "
        "de ellos 4 s perdidos; intento 1 de 3",
        "abrir: rechazado, el enclavamiento no se cumple: here/safe es falso",
        "site/plc/rain_rate: el equipo site/plc no está conectado",
        "el equipo lo rechaza: está a -26° de altura; el horizonte está ahí a 15°",
        "el equipo lo rechaza: el enclavamiento no se cumple: a/safe es falso",
        "enviada, esperando la relectura de observatory/majordome/mode",
        "simulado por vera",
        "the mirror fell down",
    ]


def test_a_reason_that_is_left_out_is_the_commands_own_in_english(visit: Any) -> None:
    page = visit(f"{APP}/majordome", lang="es")
    script = """async () => {
        const own = document.querySelector("script[type=module][src*='/observatory/']").src;
        const { commandForm } = await import(own.replace(/[^/]*$/, "forms.js"));
        const why = { name: "why", type: "string", optional: true, default: "interrupted" };
        const description = "Stop at once, and leave what is missing for later; whether there was something to stop.";
        const spec = { name: "interrupt", description, parameters: [why] };
        const form = commandForm("here/observer", spec, document.createElement("ol"));
        document.querySelector("main").prepend(form);
    }"""
    page.evaluate(script)
    field = page.get_by_label("Motivo").first
    assert (field.input_value(), field.get_attribute("placeholder")) == ("", "interrumpida")
    page.get_by_role("button", name="Interrumpir").click()
    asked = page.locator("dialog").inner_text()
    assert "Para enseguida y deja lo que falta para más tarde." in asked
    assert "here/observer interrupt(interrupted)" in asked
