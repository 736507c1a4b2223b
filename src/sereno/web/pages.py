"""The pages, rendered from templates."""

from __future__ import annotations

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Any

import jinja2
from fastapi import FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response

from sereno.access.actor import NOBODY, Actor, Right
from sereno.pages import Application, Page

from .answers import answer
from .context import WebContext
from .menu import MIMIC, Item, home, lines, own_items
from .problem import ProblemError, problem, wants_page
from .requests import actor_in, context_of
from .statics import Statics
from .svg import Drawing, DrawingError, read_drawing
from .translations import Translations, choose


class Pages:
    """Renders `templates/<name>.html` with site, actor (None = nobody), lang, t, page, static and what a page adds.

    Templates of applications are app/NAME/FILE. `items` are the lines of the left menu.
    """

    def __init__(self, context: WebContext, statics: Statics) -> None:
        self._context = context
        self._statics = statics
        folders = {one.name: one.folder for one in context.applications if isinstance(one, Application)}
        self.translations = Translations(context.folder / "locale", {n: f / "locale" for n, f in folders.items()})
        self.items: list[Item] = own_items(drawn=context.mimic is not None)
        others = {name: jinja2.FileSystemLoader(folder / "templates") for name, folder in folders.items()}
        self._templates = jinja2.Environment(
            loader=jinja2.ChoiceLoader(
                [
                    jinja2.FileSystemLoader(context.folder / "templates"),
                    jinja2.PrefixLoader({"app": jinja2.PrefixLoader(others)}),
                ]
            ),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, request: HTTPConnection, page: str, status: int = 200, /, **more: Any) -> Response:
        """The page for who asks, in their language."""
        return self._render(request, page, f"{page}.html", status, more)

    def render_page(self, request: HTTPConnection, name: str, template: str, page: Page) -> Response:
        """A page of an application; see layout.html for what its template is given."""
        lang = choose(request.headers.get("accept-language", ""), request.cookies.get("lang"))
        own = partial(self._own, template.rpartition("/")[0])
        more = {
            "title": page.titles[lang],
            "own": own,
            "script_url": own(page.script) if page.script else self._statics.url("js/plain.js"),
            "style_urls": [own(style) for style in page.styles],
        }
        return self._render(request, name, template, 200, more)

    def template_fault(self, template: str) -> str:
        """Why a template cannot be used; "" if it can."""
        try:
            self._templates.get_template(template)
        except jinja2.TemplateNotFound as error:
            return f"there is no template {error.name!r}"
        except jinja2.TemplateSyntaxError as error:
            return f"{error.filename or error.name}:{error.lineno}: {error.message}"
        return ""

    def _own(self, folder: str, path: str) -> str:
        return self._statics.url(f"{folder}/{path}")

    def _render(self, request: HTTPConnection, page: str, template: str, status: int, more: dict[str, Any]) -> Response:
        actor = actor_in(request)
        lang = choose(request.headers.get("accept-language", ""), request.cookies.get("lang"))
        t = self.translations.of(lang)
        variables = {
            "site": self._context.site,
            "actor": None if actor is NOBODY else _actor(actor),
            "lang": lang,
            "t": t,
            "page": page,
            "now": self._context.clock.wall_ns() // 1_000_000,
            "menu": lines(self.items, actor, page, lang, t),
            "static": self._statics.url,
        }
        html = self._templates.get_template(template).render({**variables, **more})
        return Response(html, status, {"vary": "accept-language, cookie"}, "text/html")


def show(request: HTTPConnection, status: int, detail: str, **more: Any) -> Response:
    """An error, as a page for people and as a problem document for programs."""
    if not wants_page(request):
        return problem(status, detail, **more)
    variables = {"status": status, "title": HTTPStatus(status).phrase, "detail": detail}
    return _pages(request).render(request, "error", status, **variables)


def _actor(actor: Actor) -> dict[str, Any]:
    return {
        "name": actor.name,
        "kiosk": actor.kind == "kiosk",
        "may_nothing": not actor.roles,
        "rights": [right.value for right in Right if actor.may_somewhere(right)],
        "roles": [role.name for role in actor.roles],
        "may_write": actor.may_somewhere(Right.WRITE),
        "may_approve": actor.may_somewhere(Right.APPROVE),
        "may_users": actor.may_somewhere(Right.USERS),
        "may_trace": actor.may_somewhere(Right.TRACE),
        "may_configure": actor.may(Right.CONFIGURE, "*"),
        "may_audit": actor.may_somewhere(Right.AUDIT),
    }


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/", overview, methods=["GET"])
    app.add_route("/mimic", overview, methods=["GET"])
    app.add_route("/mimic.svg", mimic, methods=["GET"])
    app.add_route("/tags", tags, methods=["GET"])
    app.add_route("/trend", trend, methods=["GET"])
    app.add_route("/devices", devices, methods=["GET"])
    app.add_route("/devices/{path:path}", device, methods=["GET"])
    app.add_route("/users", users, methods=["GET"])
    app.add_route("/profile", profile, methods=["GET"])
    app.add_route("/help", help_page, methods=["GET"])
    app.add_route("/locale/{lang}.json", locale, methods=["GET"])


async def overview(request: Request) -> Response:
    """The plant's mimic; at / the page that the menu begins with, which may be an application's."""
    first = home(_pages(request).items, actor_in(request))
    if request.url.path == "/" and first != MIMIC and not request.query_params:
        return RedirectResponse(first, 303)
    drawing = await _drawing(request)
    name = drawing.title if drawing else ""
    return _pages(request).render(request, "mimic", mimic=drawing.svg if drawing else "", mimic_name=name)


async def mimic(request: Request) -> Response:
    """The mimic by itself."""
    drawing = await _drawing(request)
    if drawing is None:
        raise ProblemError(404, 'this plant has no mimic; name one in the plant file: [plant] mimic = "plant.svg"')
    return Response(drawing.svg, media_type="image/svg+xml")


async def tags(request: Request) -> Response:
    """Tag browser."""
    return _pages(request).render(request, "tags")


async def trend(request: Request) -> Response:
    """One trend."""
    return _pages(request).render(request, "trend")


async def devices(request: Request) -> Response:
    """All devices."""
    return _pages(request).render(request, "devices")


async def device(request: Request) -> Response:
    """One device."""
    path = request.path_params["path"]
    known = await context_of(request).devices.devices(actor_in(request))
    if all(status.path != path for status in known):
        raise ProblemError(404, f"there is no device {path!r}")
    return _pages(request).render(request, "device", device=path)


async def users(request: Request) -> Response:
    """People, roles, tokens, sessions."""
    return _pages(request).render(request, "users")


async def profile(request: Request) -> Response:
    """One's own password, sessions and tokens."""
    return _pages(request).render(request, "profile")


async def help_page(request: Request) -> Response:
    """Keys, colours, words."""
    return _pages(request).render(request, "help")


async def locale(request: Request) -> Response:
    """The texts of a language, for scripts."""
    catalogue = _pages(request).translations.catalogues.get(request.path_params["lang"])
    if catalogue is None:
        raise ProblemError(404, f"there is no language {request.path_params['lang']!r}")
    return answer(catalogue)


async def _drawing(request: Request) -> Drawing | None:
    path = context_of(request).mimic
    if path is None:
        return None
    try:
        return await asyncio.to_thread(read_drawing, path)
    except DrawingError as error:
        raise ProblemError(500, str(error)) from error


def _pages(request: HTTPConnection) -> Pages:
    pages: Pages = request.app.state.pages
    return pages
