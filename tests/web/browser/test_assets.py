"""The files of the pages, without a browser."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

from sereno.app.plant.load import load_plant

ROOT = Path(__file__).parents[3]
WEB = ROOT / "src/sereno/web"
TEMPLATE = ROOT / "src/sereno/app/templates/plant"
TAGGED = ("tag", "level", "running", "state", "rotate", "visible", "flow", "write")
LANGUAGES = ("en", "es", "fr")


def catalogue(lang: str) -> dict[str, str]:
    return json.loads((WEB / "locale" / f"{lang}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def vendor() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vendor_tool", ROOT / "tools/vendor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["vendor_tool"] = module
    spec.loader.exec_module(module)
    return module


def test_vendored_files_are_whole(vendor: ModuleType) -> None:
    assert list(vendor.problems()) == []


def test_a_changed_or_foreign_vendored_file_is_found(vendor: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a-1").mkdir()
    for name in ("LICENSE", "a.js", "stray.js"):
        (tmp_path / "a-1" / name).write_text(name)
    files = tuple(vendor.File(name, name, vendor._sha256(b"a.js")) for name in ("a.js", "LICENSE", "gone.js"))
    vendor.write_index([vendor.Package("a", "a", "1", "MIT", files)], tmp_path)
    found = "\n".join(vendor.problems(tmp_path))
    assert all(part in found for part in ("LICENSE: SHA-256 is", "gone.js: missing", "stray.js: not declared"))
    assert "a.js: SHA-256" not in found


def test_vendored_packages_have_their_licence(vendor: ModuleType) -> None:
    assert all("LICENSE" in [f.name for f in package.files] for package in vendor.read_index())


@pytest.mark.parametrize("lang", LANGUAGES[1:])
def test_languages_are_complete(lang: str) -> None:
    english, other = catalogue("en"), catalogue(lang)
    assert set(other) == set(english)
    holes = {key: set(re.findall(r"\{\w+\}", text)) for key, text in english.items()}
    assert {key for key in holes if set(re.findall(r"\{\w+\}", other[key])) != holes[key]} == set()
    assert [key for key, text in other.items() if not text.strip()] == []


def test_every_text_that_is_asked_for_exists_and_none_is_idle() -> None:
    sources = [*WEB.glob("templates/*.html"), *WEB.glob("static/js/**/*.js"), *WEB.glob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    known = set(catalogue("en"))
    families = set(re.findall(r"""["'`]([a-z_]+\.[a-z_]*)(?:\$\{|["'] ~)""", text))
    asked = set(re.findall(r"""\bt\(["']([a-z_]+(?:\.[a-z_]+)+)["']""", text)) - families
    assert asked - known == set()
    idle = {key for key in known if f'"{key}"' not in text and f"'{key}'" not in text}
    assert {key for key in idle if not any(key.startswith(family) for family in families)} == set()


@pytest.mark.parametrize("path", sorted(WEB.glob("templates/*.html")), ids=lambda path: path.name)
def test_templates_have_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|https?://", text) == []


def test_scripts_and_styles_reach_nobody_else() -> None:
    allowed = {"http://www.w3.org/2000/svg"}
    for path in [*WEB.glob("static/js/**/*.js"), *WEB.glob("static/css/*.css"), *WEB.glob("static/*.svg")]:
        found = set(re.findall(r"https?://[^\s\"'`)]+", path.read_text(encoding="utf-8")))
        assert found - allowed == set(), path


def test_colours_are_named_in_one_file() -> None:
    for path in WEB.glob("static/css/*.css"):
        if path.name != "tokens.css":
            found = re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgb\(|\bhsl\(", path.read_text(encoding="utf-8"))
            assert found == [], path


def test_night_colours_have_only_red() -> None:
    text = (WEB / "static/css/tokens.css").read_text(encoding="utf-8")
    night = text[text.index(':root[data-theme="night"]') :]
    assert [c for c in re.findall(r"#[0-9a-f]{6}", night) if c[3:] != "0000"] == []
    assert [c for c in re.findall(r"rgb\((\d+) (\d+) (\d+)", night) if c[1:] != ("0", "0")] == []


READ = ("ink", "ink-2", "ink-3", "value", "accent", "crit-line")
"""Colours that texts have; `SURFACES` are what they stand on."""
SURFACES = ("ground", "panel", "raised", "sunken", "hover", "accent-soft")
FILLED = [("accent", "accent-ink"), ("accent-hover", "accent-ink"), ("warn", "warn-ink"), ("crit", "crit-ink")]


def luminance(colour: str) -> float:
    """As WCAG 2 has it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark", "night"])
def test_texts_stand_out_enough_to_be_read(theme: str) -> None:
    text = (WEB / "static/css/tokens.css").read_text(encoding="utf-8")
    block = text[text.index(f'data-theme="{theme}"]') :].partition("}")[0]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    faint = {}
    for one, other in [*FILLED, *((surface, ink) for surface in SURFACES for ink in READ)]:
        low, high = sorted(luminance(colours[name]) for name in (one, other))
        if (ratio := (high + 0.05) / (low + 0.05)) < 4.5:
            faint[one, other] = round(ratio, 2)
    assert faint == {}


def test_the_waterworks_mimic_is_bound_to_tags_that_exist() -> None:
    plant = load_plant(TEMPLATE / "plant.toml")
    known = {tag.spec.path for device in plant.devices for tag in device.tags}
    root = ET.parse(TEMPLATE / "mimic.svg").getroot()
    bound = {e.attrib[f"data-{name}"] for e in root.iter() for name in TAGGED if f"data-{name}" in e.attrib}
    assert len(bound) > 60
    assert bound - known == set()


def test_the_waterworks_mimic_speaks_all_languages() -> None:
    root = ET.parse(TEMPLATE / "mimic.svg").getroot()
    texts = [e for e in root.iter() if e.tag.endswith("}text") and (e.text or "").strip() not in ("", "!")]
    assert [e.text for e in texts if not {"data-es", "data-fr"} <= set(e.attrib)] == []
    assert [e.attrib for e in root.iter() if "data-name" in e.attrib and "data-fr" not in e.attrib] == []
    assert [e.attrib for e in root.iter() if "style" in e.attrib] == []


def test_every_page_asks_for_all_shared_scripts_at_once() -> None:
    folder = (WEB / "static/js").resolve()
    found, todo = set[str](), [folder / "shell.js"]
    while todo:
        path = todo.pop().resolve()
        name = path.relative_to(folder).as_posix()
        if name not in found:
            found.add(name)
            imports = re.findall(
                r'^import (?:[^"]*? from )?"(\.[^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE
            )
            todo += [path.parent / other for other in imports]
    listed = re.search(r"for name in \((.*?)\)\.split\(\)", (WEB / "templates/base.html").read_text(), re.DOTALL)
    assert listed is not None
    assert {f"{name}.js" for name in re.findall(r"[a-z0-9_/]+", listed.group(1))} == found
