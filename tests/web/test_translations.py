"""Every text in every language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sereno.web
from sereno.web.translations import LANGUAGES, Translations, choose

WEB = Path(sereno.web.__file__).parent
FILES = sorted([*WEB.glob("templates/**/*.html"), *(p for p in WEB.glob("static/js/**/*.js"))])
KEY = re.compile(r"""\bt\(\s*(["'`])([a-z0-9_.]+)\1\s*[,)]""")
START = re.compile(r"""\bt\(\s*["'`]([a-z0-9_.]+\.)(?:["']\s*~|\$\{|["']\s*\+)""")
SLOT = re.compile(r"{(\w+)}")

CATALOGUES = Translations(WEB / "locale").catalogues


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_every_text(lang: str) -> None:
    assert CATALOGUES[lang]
    assert set(CATALOGUES[lang]) == set(CATALOGUES["en"])
    assert [key for key, text in CATALOGUES[lang].items() if not text.strip()] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_translations_have_the_same_slots(lang: str) -> None:
    english = CATALOGUES["en"]
    wrong = [k for k, text in CATALOGUES[lang].items() if set(SLOT.findall(text)) != set(SLOT.findall(english[k]))]
    assert wrong == []


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.relative_to(WEB).as_posix())
def test_every_key_that_is_asked_for_is_there(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert {key for _, key in KEY.findall(text)} - set(CATALOGUES["en"]) == set()
    for start in START.findall(text):
        assert any(key.startswith(start) for key in CATALOGUES["en"]), start


def test_the_search_for_keys_finds_some() -> None:
    found = {key for file in FILES for _, key in KEY.findall(file.read_text(encoding="utf-8"))}
    assert len(found) > 50


def test_a_missing_text_shows_in_english_and_an_unknown_key_as_itself(tmp_path: Path) -> None:
    (tmp_path / "en.json").write_text('{"a": "{n} tags of {site}", "b": "hello"}')
    (tmp_path / "es.json").write_text('{"a": "{n} señales de {site}"}')
    t = Translations(tmp_path).of("es")
    assert t("a", n=3, site="{n}") == "3 señales de {n}"
    assert t("b") == "hello"
    assert t("c") == "c"


@pytest.mark.parametrize(
    ("accepted", "preferred", "expected"),
    [
        ("", None, "en"),
        ("fr", None, "fr"),
        ("de-DE,es;q=0.8,en;q=0.9", None, "en"),
        ("de,it", None, "en"),
        ("es-MX,en;q=0.9", "fr", "fr"),
        ("es", "<script>", "es"),
        ("fr;q=x,es;q=0.1", None, "es"),
        ("*", None, "en"),
        ("fr," * 10_000, None, "fr"),
    ],
)
def test_the_language_is_the_cookies_else_the_browsers(accepted: str, preferred: str | None, expected: str) -> None:
    assert choose(accepted, preferred) == expected
