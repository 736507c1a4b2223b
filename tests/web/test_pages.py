from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sereno.web.app import create_app

HTML = {"accept": "text/html"}
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg"><title>Plant</title><rect onload="x()" data-tag="a/b"/></svg>'


def _with_mimic(site: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "plant.svg").write_text(text)
    site.context = replace(site.context, mimic=tmp_path / "plant.svg")
    site.app = create_app(site.context)


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", "mimic"),
        ("/mimic", "mimic"),
        ("/tags", "tags"),
        ("/trend", "trend"),
        ("/devices", "devices"),
        ("/help", "help"),
    ],
)
async def test_pages_know_the_site_the_person_and_the_language(site, path: str, page: str) -> None:
    async with await site.signed_in("viewer") as browser:
        answer = await browser.get(path, headers={"accept-language": "fr-CA,fr;q=0.9,en;q=0.5"})
    assert answer.text == f"<p>{page}|fr|Waterworks|viewer|</p>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


async def test_the_mimic_is_in_the_page_and_by_itself_and_safe(site, tmp_path: Path) -> None:
    _with_mimic(site, tmp_path, DRAWING)
    async with await site.signed_in("viewer") as browser:
        page, alone = await browser.get("/"), await browser.get("/mimic.svg")
    assert alone.headers["content-type"] == "image/svg+xml"
    assert '<rect data-tag="a/b"/>' in alone.text
    assert alone.text in page.text
    assert "onload" not in page.text


async def test_a_broken_mimic_says_what_is_wrong(site, tmp_path: Path) -> None:
    _with_mimic(site, tmp_path, "<!DOCTYPE svg><svg/>")
    async with await site.signed_in("viewer") as browser:
        answer = await browser.get("/", headers=HTML)
    assert answer.status_code == 500
    assert "mimic plant.svg: it has a document type declaration" in answer.text


async def test_without_a_mimic_there_is_none(site) -> None:
    async with await site.signed_in("viewer") as browser:
        assert (await browser.get("/mimic.svg")).status_code == 404


async def test_a_device_page_is_about_a_device_that_is_there(site) -> None:
    async with await site.signed_in("viewer") as browser:
        assert (await browser.get("/devices/north/plc1")).text.endswith("|north/plc1</p>")
        answer = await browser.get("/devices/<script>", headers=HTML)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "&lt;script&gt;" in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/api/v1/nothing", 404)])
async def test_people_get_a_page_and_programs_a_problem(site, path: str, status: int) -> None:
    async with await site.signed_in("viewer") as browser:
        answer = await browser.get(path, headers=HTML)
    assert answer.status_code == status
    kind = "application/problem+json" if path.startswith("/api") else "text/html; charset=utf-8"
    assert answer.headers["content-type"] == kind


async def test_scripts_get_the_same_texts(site, folder: Path) -> None:
    (folder / "locale").mkdir()
    (folder / "locale" / "es.json").write_text('{"nav.tags": "Señales"}')
    site.app = create_app(site.context)
    async with site.browser() as browser:
        assert (await browser.get("/locale/es.json")).json() == {"nav.tags": "Señales"}
        assert (await browser.get("/locale/xx.json")).status_code == 404


async def test_static_files_live_under_their_version(site, folder: Path) -> None:
    url = site.app.state.pages._statics.url("js/page.js")
    async with site.browser() as browser:
        answer = await browser.get(url)
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.text == "export const answer = 42;\n"
        old = await browser.get("/static/000000000000/js/page.js")
        assert old.headers["cache-control"] == "no-cache"
        assert (await browser.get("/static/x/js/none.js")).status_code == 404
    with pytest.raises(ValueError, match="no static file"):
        site.app.state.pages._statics.url("js/none.js")
    (folder / "static" / "js" / "page.js").write_text("changed")
    assert create_app(site.context).state.pages._statics.url("js/page.js") != url


@pytest.mark.parametrize(
    "path",
    [
        "../templates/tags.html",
        "..%2ftemplates%2ftags.html",
        "js/../../templates/tags.html",
        "/etc/passwd",
        "js\\page.js",
        "js",
        "",
        "js/page.js%00",
    ],
)
async def test_nothing_but_static_files_is_static(site, path: str) -> None:
    async with site.browser() as browser:
        answer = await browser.get(f"/static/x/{path}")
    assert answer.status_code in (401, 404)
