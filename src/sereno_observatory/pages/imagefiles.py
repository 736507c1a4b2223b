"""Images of cameras and of nights for the page that shows them: lists, headers, figures, and pixels of a part."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from heapq import nlargest
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sereno.model import NotFoundError, OperationError
from sereno.pages import Asked, File, Right

from .imagemeasure import averaged, zscale
from .imagemeasure import star as star_at
from .site import ROLES, path_of

T = TypeVar("T")
MOST_BYTES = 512 << 20
"""Of a file that is shown; larger ones can only be taken away."""
HEAD = 5 * 2880
"""Bytes of a file that a list reads of it: its header, if it is no longer than usual."""
MOST_LISTED = 200
WIDEST = 1200
"""Pixels of a side that are sent at a time."""
SAMPLED = 2_000_000
"""Pixels that figures are made of; of larger images every n-th counts."""
PERCENTS = (0.5, 1.0, 5.0, 50.0, 95.0, 99.0, 99.5, 99.9)
BINS = 256
_RAW = re.compile(r"(?P<camera>.+)-\d{8}T\d{6}-\d{5,}(-\d+)?\.fits")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z?")
_PART = re.compile(r"[\w+ -][\w.+ -]*")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What this person may see: images of these cameras (their paths with '-' for '/'), and those of the nights."""

    cameras: frozenset[str]
    nights: bool

    def admits(self, parts: tuple[str, ...]) -> bool:
        """True for the parts of a file's path below the data folder."""
        if not all(_PART.fullmatch(part) for part in parts) or not parts[-1].endswith(".fits"):
            return False
        if len(parts) == 2 and parts[0] == "images":
            raw = _RAW.fullmatch(parts[1])
            return raw is not None and raw["camera"] in self.cameras
        return len(parts) == 3 and parts[0] == "nights" and self.nights


_worker = ThreadPoolExecutor(1, thread_name_prefix="page images")
"""Of its own: who looks at images keeps no thread from those who take them."""


async def _beside(work: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(_worker, work, *arguments)


async def images(asked: Asked) -> dict[str, Any]:
    """The newest images, newest first, and what their headers say; a raw file only while there is no finished one."""
    folder, allowed = await _allowed(asked)
    return {"images": await _beside(_listed, folder, allowed)}


async def image(asked: Asked) -> dict[str, Any]:
    """One image (`id`): size, header, statistics, histogram."""
    path = _shown(await _path(asked))
    return await _beside(_described, path)


async def star(asked: Asked) -> dict[str, Any]:
    """The star of an image nearest to a pixel (`x`, `y`, from 0 at the first of the file): see `imagemeasure.star`."""
    path = _shown(await _path(asked))
    x, y = (_number(asked.query, name, 0) for name in ("x", "y"))
    return {"star": await _beside(lambda: star_at(_open(path).plane, x, y))}


async def pixels(asked: Asked) -> File:
    """A part (`x`, `y`, `w`, `h` in pixels) of an image, made small enough by averaging.

    Little-endian: uint32 width, height and how many pixels were put together, then uint16 from the least to the
    greatest value of the image, by rows from the first of the file.
    """
    path = _shown(await _path(asked))
    wanted = [_number(asked.query, name, 0) for name in ("x", "y", "w", "h")]
    return File(await _beside(_part, path, wanted))


async def fits(asked: Asked) -> File:
    """The file of an image, for download."""
    path = await _path(asked)
    return File(path, "application/fits", path.name)


async def _allowed(asked: Asked) -> tuple[Path, Allowed]:
    if asked.folder is None:
        raise NotFoundError("this node keeps no images")
    devices, specs = await asyncio.gather(asked.client.devices(), asked.client.tags())
    readable = {spec.path for spec in specs}
    cameras = (one.path for one in devices if any(command.name == "expose" for command in one.commands))
    observer = path_of(devices, ROLES["observer"])
    may = asked.client.actor.may
    seen = frozenset(c.replace("/", "-") for c in cameras if f"{c}/image" in readable and may(Right.READ, f"{c}/image"))
    nights = f"{observer}/last_image"
    return asked.folder, Allowed(seen, nights in readable and may(Right.READ, nights))


async def _path(asked: Asked) -> Path:
    folder, allowed = await _allowed(asked)
    name = asked.query.get("id", "")
    parts = tuple(name.split("/"))
    path = folder.joinpath(*parts) if allowed.admits(parts) else None
    if path is None or not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise NotFoundError(f"there is no image {name!r} that you may see")
    return path


def _shown(path: Path) -> Path:
    if path.stat().st_size > MOST_BYTES:
        raise OperationError(f"{path.name} has more than {MOST_BYTES >> 20} MiB: too large to be shown, download it")
    return path


def _listed(folder: Path, allowed: Allowed) -> list[dict[str, Any]]:
    found = []
    for path in _newest_by_name(folder, allowed):
        with suppress(OSError):  # one that went meanwhile, or a link to nothing
            facts = path.stat()
            found.append((facts.st_mtime_ns, "/".join(path.relative_to(folder).parts), facts.st_size))
    newest = sorted(found, reverse=True)[:MOST_LISTED]
    listed = [_told_of(folder, *one) for one in newest]
    finished = {(one["camera"], one["t"]) for one in listed if one["night"] and one["camera"]}
    return [one for one in listed if one["night"] or (one["camera"], one["t"]) not in finished]


def _told_of(folder: Path, t_ns: int, name: str, size: int) -> dict[str, Any]:
    """A file as the list has it. `t` is the begin of the exposure where the header says it, else the file's time."""
    cards = _cards(str(folder / name), t_ns, size)
    raw = _RAW.fullmatch(name.removeprefix("images/"))
    camera = cards.get("CAMERA") or cards.get("INSTRUME") or ""
    said = str(cards.get("DATE-OBS", ""))
    file = datetime.fromtimestamp(t_ns / 1e9, UTC).isoformat().replace("+00:00", "Z")
    return {
        "id": name,
        "name": name.rpartition("/")[2],
        "night": name.split("/")[1] if raw is None else "",
        "bytes": size,
        "t": f"{said.rstrip('Z')}Z" if _MOMENT.fullmatch(said) else file,
        "camera": raw["camera"] if raw else str(camera).replace("/", "-"),
        "object": str(cards.get("OBJECT", "")),
        "kind": str(cards.get("IMAGETYP", "")),
        "filter": str(cards.get("FILTER", "")),
        "exposure": seconds if isinstance(seconds := cards.get("EXPTIME"), int | float) else None,
    }


@lru_cache(maxsize=4 * MOST_LISTED)
def _cards(path: str, _t_ns: int, _size: int) -> Mapping[str, Any]:
    """The header of a file as it is at this moment; nothing for one without."""
    from sereno.device.instruments import FitsError, decode_header

    try:
        with Path(path).open("rb") as file:
            return decode_header(file.read(HEAD))[0]
    except (OSError, FitsError):
        return {}


def _newest_by_name(folder: Path, allowed: Allowed) -> Iterator[Path]:
    """Images that may be seen: of each camera the newest, and those of the last nights, so that years cost nothing."""
    raw: dict[str, list[tuple[str, str]]] = {}
    for name in _names(folder / "images"):
        if allowed.admits(("images", name)) and (match := _RAW.fullmatch(name)):
            raw.setdefault(match["camera"], []).append((name.removeprefix(match["camera"]), name))
    for taken in raw.values():
        yield from (folder / "images" / name for _, name in nlargest(MOST_LISTED, taken))
    count = 0
    for night in sorted(_names(folder / "nights"), reverse=True) if allowed.nights else ():
        finished = [name for name in _names(folder / "nights" / night) if allowed.admits(("nights", night, name))]
        yield from (folder / "nights" / night / name for name in finished)
        count += len(finished)
        if count >= MOST_LISTED:
            return


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A decoded image: its plane, its header, least and greatest value."""

    key: tuple[str, int, int]
    plane: NDArray[Any]
    cards: Mapping[str, Any]
    low: float
    high: float


_last: list[Opened] = []


def _open(path: Path) -> Opened:
    """The image; the last one is kept, as its parts are asked for one after the other. Raises OperationError."""
    from sereno.device.instruments import FitsError, decode_fits

    facts = path.stat()
    key = (str(path), facts.st_mtime_ns, facts.st_size)
    if _last and _last[0].key == key:
        return _last[0]
    try:
        decoded = decode_fits(path.read_bytes())
    except FitsError as error:
        raise OperationError(f"{path.name}: {error}") from error
    plane = decoded.pixels if decoded.pixels.ndim == 2 else decoded.pixels[0]
    finite = plane[np.isfinite(plane)] if plane.dtype.kind == "f" else plane
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    _last[:] = [Opened(key, plane, decoded.cards, low, high)]
    return _last[0]


def _described(path: Path) -> dict[str, Any]:
    opened = _open(path)
    plane = opened.plane
    step = max(1, int(np.ceil(np.sqrt(plane.size / SAMPLED))))
    sample = plane[::step, ::step].astype(np.float64, copy=False).ravel()
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        raise OperationError(f"{path.name}: no pixel has a value")
    low, high = opened.low, opened.high
    whole = plane.dtype.kind in "iu"
    bins = int(min(BINS, high - low + 1)) if whole else BINS
    ends = (low - 0.5, high + 0.5) if whole else (low, high if high > low else low + 1)
    counts, _ = np.histogram(sample, bins=bins, range=ends)
    percents = np.percentile(sample, PERCENTS)
    return {
        "width": plane.shape[1],
        "height": plane.shape[0],
        "bits": plane.dtype.itemsize * 8,
        "whole": whole,
        "cards": [[name, _told(value)] for name, value in opened.cards.items()],
        "statistics": {
            "low": low,
            "high": high,
            "mean": float(sample.mean()),
            "median": float(np.median(sample)),
            "deviation": float(sample.std()),
            "saturated": _saturated(opened),
        },
        "every": step,
        "percentiles": {f"{p:g}": float(v) for p, v in zip(PERCENTS, percents, strict=True)},
        "zscale": zscale(sample),
        "histogram": counts.tolist(),
    }


def _saturated(opened: Opened) -> int:
    """How many pixels have the highest value that there is: SATURATE of the header, else that of their numbers."""
    plane, said = opened.plane, opened.cards.get("SATURATE")
    if isinstance(said, int | float) and not isinstance(said, bool):
        top = float(said)
    elif plane.dtype.kind in "iu":
        top = float(np.iinfo(plane.dtype).max)
    else:
        return 0
    return int(np.count_nonzero(plane >= top)) if opened.high >= top else 0


def _told(value: Any) -> Any:
    """A value of a header as JSON can say it: whole numbers have 64 bits there."""
    return str(value) if isinstance(value, int) and abs(value) >= 1 << 63 else value


def _part(path: Path, wanted: list[int]) -> bytes:
    opened = _open(path)
    height, width = opened.plane.shape
    x, y = min(max(wanted[0], 0), width - 1), min(max(wanted[1], 0), height - 1)
    w, h = min(wanted[2] or width, width - x), min(wanted[3] or height, height - y)
    if w < 1 or h < 1:
        raise ValueError(f"w and h are {w} and {h}, expected one pixel at least")
    bins = -(-max(w, h) // WIDEST)
    part = averaged(opened.plane[y : y + h, x : x + w], bins)
    span = (opened.high - opened.low) or 1.0
    level = np.nan_to_num((part - opened.low) / span * 65535.0, nan=0.0, posinf=65535.0, neginf=0.0)
    head = np.array([part.shape[1], part.shape[0], bins], "<u4").tobytes()
    return head + np.clip(np.rint(level), 0, 65535).astype("<u2").tobytes()


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    text = query.get(name, "")
    if not text:
        return otherwise
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError(f"{name} is {text!r}, expected a whole number of pixels")
    return int(text)
