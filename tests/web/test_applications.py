"""Pages of applications: the example of docs/pages.md, who may come in, and what is broken."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog

from sereno.access.actor import ROLES, Permission, Right, Role
from sereno.pages import Application, Asked, BrokenApplication, Data, File, Page
from sereno.web.app import create_app
from sereno.web.entries import ENTRIES

DOCS = Path(__file__).parents[2] / "docs/pages.md"
WEB = Path(__file__).parents[2] / "src/sereno/web"
HTML = {"accept": "text/html"}
TITLES = {"en": "One", "es": "Uno", "fr": "Un"}


def page(name: str = "one", **more: Any) -> Page:
    return Page(**{"name": name, "titles": TITLES, "template": f"{name}.html", **more})


def block(after: str) -> str:
    found = re.search(rf"^`{re.escape(after)}`.*?^```\w+\n(.*?)^```", DOCS.read_text("utf-8"), re.M | re.S)
    assert found, after
    return found[1]


@pytest.fixture(autouse=True)
def told() -> Iterator[list[Any]]:
    """What is logged; to render it with all its frames takes seconds."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
def orchard(tmp_path: Path) -> Iterator[Application]:
    """The application of the docs, as files of a package."""
    for name in ("pages.py", "templates/trees.html", "static/trees.js", "locale/en.json"):
        path = tmp_path / "orchard" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block(f"orchard/{name}"), encoding="utf-8")
    (tmp_path / "orchard/static/trees.css").write_text(".tree { color: var(--ink) }")
    (tmp_path / "orchard/locale/es.json").write_text('{"orchard.now": "Ahora", "nav.tags": "ours"}')
    module = ModuleType("orchard_pages")
    module.__file__ = str(tmp_path / "orchard/pages.py")
    sys.modules["orchard_pages"] = module
    exec(compile(Path(module.__file__).read_text("utf-8"), module.__file__, "exec"), vars(module))
    yield module.PAGES
    del sys.modules["orchard_pages"]


def install(site: Any, *applications: Application | BrokenApplication, folder: Path = WEB) -> None:
    site.context = replace(site.context, folder=folder, applications=applications, data=Path("/data"))
    site.app = create_app(site.context)


def plain(tmp_path: Path, **more: Any) -> Application:
    """One page that shows its title; its data are planted by the test."""
    (tmp_path / "mine/templates").mkdir(parents=True, exist_ok=True)
    (tmp_path / "mine/templates/one.html").write_text(
        '{% extends "layout.html" %}{% block content %}hello{% endblock %}'
    )
    return Application(**{"name": "mine", "folder": tmp_path / "mine", "pages": [page()], **more})


async def test_the_example_of_the_docs_is_a_page_like_any_other(site, orchard: Application) -> None:
    install(site, replace(orchard, packages=["pytest", "no-such-package"]))
    async with await site.signed_in("viewer") as browser:
        components = (await browser.get("/api/v1/system")).json()["node"]["components"]
        assert components == {"orchard: pytest": pytest.__version__}
        answer = await browser.get("/app/orchard/trees", headers={"accept-language": "es"})
        assert answer.status_code == 200
        assert "<title>Árboles · Waterworks</title>" in answer.text
        assert "<h2>Ahora</h2>" in answer.text
        line = re.search(
            r'<a class="nav-link" href="/app/orchard/trees" aria-current="page">.*?</a>', answer.text, re.S
        )
        assert line
        assert "Árboles" in line[0]
        places = re.findall(r'class="nav-link" href="([^"]+)"', answer.text)
        assert places[:3] == ["/mimic", "/app/orchard/trees", "/alarms"]
        script = re.search(r'<script type="module" src="([^"]+)"', answer.text)
        assert script
        files = [await browser.get(script[1]), await browser.get(script[1].replace(".js", ".css"))]
        assert [file.headers["content-type"].partition(";")[0] for file in files] == ["text/javascript", "text/css"]
        assert (await browser.get(script[1].rpartition("/app/")[0] + "/js/public.js")).status_code == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        other = (await browser.get("/tags", headers={"accept-language": "es"})).text
        assert '<a class="nav-link" href="/app/orchard/trees">' in other
        texts = (await browser.get("/locale/es.json")).json()
        assert (texts["orchard.now"], texts["nav.tags"]) == ("Ahora", "Variables")
        assert (await browser.get("/app/orchard/trees")).text.count(
            "Now"
        ) == 1  # French and English from the English one


async def test_people_begin_with_the_page_that_stands_first(site, tmp_path: Path) -> None:
    async with await site.signed_in("viewer") as browser:
        assert (await browser.get("/")).status_code == 200
    install(site, BrokenApplication("gone", "no module"), plain(tmp_path, pages=[page(place=50, right=Right.APPROVE)]))
    async with await site.signed_in("viewer") as browser:
        assert (await browser.get("/")).status_code == 200  # of what he may not see nothing is first
    async with await site.signed_in("admin") as browser:
        answer = await browser.get("/")
        assert (answer.status_code, answer.headers["location"]) == (303, "/app/mine/one")
        assert (await browser.get("/mimic")).status_code == 200
        assert (await browser.get("/?view=table")).status_code == 200


async def test_its_data_are_what_the_person_may_see(site, orchard: Application) -> None:
    install(site, orchard)
    north = Role("north", (Permission(Right.READ, "north/*"),))
    await site.accounts.put_role(north, by="test")
    await site.accounts.add_user("nora", "correct horse battery", ["north"], by="test")
    async with await site.signed_in("viewer") as browser:
        answer = await browser.get("/api/v1/app/orchard/trees?below=south")
        assert {one["tag"].partition("/")[0] for one in answer.json()["trees"]} == {"south"}
        document = (await browser.get("/api/v1/openapi.json")).json()
        assert document["paths"]["/api/v1/app/orchard/trees"]["get"]["description"].startswith("The tags below")
    async with await site.signed_in("nora") as browser:
        answer = await browser.get("/api/v1/app/orchard/trees?below=south")
        assert answer.status_code == 404


async def test_nobody_comes_in_without_the_right_and_who_tries_is_on_record(site, tmp_path: Path) -> None:
    async def secret(_asked: Asked) -> str:
        return "secret"

    application = plain(
        tmp_path, pages=[page(right=Right.APPROVE)], data=[Data(name="secret", answer=secret, right=Right.APPROVE)]
    )
    install(site, application)
    added = {"/app/mine/one", "/api/v1/app/mine/secret"}
    doors = {route.path for route in site.app.routes} - {entry.path for entry in ENTRIES}
    assert doors == added == {entry.path for entry in site.app.state.applications.entries()}
    for path in sorted(added):
        async with site.browser() as browser:
            assert (await browser.get(path)).status_code == 401
        for role in ROLES:
            async with await site.signed_in(role) as browser:
                answer = await browser.get(path)
                assert answer.status_code == (200 if role in ("engineer", "admin") else 403), (path, role)
    async with await site.signed_in("operator") as browser:
        assert "/app/mine/one" not in (await browser.get("/tags")).text
    async with await site.signed_in("admin") as browser:
        records = (await browser.get("/api/v1/audit?action=access")).json()["records"]
    assert {record["actor"] for record in records} == {"viewer", "operator"}


async def test_data_cannot_command_and_tell_their_faults_by_name(site, tmp_path: Path, told: list[Any]) -> None:
    async def writes(asked: Asked) -> Any:
        return (await asked.client.write("north/plc1/setpoint", 1)).state

    async def fails(asked: Asked) -> Any:
        return {}[asked.query["key"]]

    async def wrong(_asked: Asked) -> Any:
        raise ValueError("n is no number")

    async def odd(_asked: Asked) -> Any:
        return object()

    async def picture(asked: Asked) -> Any:
        return File(b"\x89PNG", "image/png", f"../{asked.lang}\r\nx.png")

    answers = {"writes": writes, "fails": fails, "wrong": wrong, "odd": odd, "picture": picture}
    install(site, plain(tmp_path, data=[Data(name=n, answer=f) for n, f in answers.items()]))
    async with await site.signed_in("admin") as browser:
        found = {name: await browser.get(f"/api/v1/app/mine/{name}?key=x") for name in answers}
    assert {name: answer.status_code for name, answer in found.items()} == {
        "writes": 403, "fails": 500, "wrong": 422, "odd": 500, "picture": 200,
    }  # fmt: skip
    assert "POST /api/v1/commands" in found["writes"].json()["detail"]
    assert found["fails"].json()["detail"] == "mine.fails failed: KeyError: 'x'"
    assert found["picture"].headers["content-disposition"] == 'attachment; filename="..enx.png"'
    assert site.plant.commands == []
    assert [line["data"] for line in told if "data" in line] == ["mine.fails", "mine.odd"]


async def test_a_file_is_sent_as_it_is_and_keeps_its_name_in_any_script(site, tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(b"x" * 200_000)

    async def file(_asked: Asked) -> Any:
        return File(tmp_path / "whole", "application/fits", "αCen é.fits")

    install(site, plain(tmp_path, data=[Data(name="file", answer=file)]))
    async with await site.signed_in("admin") as browser:
        found = await browser.get("/api/v1/app/mine/file")
    assert (found.status_code, len(found.content), found.headers["content-type"]) == (200, 200_000, "application/fits")
    assert found.headers["cache-control"] == "no-store"
    kept = "attachment; filename=\"_Cen_.fits\"; filename*=UTF-8''%CE%B1Cen%C3%A9.fits"
    assert found.headers["content-disposition"] == kept


async def test_what_is_broken_says_so_and_is_in_nobodys_way(site, tmp_path: Path) -> None:
    folder = tmp_path / "mine/templates"
    folder.mkdir(parents=True)
    (folder / "bad.html").write_text("{% block %}")
    (folder / "late.html").write_text('{% extends "layout.html" %}{% block content %}{{ nothing.there }}{% endblock %}')
    pages = [page(), page("none"), page("bad"), page("late"), page("lost", template="one.html", script="lost.js")]
    install(
        site, plain(tmp_path, pages=pages), BrokenApplication("gone", "ModuleNotFoundError: No module named 'gone'")
    )
    async with await site.signed_in("viewer") as browser:
        found = {one.name: await browser.get(f"/app/mine/{one.name}", headers=HTML) for one in pages}
        gone = await browser.get("/app/gone", headers=HTML)
        ready = (await browser.get("/readyz")).json()["warnings"]
        menu = (await browser.get("/tags")).text
    assert {name: answer.status_code for name, answer in found.items()} == {
        "one": 200, "none": 500, "bad": 500, "late": 500, "lost": 500,
    }  # fmt: skip
    assert "there is no template &#39;app/mine/none.html&#39;" in found["none"].text
    assert "bad.html:1" in found["bad"].text
    assert "page mine.late failed: UndefinedError: &#39;nothing&#39; is undefined" in found["late"].text
    assert "there is no file static/lost.js" in found["lost"].text
    assert "No module named &#39;gone&#39;" in gone.text
    assert [warning.partition(":")[0] for warning in ready] == [
        "application gone has no pages",
        *(f"page mine.{name} cannot be shown" for name in ("none", "bad", "lost")),
    ]
    assert menu.count('<span class="nav-badge nav-fault">!</span>') == 4


@pytest.mark.parametrize("words", [b"{", b'{"mine.a": 1}', b"\xff"])
async def test_texts_that_cannot_be_read_are_told_and_keep_nobody_from_the_pages(
    site, tmp_path: Path, words: bytes
) -> None:
    application = plain(tmp_path)
    (application.folder / "locale").mkdir(exist_ok=True)
    (application.folder / "locale/es.json").write_bytes(words)
    install(site, application)
    async with await site.signed_in("viewer") as browser:
        assert (await browser.get("/app/mine/one", headers=HTML)).status_code == 200
        (warning,) = (await browser.get("/readyz")).json()["warnings"]
    assert warning.startswith("texts of application mine cannot be read: ")
    assert "es.json" in warning


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: page("../one"), "lower-case letters"),
        (lambda: page(titles={"en": "One"}), "no title in es, fr"),
        (lambda: Data(name="a/b", answer=None), "lower-case letters"),
        (lambda: Application(name="a", folder=Path(), pages=[page(), page()]), "two pages of the name one"),
    ],
)
def test_what_is_declared_wrongly_is_refused(make: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        make()
