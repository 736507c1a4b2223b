"""Sequences as people write them: TOML, JSON, and the request file (XML) of the original."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError, fromstring

import msgspec

from .coordinates import target_of
from .model import Frame, Sequence
from .wrong import DOCS, check_album, check_file, check_sequence, places, readable, unreadable, wrong

NS = 10**9
_JSON = re.compile(r"\s*(\{|\[\s*[^\[\sA-Za-z])")
_FRAMES = frozenset(frame.value for frame in Frame)
_JD_UNIX, _DAY = 2_440_587.5, 86_400


def read_sequences(text: str, now_ns: int, source: str = "request") -> list[Sequence]:
    """The sequences of a text in any of the forms; times may be seconds from `now_ns`. Raises ConfigurationError."""
    is_xml, is_json = text.lstrip().startswith("<"), _JSON.match(text) is not None
    asked = _of_xml(text, source) if is_xml else _tables(text, source, is_json=is_json)
    if not any(asked):
        raise wrong(source, "no sequence", "[[sequence]] tables, or <sequence> elements")
    where = places(text, source, len(asked), lines=not is_xml and not is_json)
    return [_sequence(one, now_ns, at) for one, at in zip(asked, where, strict=True)]


def ns_of_jd(jd: float) -> int:
    """A Julian date (UTC) as ns UTC."""
    return round((jd - _JD_UNIX) * _DAY * NS)


def jd_of_ns(t_ns: int) -> float:
    """ns UTC as a Julian date (UTC)."""
    return t_ns / NS / _DAY + _JD_UNIX


def _tables(text: str, source: str, *, is_json: bool) -> list[dict[str, Any]]:
    try:
        found: Any = json.loads(text) if is_json else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise unreadable(source, error, "JSON, TOML or XML") from None
    if isinstance(found, Mapping):
        check_file(found, source)
        found = found.get("sequence", found.get("sequences", [found]))
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(one, dict) for one in listed):
        raise wrong(source, "something that is no table", "[[sequence]] tables")
    return listed


def _sequence(given: dict[str, Any], now_ns: int, where: str) -> Sequence:
    made = dict(given)
    try:
        check_sequence(made)
        made["t_start"], made["t_end"] = _window(made, now_ns)
        albums = made.pop("album", made.get("albums", ()))
        made["albums"] = [_album(one, n) for n, one in enumerate(albums, 1)]
        if "target" in made and not isinstance(made["target"], dict):
            made["target"] = msgspec.to_builtins(target_of(str(made["target"])))
        return msgspec.convert(made, Sequence)
    except (ValueError, TypeError, OverflowError) as error:  # msgspec's among them, with the path of what is wrong
        raise wrong(where, readable(error), fix=DOCS) from None


def _album(given: Any, n: int) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise TypeError("an album is a table, [[sequence.album]]")
    check_album(given, n)
    made = dict(given)
    if "plan" in made:
        made["plans"] = made.pop("plan")
    return made


def _window(made: dict[str, Any], now_ns: int) -> tuple[int, int]:
    """Takes start and end out of a table, in one of their forms."""
    relative = bool(made.pop("relative", False))
    if "t_start" in made and "t_end" in made:
        return int(made["t_start"]), int(made["t_end"])
    moments = []
    for name, jd, example in (("start", "jd1", 0), ("end", "jd2", 7200)):
        if (name in made) == (jd in made):
            raise ValueError(
                f"its window needs {name} (a time, or seconds from now, such as {name} = {example}) or {jd}"
            )
        if name in made:
            moments.append(_moment(made.pop(name), now_ns))
        else:
            number = float(made.pop(jd))
            moments.append(now_ns + round(number * NS) if relative else ns_of_jd(number))
    return moments[0], moments[1]


def _moment(value: Any, now_ns: int) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return now_ns + round(value * NS)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is no time such as 2026-11-28T21:00:00Z") from None
    if not isinstance(value, datetime):
        raise ValueError(f"{value!r} is no time")
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * _DAY + since.seconds) * NS + since.microseconds * 1000


def _of_xml(text: str, source: str) -> list[dict[str, Any]]:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise wrong(source, "a document type declaration", "plain elements")
    try:
        root = fromstring(text)  # noqa: S314 - see above
    except (ParseError, ValueError, RecursionError) as error:
        raise unreadable(source, error, "XML") from None
    if root.tag != "request":
        raise wrong(source, f"<{root.tag}>", "<request>")
    program = root.get("scientific_program", "")
    relative = root.get("relative", "0").strip() not in ("0", "", "false", "False")
    kind = root.get("target_type", "").strip().lower()
    frame = kind if kind in _FRAMES else Frame.LIGHT.value
    return [_xml_sequence(one, program, frame, source, relative=relative) for one in root.findall("sequence")]


def _xml_sequence(element: Element, program: str, frame: str, source: str, *, relative: bool) -> dict[str, Any]:
    try:
        made: dict[str, Any] = {
            "name": element.attrib["name"],
            "program": program,
            "relative": relative,
            "jd1": float(element.attrib["jd1"]),
            "jd2": float(element.attrib["jd2"]),
            "duration": float(element.get("duration", "0")),
            "priority": int(element.get("priority", "0")),
            "albums": [_xml_album(one, frame) for one in element.findall("album")],
        }
    except KeyError as error:
        raise wrong(source, f"an element without {error.args[0]}", "the attributes of the request file") from None
    except ValueError as error:
        raise wrong(source, str(error), "numbers") from None
    if target := element.get("target_coords", "").strip():
        made["target"] = target
    return made


def _xml_album(element: Element, frame: str) -> dict[str, Any]:
    plans = [
        {
            "name": one.get("name", ""),
            "filter": one.get("filter", ""),
            "exposure": float(one.attrib["duration"]),
            "images": int(one.get("nb_images", "1")),
            "frame": one.get("frame", frame).strip().lower(),
        }
        for one in element.findall("plan")
    ]
    return {"detector": element.attrib["detector"], "name": element.get("name", ""), "plans": plans}
