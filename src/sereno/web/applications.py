"""Pages of applications: their routes, their entries, their files. What is broken is told by name, the rest goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import quote

import jinja2
import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from sereno.access.actor import Actor, Right
from sereno.access.entries import Entry
from sereno.client import Client
from sereno.model import Ack, Command, DeniedError, NotFoundError, SerenoError
from sereno.pages import Application, Asked, BrokenApplication, Data, File, Page

from .answers import answer, problems
from .context import WebContext
from .menu import Item
from .pages import Pages
from .problem import ProblemError
from .requests import Asking, Context
from .statics import Statics
from .translations import Translate, choose

_log = structlog.get_logger(__name__)

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Placed:
    """A page that has its route. `fault` says why it cannot be shown; "" if it can."""

    application: str
    page: Page
    fault: str = ""

    @property
    def name(self) -> str:
        """As pages are known in the menu."""
        return f"{self.application}.{self.page.name}"

    @property
    def path(self) -> str:
        """Its address."""
        return f"/app/{self.application}/{self.page.name}"

    @property
    def template(self) -> str:
        """For the loader of templates."""
        return f"app/{self.application}/{self.page.template}"

    def static(self, name: str) -> str:
        """The name of one of its files among all static files."""
        return f"app/{self.application}/{name}"


@dataclass(frozen=True, slots=True)
class Applications:
    """All that were asked for."""

    working: Sequence[Application] = ()
    broken: Sequence[BrokenApplication] = ()
    pages: Sequence[Placed] = field(default=())
    texts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, context: WebContext, pages: Pages, statics: Statics) -> Applications:
        """Look at each of them."""
        working = [one for one in context.applications if isinstance(one, Application)]
        broken = [one for one in context.applications if isinstance(one, BrokenApplication)]
        placed = [
            Placed(one.name, page, _fault(Placed(one.name, page), pages, statics))
            for one in working
            for page in one.pages
        ]
        for page in placed:
            if page.fault:
                _log.error("a page of an application cannot be shown", page=page.name, fault=page.fault)
        texts = pages.translations.faults
        for name, fault in texts.items():
            _log.error("texts of an application cannot be read", application=name, fault=fault)
        return cls(working, broken, placed, texts)

    def entries(self) -> list[Entry]:
        """Their lines in the table of who may come in."""
        return [*(entry for entry, _ in self._pages()), *(entry for entry, _, _ in self._data())]

    def _pages(self) -> list[tuple[Entry, Handler]]:
        return [
            *((Entry("GET", f"/app/{one.name}", Right.READ), _broken(one.name, one.fault)) for one in self.broken),
            *((Entry("GET", page.path, page.page.right), _shown(page)) for page in self.pages),
        ]

    def _data(self) -> list[tuple[Entry, str, Data]]:
        return [
            (Entry("GET", f"/api/v1/app/{one.name}/{data.name}", data.right), one.name, data)
            for one in self.working
            for data in one.data
        ]

    def items(self, statics: Statics) -> list[Item]:
        """Their lines in the menu."""
        return [
            *(_broken_item(one) for one in self.broken),
            *(_item(page, statics) for page in self.pages),
        ]

    def faults(self) -> list[str]:
        """What somebody should look at."""
        return [
            *(f"application {one.name} has no pages: {one.fault}" for one in self.broken),
            *(f"page {page.name} cannot be shown: {page.fault}" for page in self.pages if page.fault),
            *(f"texts of application {name} cannot be read: {fault}" for name, fault in self.texts.items()),
        ]

    def versions(self) -> dict[str, str]:
        """Versions of their packages, as far as these are installed."""
        return {
            f"{one.name}: {name}": found for one in self.working for name in one.packages if (found := _version(name))
        }

    def add_routes(self, app: FastAPI) -> None:
        """Their routes."""
        for entry, handler in self._pages():
            app.add_route(entry.path, handler, methods=[entry.kind])
        for entry, application, data in self._data():
            app.add_api_route(
                entry.path,
                _asked(application, data),
                methods=[entry.kind],
                name=f"app_{application}_{data.name}",
                description=data.answer.__doc__ or f"Data of the application {application}.",
                responses=problems(404, 409, 500, 502),
            )


class NoCommandsHere:
    """Reading must not act: a GET can be made by any link. Implements CommandPort."""

    def submit(self, command: Command, actor: Actor) -> AsyncIterator[Ack]:
        """Raises DeniedError."""
        where = "POST /api/v1/commands is the door for commands"
        raise DeniedError(f"{command.target}: data of a page cannot command anything for {actor.name}; {where}")

    async def acks(self, key: str, actor: Actor) -> list[Ack]:
        """Raises NotFoundError."""
        raise NotFoundError(f"there is no command {key!r} of {actor.name} here")


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _fault(placed: Placed, pages: Pages, statics: Statics) -> str:
    page = placed.page
    icon, _, symbol = page.icon.partition("#")
    for name in filter(None, [page.script, *page.styles, icon if symbol else ""]):
        if placed.static(name) not in statics:
            return f"there is no file static/{name} in the folder of the application"
    return pages.template_fault(placed.template)


def _broken_item(one: BrokenApplication) -> Item:
    return Item(900, (one.name,), f"/app/{one.name}", "help", _called(one.name), Right.READ, one.fault)


def _called(name: str) -> Callable[[str, Translate], str]:
    return lambda _lang, _t: name


def _item(placed: Placed, statics: Statics) -> Item:
    def title(lang: str, _t: Translate) -> str:
        return placed.page.titles[lang]

    icon = placed.page.icon
    if "#" in icon and not placed.fault:
        name, _, symbol = icon.partition("#")
        icon = f"{statics.url(placed.static(name))}#{symbol}"
    elif "#" in icon:
        icon = "help"
    page = placed.page
    return Item(page.place, (placed.name,), placed.path, icon, title, page.right, placed.fault)


def _broken(what: str, fault: str) -> Handler:
    async def tell(_request: Request) -> Response:
        raise ProblemError(500, f"{what} cannot be shown: {fault}")

    return tell


def _shown(placed: Placed) -> Handler:
    if placed.fault:
        return _broken(placed.name, placed.fault)
    page = placed.page

    async def show(request: Request) -> Response:
        pages: Pages = request.app.state.pages
        try:
            return pages.render_page(request, placed.name, placed.template, page)
        except Exception as error:  # the boundary to code of others: their fault is told by name
            _log.error("a page of an application failed", page=placed.name, exc_info=error)
            raise ProblemError(500, f"page {placed.name} failed: {_words(error)}") from error

    return show


def _words(error: Exception) -> str:
    where = f" (line {error.lineno} of {error.name})" if isinstance(error, jinja2.TemplateSyntaxError) else ""
    return f"{type(error).__name__}: {error}{where}"


def _asked(application: str, data: Data) -> Callable[..., Awaitable[Response]]:
    async def ask(request: Request, context: Context, actor: Asking) -> Response:
        lang = choose(request.headers.get("accept-language", ""), request.cookies.get("lang"))
        asked = Asked(
            client=client_of(context, actor), query=dict(request.query_params), lang=lang, folder=context.data
        )
        try:
            found = await data.answer(asked)
            return _file(found) if isinstance(found, File) else answer(found)
        except (SerenoError, ProblemError):
            raise
        except ValueError as error:
            raise ProblemError(422, str(error)) from error
        except Exception as error:  # the boundary to code of others
            name = f"{application}.{data.name}"
            _log.error("data of an application failed", data=name, exc_info=error)
            raise ProblemError(500, f"{name} failed: {_words(error)}") from error

    return ask


def _file(found: File) -> Response:
    name = "".join(c for c in found.name if c.isalnum() or c in "._-")
    plain = "".join(c if c.isascii() else "_" for c in name)
    exact = "" if name == plain else f"; filename*=UTF-8''{quote(name)}"
    headers = {"content-disposition": f'attachment; filename="{plain}"{exact}'} if name else {}
    if isinstance(found.content, Path):
        return FileResponse(found.content, headers=headers, media_type=found.media_type)
    return Response(found.content, headers=headers, media_type=found.media_type)


def client_of(context: WebContext, actor: Actor) -> Client:
    """The plant as `actor` may see it, without commands."""
    client = Client(
        context.live,
        NoCommandsHere(),
        context.history,
        context.devices,
        actor,
        clock=context.clock,
        overrides=context.overrides,
        guards=context.guards,
    )
    client.alarm, client.analysis, client.notices = context.alarms, context.analysis, context.notices
    client.logbook = context.logbook
    return client


def folders(applications: Iterable[Application | BrokenApplication]) -> dict[str, Path]:
    """Name to folder of those that work."""
    return {one.name: one.folder for one in applications if isinstance(one, Application)}
