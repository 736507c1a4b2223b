"""Images for the page: who may see which, paths that lead elsewhere, figures, and parts of large images."""

from __future__ import annotations

import asyncio
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson
import pytest

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.client import Client, CommandSpec
from sereno.device.instruments import encode_fits
from sereno.model import NotFoundError, OperationError
from sereno.pages import Asked
from sereno.web.answers import answer
from sereno_observatory.pages import imagefiles as page
from sereno_observatory.pages.imagefiles import fits, image, images, pixels, star
from sereno_observatory.pages.imagemeasure import averaged

NAME = "site-camera-20261128T211216-00001.fits"
OTHER = "site-camera-two-20261128T211216-00001.fits"
FINISHED = "000001_m31_visible_r_p1-0001.fits"


@dataclass(frozen=True)
class Device:
    path: str
    url: str = ""
    commands: tuple[CommandSpec, ...] = (CommandSpec(name="expose"),)


@dataclass(frozen=True)
class Tag:
    path: str


@dataclass
class Plant:
    """Two cameras and an observer, in the eyes of somebody."""

    actor: Actor

    async def devices(self) -> list[Device]:
        observer = Device("observatory/observer", "sereno_observatory.observer.agent:Observer", ())
        return [Device("site/camera"), Device("site/camera/two"), observer]

    async def tags(self) -> list[Tag]:
        known = ("site/camera/image", "site/camera/two/image", "observatory/observer/last_image")
        return [Tag(path) for path in known if self.actor.may(Right.READ, path)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows, columns = np.mgrid[0:30, 0:40]
    plane = (1000 + rows * 40 + columns).astype(np.uint16)
    for name in (f"images/{NAME}", f"images/{OTHER}", f"nights/2026-11-28/{FINISHED}"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(encode_fits(plane, {"OBJECT": "M31"}))
    (tmp_path / "sereno.fits").write_bytes(b"secret")
    (tmp_path / "images/.part.fits").write_bytes(b"not yet")
    return tmp_path


def asks(folder: Path, *globs: str, **query: Any) -> Asked:
    role = Role("some", tuple(Permission(Right.READ, glob) for glob in globs or ("*",)))
    client = cast(Client, Plant(Actor("somebody", (role,))))
    return Asked(client=client, query={key: str(value) for key, value in query.items()}, folder=folder)


async def test_each_sees_the_images_of_what_they_may_read(folder: Path) -> None:
    async def seen(*globs: str) -> set[str]:
        return {one["id"] for one in (await images(asks(folder, *globs)))["images"]}

    assert await seen() == {f"images/{NAME}", f"images/{OTHER}", f"nights/2026-11-28/{FINISHED}"}
    assert await seen("site/camera/image") == {f"images/{NAME}"}
    assert await seen("observatory/*") == {f"nights/2026-11-28/{FINISHED}"}
    assert await seen("elsewhere/*") == set()


async def test_of_years_of_nights_the_last_are_looked_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_LISTED", 3)
    for night in range(10, 20):
        (folder / f"nights/2025-11-{night}").mkdir()
        (folder / f"nights/2025-11-{night}/a.fits").write_bytes(b"x")
    for number in range(20):
        (folder / f"images/site-camera-20250101T0000{number:02d}-00001.fits").write_bytes(b"x")
    looked: list[Path] = []
    real = Path.stat

    def stat(path: Path, **how: Any) -> Any:
        looked.append(path)
        return real(path, **how)

    monkeypatch.setattr(Path, "stat", stat)
    found = await images(asks(folder))
    assert len(found["images"]) == 3
    names = {path.relative_to(folder).as_posix() for path in looked if path.suffix == ".fits"}
    assert {one for one in names if one.startswith("nights")} == {
        f"nights/2026-11-28/{FINISHED}", "nights/2025-11-19/a.fits", "nights/2025-11-18/a.fits",
    }  # fmt: skip
    assert f"images/{NAME}" in names
    assert len(names) == 3 + 3 + 1


@pytest.mark.parametrize(
    "name",
    ["", "sereno.fits", "../secret.fits", "images/../sereno.fits", "images/.part.fits", "/etc/passwd", "images//x.fits",
     "nights/../images/x.fits", f"images/{NAME}\0", "images/site-camera.fits", "images\\x.fits", "nights/x.fits"],
)  # fmt: skip
async def test_nothing_else_can_be_asked_for(folder: Path, name: str) -> None:
    for ask in (image, pixels, fits):
        with pytest.raises(NotFoundError, match="that you may see"):
            await ask(asks(folder, id=name))


async def test_no_image_of_a_camera_that_one_may_not_read_and_no_link_out_of_the_folder(folder: Path) -> None:
    with pytest.raises(NotFoundError):
        await fits(asks(folder, "site/camera/image", id=f"images/{OTHER}"))
    elsewhere = folder.parent / "elsewhere.fits"
    elsewhere.write_bytes((folder / "images" / NAME).read_bytes())
    (folder / "images" / NAME).unlink()
    (folder / "images" / NAME).symlink_to(elsewhere)
    with pytest.raises(NotFoundError):
        await fits(asks(folder, id=f"images/{NAME}"))


async def test_header_figures_and_the_whole_file(folder: Path) -> None:
    found = await image(asks(folder, id=f"images/{NAME}"))
    assert (found["width"], found["height"], found["bits"], found["every"]) == (40, 30, 16, 1)
    assert ["OBJECT", "M31"] in found["cards"]
    assert found["statistics"]["low"] == 1000
    assert found["statistics"]["high"] == 2199
    assert found["statistics"]["median"] == pytest.approx(1599.5)
    assert (sum(found["histogram"]), len(found["histogram"]), found["whole"]) == (1200, 256, True)
    assert found["zscale"] == pytest.approx([1000, 2199], abs=10)
    file = await fits(asks(folder, id=f"images/{NAME}"))
    assert (file.name, file.content) == (NAME, folder / "images" / NAME)


@pytest.mark.parametrize(
    ("pixels", "header", "saturated"),
    [
        (np.array([[65535, 1], [65535, 2]], np.uint16), {}, 2),
        (np.array([[4095, 1], [4096, 2]], np.uint16), {"SATURATE": 4095}, 2),
        (np.array([[4095, 1], [4096, 2]], np.uint16), {}, 0),
    ],
)
async def test_pixels_that_can_be_no_brighter_are_counted(
    folder: Path, pixels: np.ndarray, header: dict[str, Any], saturated: int
) -> None:
    (folder / "images" / NAME).write_bytes(encode_fits(pixels, header))
    assert (await image(asks(folder, id=f"images/{NAME}")))["statistics"]["saturated"] == saturated


async def test_a_header_that_says_anything_is_shown_and_a_link_to_nothing_is_not(folder: Path) -> None:
    data = encode_fits(np.ones((2, 2), np.uint16), {"HUGE": 10**40, "SCRIPT": "<script>alert(1)</script>"})
    (folder / "images" / NAME).write_bytes(data)
    (folder / "images" / NAME.replace("00001", "00009")).symlink_to(folder / "gone")
    found = await image(asks(folder, id=f"images/{NAME}"))
    assert ["HUGE", str(10**40)] in orjson.loads(answer(found).body)["cards"]
    assert len((await images(asks(folder)))["images"]) == 3


async def test_a_part_in_levels_of_the_images_range(folder: Path) -> None:
    content = (await pixels(asks(folder, id=f"images/{NAME}", x=38, y=29, w=100, h=100))).content
    assert isinstance(content, bytes)
    assert struct.unpack("<3I", content[:12]) == (2, 1, 1)
    assert struct.unpack("<2H", content[12:]) == (round(1198 / 1199 * 65535), 65535)


async def test_a_large_image_comes_small_and_a_change_of_the_file_is_seen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "WIDEST", 10)
    monkeypatch.setattr(page, "SAMPLED", 100)
    asked = asks(folder, id=f"images/{NAME}")
    small = (await pixels(asked)).content
    assert isinstance(small, bytes)
    width, height, bins = struct.unpack("<3I", small[:12])
    assert (width, height, bins) == (10, 7, 4)
    assert (await image(asked))["every"] == 4
    (folder / "images" / NAME).write_bytes(encode_fits(np.full((5, 5), 7, np.uint16)))
    assert (await image(asked))["statistics"]["high"] == 7
    monkeypatch.setattr(page, "MOST_BYTES", 10)
    with pytest.raises(OperationError, match="too large to be shown, download it"):
        await image(asked)
    assert (await fits(asked)).name == NAME


async def test_a_histogram_of_few_values_has_a_bar_for_each(folder: Path) -> None:
    (folder / "images" / NAME).write_bytes(encode_fits(np.tile(np.array([10, 11, 14], np.uint16), (9, 3))))
    assert (await image(asks(folder, id=f"images/{NAME}")))["histogram"] == [27, 27, 0, 0, 27]


async def test_the_list_says_what_headers_say_and_has_each_exposure_once(folder: Path) -> None:
    taken = {"DATE-OBS": "2026-11-28T21:12:16.250", "EXPTIME": 30.0}
    plane = np.ones((2, 2), np.uint16)
    of_the_night = {"OBJECT": "M31", "INSTRUME": "Eye", "CAMERA": "site/camera", "FILTER": "r", "IMAGETYP": "LIGHT"}
    (folder / "nights/2026-11-28" / FINISHED).write_bytes(encode_fits(plane, taken | of_the_night))
    for name in (NAME, OTHER):
        (folder / "images" / name).write_bytes(encode_fits(plane, taken))
    found = {one["id"]: one for one in (await images(asks(folder)))["images"]}
    assert set(found) == {f"nights/2026-11-28/{FINISHED}", f"images/{OTHER}"}
    one = found[f"nights/2026-11-28/{FINISHED}"]
    assert (one["object"], one["camera"], one["filter"], one["exposure"]) == ("M31", "site-camera", "r", 30.0)
    assert (one["t"], one["kind"], one["night"]) == ("2026-11-28T21:12:16.250Z", "LIGHT", "2026-11-28")
    other = found[f"images/{OTHER}"]
    assert (other["camera"], other["night"], other["t"]) == ("site-camera-two", "", "2026-11-28T21:12:16.250Z")
    (folder / "images" / OTHER).write_bytes(b"cut off")
    (other,) = [one for one in (await images(asks(folder)))["images"] if one["id"] == f"images/{OTHER}"]
    assert (other["exposure"], other["object"]) == (None, "")
    assert other["t"].startswith("20")


async def test_a_star_is_measured_where_one_points(folder: Path) -> None:
    rows, columns = np.mgrid[0:60, 0:60]
    plane = 500.0 + 3000.0 * np.exp(-((rows - 20.0) ** 2 + (columns - 30.0) ** 2) / 8.0)
    (folder / "images" / NAME).write_bytes(encode_fits(plane.astype(np.float32)))
    found = (await star(asks(folder, id=f"images/{NAME}", x=33, y=18)))["star"]
    assert (found["x"], found["y"], found["fwhm"]) == pytest.approx((30.0, 20.0, 4.71), abs=0.05)
    assert found["peak"] == pytest.approx(3000, rel=0.01)
    assert (await star(asks(folder, id=f"images/{NAME}", x=5, y=50)))["star"] is None


async def test_what_is_no_image_and_no_number_is_told(folder: Path) -> None:
    (folder / "images" / NAME).write_bytes(b"SIMPLE  = nonsense" + b" " * 2862)
    with pytest.raises(OperationError, match=NAME):
        await image(asks(folder, id=f"images/{NAME}"))
    with pytest.raises(ValueError, match="x is 'a'"):
        await pixels(asks(folder, id=f"images/{OTHER}", x="a"))
    (folder / "images" / NAME).write_bytes(encode_fits(np.full((4, 4), np.nan, np.float32)))
    with pytest.raises(OperationError, match="no pixel has a value"):
        await image(asks(folder, id=f"images/{NAME}"))


def test_blocks_are_means() -> None:
    part = np.arange(24, dtype=np.uint16).reshape(4, 6)
    assert averaged(part, 1).tolist() == part.tolist()
    assert averaged(part, 2).tolist() == [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]]
    assert averaged(part, 4).shape == (1, 1)
    assert averaged(np.ones((1, 100), np.float32), 8).shape == (1, 12)


async def test_who_looks_at_images_keeps_no_thread_from_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setattr(page, "_described", lambda _path: {"waited": go.wait(60)})
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    looking = [asyncio.create_task(image(asks(folder, id=f"images/{NAME}"))) for _ in range(4)]
    try:
        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "saved"), 60) == "saved"
    finally:
        go.set()
    assert await asyncio.gather(*looking) == [{"waited": True}] * 4
