"""The observatory's pages: who is who, what each person may do, and their files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.pages import LANGUAGES, Asked
from sereno.testing import JumpingClock, jumping
from sereno_observatory.environment.fakes import Fake
from sereno_observatory.pages import PAGES
from sereno_observatory.pages.site import site
from tests.observatory import rig

FOLDER = PAGES.folder
SCRIPTS = sorted(FOLDER.glob("static/*.js"))
TEMPLATES = sorted(FOLDER.glob("templates/*.html"))
PUBLIC = Path(__file__).parents[2] / "src/sereno/web/static/js/public.js"


def catalogue(lang: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / f"locale/{lang}.json").read_text("utf-8"))
    return found


def asked(here: rig.Site, role: str) -> Asked:
    return Asked(client=here.client.as_actor(Actor("somebody", (ROLES[role],))), query={})


AGENTS = ("environment", "majordome", "observer", "sequences")


@jumping
async def test_who_is_who_and_what_an_engineer_may_do(clock: JumpingClock) -> None:
    async with rig.site(clock) as here:
        found = await site(asked(here, "engineer"))
    assert {role: found[role] for role in ("environment", "majordome", "sequences", "plc")} == {
        "environment": "observatory/environment",
        "majordome": "observatory/majordome",
        "sequences": "observatory/sequences",
        "plc": "site/plc",
    }
    assert {"site/plc/dome_open", "site/plc/dome_close", "site/plc/dome_light"} <= set(found["writable"])
    assert found["events"] == [one.value for one in Fake]
    assert found["modes"] == ["observatory/majordome/mode"]


@jumping
async def test_who_may_only_look_is_offered_nothing(clock: JumpingClock) -> None:
    async with rig.site(clock) as here:
        found = await site(asked(here, "viewer"))
        operator = await site(asked(here, "operator"))
    assert found["environment"] == "observatory/environment"
    assert [found[name] for name in ("writable", "events", "modes", "called")] == [[], [], [], []]
    assert all(agent["commands"] == [] for agent in found["agents"])
    assert sorted(found["of_sequences"]) == ["find", "quotas", "show", "under_way"], "what only reads"
    assert {"add", "cancel"} <= set(operator["of_sequences"])
    assert operator["writable"]
    assert operator["events"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_every_text_with_its_slots(lang: str) -> None:
    english, other = catalogue("en"), catalogue(lang)
    assert set(english) == set(other)
    slots = re.compile(r"{(\w+)}")
    assert [k for k in english if set(slots.findall(other[k])) != set(slots.findall(english[k]))] == []
    assert all(key.startswith("observatory.") and text.strip() for key, text in other.items())


@pytest.mark.parametrize("path", [*SCRIPTS, *TEMPLATES], ids=lambda path: path.name)
def test_every_text_that_is_asked_for_is_there(path: Path) -> None:
    text, known = path.read_text("utf-8"), set(catalogue("en"))
    asked_for = {key for _, key in re.findall(r"""\bt\(\s*(["'`])(observatory\.[a-z0-9_.]+)\1""", text)}
    assert asked_for - known == set()
    for start in re.findall(r"\bt\(`(observatory\.[a-z0-9_.]*)\$\{", text):
        assert any(key.startswith(start) for key in known), start


def test_no_text_is_idle() -> None:
    text = "\n".join(path.read_text("utf-8") for path in [*SCRIPTS, *TEMPLATES])
    families = set(re.findall(r"`(observatory\.[a-z0-9_.]+)\$\{", text))
    families |= set(re.findall(r'"(observatory\.[a-z_]+\.)"', text))
    quoted = {f"observatory.{key}" for key in re.findall(r"""["'`]([a-z_.0-9]+)["'`]""", text)}
    idle = {key for key in catalogue("en") if not re.search(rf"""["'`]{re.escape(key)}["'`]""", text)} - quoted
    assert {key for key in idle if not any(key.startswith(family) for family in families)} == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_use_what_is_public(path: Path) -> None:
    text = path.read_text("utf-8")
    exported = set(
        re.findall(r"\w+", " ".join(re.findall(r"export (?:\{(.*?)\}|function \w+)", PUBLIC.read_text("utf-8"))))
    )
    exported |= set(re.findall(r"export function (\w+)", PUBLIC.read_text("utf-8")))
    for names, source in re.findall(r'import (?:\{(.*?)\} from )?"([^"]+)"', text):
        if source.startswith("./"):
            assert (path.parent / source).is_file(), source
        else:
            assert source == "../../js/public.js"
            wanted = {name.partition(" as ")[0].strip() for name in names.split(",")}
            assert wanted - exported == set()
            used = {name.rpartition(" as ")[2].strip() for name in names.split(",")}
            body = text.replace(names, "")
            assert {name for name in used if not re.search(rf"\b{name}\b", body)} == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_inline_script_or_style(path: Path) -> None:
    assert re.findall(r"<script|<style|\sstyle=|\son[a-z]+=|https?://", path.read_text("utf-8")) == []


def test_colours_are_those_of_all_pages() -> None:
    css = "".join(path.read_text("utf-8") for path in FOLDER.glob("static/*.css"))
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?!\s*\{)|\brgb\(|\bhsl\(", re.sub(r"^#\w+.*\{$", "", css, flags=re.M)) == []


def test_every_page_has_its_files_and_icon() -> None:
    icons = (FOLDER / "static/icons.svg").read_text("utf-8")
    for page in PAGES.pages:
        assert (FOLDER / "templates" / page.template).is_file()
        assert (FOLDER / "static" / page.script).is_file()
        assert all((FOLDER / "static" / style).is_file() for style in page.styles)
        assert f'id="{page.icon.partition("#")[2]}"' in icons


def test_what_agents_log_has_its_words_in_every_language() -> None:
    """But for faults of the code itself, whose words are for who mends it."""
    sources = [one.read_text("utf-8") for name in AGENTS for one in (FOLDER.parent / name).glob("*.py")]
    logged = re.compile(
        r"""(?:\b_?log\.(?:info|warning|error)|self\._happened)\(\s*"([^"]+)"(?: if \w+ else "([^"]+)")?"""
    )
    events = {event for text in sources for found in logged.findall(text) for event in found if event}
    assert {"decision", "the night is over", "sequence cancelled", "the book refuses"} <= events
    keys = {"observatory.event." + re.sub(r"[^a-z]+", "_", event.lower()).strip("_") for event in events}
    assert keys - set(catalogue("en")) == set()
