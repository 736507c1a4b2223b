"""The left menu: Sereno's own pages and those of applications, by their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sereno.access.actor import Actor, Right

from .translations import Translate

MIMIC = "/mimic"


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the menu. `pages` are those that it leads to; `title` gives its words in a language."""

    place: float
    pages: tuple[str, ...]
    path: str
    icon: str
    title: Callable[[str, Translate], str]
    right: Right | None = None
    fault: str = ""
    badge: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """An item as one person sees it in one language."""

    path: str
    icon: str
    title: str
    here: bool
    fault: str
    badge: str


def own_items(*, drawn: bool) -> list[Item]:
    """Sereno's pages; without a drawing the first one is an overview."""
    return [
        _own(100, "mimic", key="nav.mimic" if drawn else "nav.overview"),
        _own(200, "alarms", "notices"),
        _own(300, "logbook"),
        _own(400, "tags"),
        _own(500, "trend"),
        _own(550, "reports", right=Right.HISTORY),
        _own(600, "devices", "device"),
        _own(650, "jobs"),
        _own(700, "commands", badge="waiting-badge"),
        _own(800, "audit", right=Right.AUDIT),
    ]


def _own(place: float, name: str, *more: str, key: str = "", right: Right | None = None, badge: str = "") -> Item:
    text = key or f"nav.{name}"
    return Item(place, (name, *more), f"/{name}", name, lambda _lang, t: t(text), right, badge=badge)


def lines(items: Iterable[Item], actor: Actor, page: str, lang: str, t: Translate) -> list[Line]:
    """What `actor` sees, being on `page`."""
    return [
        Line(one.path, one.icon, one.title(lang, t), page in one.pages, one.fault, one.badge)
        for one in _seen(items, actor)
    ]


def home(items: Iterable[Item], actor: Actor) -> str:
    """Where `actor` begins: the first page of the menu that can be shown."""
    return next(one.path for one in _seen(items, actor) if not one.fault)


def _seen(items: Iterable[Item], actor: Actor) -> list[Item]:
    return [
        one for one in sorted(items, key=lambda one: one.place) if one.right is None or actor.may_somewhere(one.right)
    ]
