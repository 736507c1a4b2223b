"""A drawing from Inkscape or elsewhere, made safe to stand inside a page.

Only what is on the lists below gets through. Inkscape's `style` attributes become presentation attributes (the
content policy forbids inline style), ids get a prefix (no clash with the page), bindings become `data-...`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from sereno.model import OperationError

MAX_BYTES = 4 << 20
MAX_ELEMENTS = 50_000
MAX_DEPTH = 64
ID_PREFIX = "mimic-"

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ELEMENTS = _words(
    "svg g defs symbol use title desc path rect circle ellipse line polyline polygon text tspan textPath image marker "
    "linearGradient radialGradient stop pattern clipPath mask filter feGaussianBlur feOffset feBlend feColorMatrix "
    "feComposite feFlood feMerge feMergeNode feMorphology feDropShadow"
)
_AS_GROUP = frozenset(("a", "switch"))
_GEOMETRY = _words(
    "x y x1 y1 x2 y2 cx cy r rx ry fx fy fr dx dy d points width height viewBox preserveAspectRatio transform rotate "
    "pathLength textLength lengthAdjust startOffset offset gradientUnits gradientTransform spreadMethod patternUnits "
    "patternContentUnits patternTransform clipPathUnits maskUnits maskContentUnits markerUnits markerWidth "
    "markerHeight refX refY orient filterUnits primitiveUnits in in2 result mode type values operator k1 k2 k3 k4 "
    "radius stdDeviation edgeMode version"
)
_PRESENTATION = _words(
    "alignment-baseline baseline-shift clip-path clip-rule color color-interpolation color-interpolation-filters "
    "direction display dominant-baseline fill fill-opacity fill-rule filter flood-color flood-opacity font-family "
    "font-size font-size-adjust font-stretch font-style font-variant font-weight image-rendering letter-spacing "
    "marker-end marker-mid marker-start mask opacity overflow paint-order pointer-events shape-rendering stop-color "
    "stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit "
    "stroke-opacity stroke-width text-anchor text-decoration text-rendering transform-box transform-origin "
    "unicode-bidi vector-effect visibility word-spacing writing-mode"
)
_FOR_PEOPLE = frozenset(("class", "role", "tabindex", "lang"))
_DATA = re.compile(r"(?:data|aria)-[a-z][a-z0-9-]*\Z")
_ACTIVE_DATA = ("data-hx", "data-on", "data-bind")
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*\Z")
_LOCAL = re.compile(r"#([^\s\"'()<>]+)\Z")
_URL = re.compile(r"url\(\s*[\"']?\s*#([^\s\"'()<>]+?)\s*[\"']?\s*\)")
_HARMFUL = re.compile(r"(?:url|image|image-set|src|expression|attr|var)\s*\(|javascript:|@import|\\|/\*", re.IGNORECASE)
_BINDING = re.compile(r"\s*(?:data-)?([a-z][a-z-]{0,30})\s*[:=]\s*(.+?)\s*\Z")


class DrawingError(OperationError):
    """The file is no drawing that can be shown: what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A safe drawing: its text, its title, the tag paths that it binds in order of appearance."""

    svg: str
    title: str
    tags: tuple[str, ...]


@dataclass(slots=True)
class _Node:
    name: str
    attributes: dict[str, str]
    children: list[_Node | str] = field(default_factory=list)


def read_drawing(path: Path) -> Drawing:
    """The drawing in a file; read again only when the file has changed. Raises DrawingError."""
    try:
        stat = path.stat()
        return _read(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise DrawingError(f"mimic {path.name}: {error.strerror}") from error


@lru_cache(maxsize=16)
def _read(path: Path, _modified: int, size: int) -> Drawing:
    if size > MAX_BYTES:
        raise DrawingError(f"mimic {path.name}: {size} bytes, at most {MAX_BYTES}")
    try:
        return sanitise(path.read_bytes())
    except DrawingError as error:
        raise DrawingError(f"mimic {path.name}: {error}") from error


def sanitise(source: bytes) -> Drawing:
    """The safe form of an SVG document. Raises DrawingError: not XML, a DTD, not SVG, too large or deep."""
    if len(source) > MAX_BYTES:
        raise DrawingError(f"{len(source)} bytes, at most {MAX_BYTES}")
    root = _Builder().build(source)
    tags: list[str] = []
    parts: list[str] = []
    root.attributes["xmlns"] = _SVG
    _write(root, parts, tags)
    title = next((_text(c) for c in root.children if isinstance(c, _Node) and c.name == "title"), "")
    return Drawing("".join(parts), title.strip(), tuple(dict.fromkeys(tags)))


class _Builder:
    """Builds the tree of what is allowed from expat's events; the rest is never kept."""

    def __init__(self) -> None:
        self._root: _Node | None = None
        self._open: list[_Node] = []
        self._depth = 0
        self._skipping = 0
        self._elements = 0

    def build(self, source: bytes) -> _Node:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_dtd
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(source, True)
        except expat.ExpatError as error:
            raise DrawingError(f"not well-formed XML: {error}") from error
        if self._root is None:
            raise DrawingError("the outermost element is not <svg>")
        return self._root

    def _start(self, full: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH:
            raise DrawingError(f"elements nested more than {MAX_DEPTH} deep")
        if self._elements > MAX_ELEMENTS:
            raise DrawingError(f"more than {MAX_ELEMENTS} elements")
        space, _, name = full.rpartition(" ")
        name = "g" if name in _AS_GROUP else name
        outermost = self._depth == 1
        if self._skipping or space != _SVG or name not in _ELEMENTS or (outermost and name != "svg"):
            self._skipping += 1
            return
        node = _Node(name, _attributes(name, attributes))
        if self._open:
            self._open[-1].children.append(node)
        else:
            self._root = node
        self._open.append(node)

    def _end(self, _full: str) -> None:
        self._depth -= 1
        if self._skipping:
            self._skipping -= 1
        else:
            _bind_by_description(self._open.pop())

    def _characters(self, text: str) -> None:
        if self._open and not self._skipping:
            self._open[-1].children.append(text)


def _refuse_dtd(*_: Any) -> None:
    raise DrawingError("it has a document type declaration; save it as plain SVG")


def _attributes(element: str, given: dict[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for full, value in given.items():
        space, _, name = full.rpartition(" ")
        if space == _INKSCAPE and name == "label" and value.startswith("tag:"):
            kept["data-tag"] = value[4:].strip()
        elif name == "href" and space in ("", _XLINK):
            target = _href(element, value)
            if target:
                kept["href"] = target
        elif space == "" and name == "id":
            kept["id"] = ID_PREFIX + value
        elif space == "" and name != "style" and _allowed(name):
            _keep(kept, name, value)
    for name, value in _style(given.get("style", "")):
        _keep(kept, name, value)
    return kept


def _allowed(name: str) -> bool:
    if name in _GEOMETRY or name in _PRESENTATION or name in _FOR_PEOPLE:
        return True
    return _DATA.match(name) is not None and not name.startswith(_ACTIVE_DATA)


def _keep(kept: dict[str, str], name: str, value: str) -> None:
    if name.startswith("data-") or name.startswith("aria-") or name in ("class", "role"):
        kept[name] = value
        return
    local = _URL.sub(lambda found: f"\0{found.group(1)}\1", value)
    if not _HARMFUL.search(local):
        kept[name] = local.replace("\0", f"url(#{ID_PREFIX}").replace("\1", ")")


def _style(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for declaration in text.split(";"):
        name, colon, value = declaration.partition(":")
        name = name.strip().lower()
        if colon and name in _PRESENTATION:
            found.append((name, value.replace("!important", "").strip()))
    return found


def _href(element: str, value: str) -> str:
    local = _LOCAL.match(value.strip())
    if local:
        return f"#{ID_PREFIX}{local.group(1)}"
    return value if element == "image" and _PICTURE.match(value) else ""


def _bind_by_description(node: _Node) -> None:
    """An object's description (Inkscape's object properties) of lines like `tag: river/plc1/level` binds it."""
    for child in list(node.children):
        if not isinstance(child, _Node) or child.name != "desc":
            continue
        lines = [line for line in _text(child).splitlines() if line.strip()]
        found = {m.group(1): m.group(2) for line in lines if (m := _BINDING.match(line))}
        if "tag" not in found:
            continue
        for name, value in found.items():
            if _allowed(f"data-{name}"):
                node.attributes.setdefault(f"data-{name}", value)
        node.children.remove(child)


def _text(node: _Node) -> str:
    return "".join(child if isinstance(child, str) else _text(child) for child in node.children)


def _write(node: _Node, parts: list[str], tags: list[str]) -> None:
    if "data-tag" in node.attributes:
        tags.append(node.attributes["data-tag"])
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in node.attributes.items())
    if not node.children:
        parts.append(f"<{node.name}{attributes}/>")
        return
    parts.append(f"<{node.name}{attributes}>")
    for child in node.children:
        if isinstance(child, str):
            parts.append(escape(child))
        else:
            _write(child, parts, tags)
    parts.append(f"</{node.name}>")
