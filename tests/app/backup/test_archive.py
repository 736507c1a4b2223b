"""Archives that were damaged, cut, or made to lead out of the folder: refused before anything is written."""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import zipfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.app.backup.archive import MANIFEST, ArchiveReader, ArchiveWriter, DamagedArchiveError, Manifest, Member
from sereno.app.backup.restore import restore
from sereno.app.datafolder import DataFolder
from sereno.model import OperationError
from sereno.testing import JumpingClock

FILES = {
    "plant/plant.toml": b"[plant]\n",
    "data/history/log/000000000001.log": bytes(range(256)) * 40,
    "data/history/tags.jsonl": b"{}\n" * 5,
}


def manifest(members: list[Member], **more: object) -> Manifest:
    facts = {"sereno": "0.1", "installation": "x", "t": 1, "plant": "plant/plant.toml", "database": ""}
    return Manifest(**{**facts, "records": 0, "warnings": [], "members": members, **more})


def member(name: str, content: bytes) -> Member:
    return Member(name, len(content), hashlib.sha256(content).hexdigest())


def handmade(path: Path, files: dict[str, bytes], **more: object) -> Path:
    """An archive that says what it likes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        listed = manifest([member(name, content) for name, content in files.items()], **more)
        archive.writestr(MANIFEST, msgspec.json.encode(listed))
    return path


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "a.sereno"
    with ArchiveWriter(path) as archive:
        for name, content in FILES.items():
            (tmp_path / "content").write_bytes(content)
            archive.add(name, tmp_path / "content")
        archive.finish(manifest(archive.members))
    (tmp_path / "content").unlink()
    return path


def put_back(path: Path, target: Path) -> None:
    restore(path, DataFolder(target / "data"), target / "plant", JumpingClock(), lambda *_: None)


def found(target: Path) -> dict[str, bytes]:
    return {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*") if p.is_file()}


def test_what_went_in_comes_out(good: Path, tmp_path: Path) -> None:
    put_back(good, tmp_path / "out")
    files = found(tmp_path / "out")
    assert files.pop("data/installation.json")
    assert files == FILES
    assert stat.S_IMODE(good.stat().st_mode) & 0o077 == 0
    assert not list(tmp_path.glob(".*"))


def test_a_name_is_given_when_all_is_there_and_never_taken(good: Path, tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="exists"), ArchiveWriter(good):
        pass

    def broken() -> None:
        with ArchiveWriter(tmp_path / "b.sereno"):
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.sereno"]


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"123")
    with ArchiveWriter(tmp_path / "b.sereno") as archive, pytest.raises(OSError, match="became shorter"):
        archive.add("data/x", tmp_path / "x", 4)


@settings(max_examples=60)
@given(data=st.data())
def test_a_flipped_byte_is_named_or_changes_nothing(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp_path = tmp_path_factory.mktemp("flip")
    path = handmade(tmp_path / "a.sereno", FILES)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        put_back(path, tmp_path / "out")
    except OperationError:
        assert not (tmp_path / "out" / "data").exists()
        assert not (tmp_path / "out" / "plant").exists()
    else:
        files = found(tmp_path / "out")
        del files["data/installation.json"]
        assert files == FILES


def test_every_damaged_member_is_named(good: Path, tmp_path: Path) -> None:
    raw = good.read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        heads = {info.filename: info.header_offset for info in archive.infolist()}
    for name, head in heads.items():
        lengths = struct.unpack_from("<HH", raw, head + 26)  # of the name and of what else stands before the content
        content = bytearray(raw)
        content[head + 30 + sum(lengths) + 2] ^= 0x55
        good.write_bytes(content)
        with pytest.raises(DamagedArchiveError, match=rf"member {name} is damaged"):
            put_back(good, tmp_path / "out")
        assert not (tmp_path / "out").exists() or not found(tmp_path / "out")


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1])
def test_an_archive_that_was_cut_off_is_refused(good: Path, tmp_path: Path, keep: float) -> None:
    raw = good.read_bytes()
    size = int(len(raw) * keep) if isinstance(keep, float) else keep if keep >= 0 else len(raw) + keep
    good.write_bytes(raw[:size])
    with pytest.raises(DamagedArchiveError, match="directory at the end is damaged or cut off"):
        put_back(good, tmp_path / "out")


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "data/../../evil",
        "data/../evil",
        "/etc/evil",
        "data//evil",
        "data/./evil",
        "data\\..\\evil",
        "data/..\\..\\evil",
        "C:/evil",
        "data/C:evil",
        "data/evil\n",
        "data",
        "other/evil",
        "data/",
        "data/" + "x" * 300,
    ],
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    path = handmade(tmp_path / "a.sereno", {"plant/plant.toml": b"", name: b"evil"})
    with pytest.raises(OperationError, match=r"no name for a file|what its manifest names"):
        put_back(path, tmp_path / "in" / "out")
    assert [p.name for p in tmp_path.rglob("*")] == ["a.sereno"]


def test_what_could_not_be_restored_is_not_archived(tmp_path: Path) -> None:
    (tmp_path / "a:b").write_bytes(b"")
    with ArchiveWriter(tmp_path / "b.sereno") as archive, pytest.raises(OperationError, match="rename it"):
        archive.add("plant/a:b", tmp_path / "a:b")


@pytest.mark.parametrize("name", ["../evil", "plant/../../evil", "nowhere"])
def test_neither_does_what_the_manifest_calls_the_plant(tmp_path: Path, name: str) -> None:
    path = handmade(tmp_path / "a.sereno", FILES, plant=name)
    with pytest.raises(OperationError, match="no name for a file"):
        put_back(path, tmp_path / "out")


def test_links_and_doubles_and_strangers_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("data/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "a.sereno"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc")
        archive.writestr(MANIFEST, msgspec.json.encode(manifest([member("data/link", b"/etc")], plant="")))
    with pytest.raises(DamagedArchiveError, match="data/link is no plain file"):
        ArchiveReader(path)
    path = handmade(tmp_path / "b.sereno", {"data/A": b"1", "data/a": b"2"}, plant="")
    with pytest.raises(DamagedArchiveError, match="manifest names"):
        ArchiveReader(path)
    with zipfile.ZipFile(handmade(tmp_path / "c.sereno", FILES), "a") as archive:
        archive.writestr("data/stranger", b"")
    with pytest.raises(DamagedArchiveError, match="manifest names: data/stranger"):
        ArchiveReader(tmp_path / "c.sereno")


def test_a_member_larger_than_it_says_is_not_unpacked_further(tmp_path: Path) -> None:
    path = tmp_path / "a.sereno"
    bomb = bytes(50 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/x", bomb)
        archive.writestr(MANIFEST, msgspec.json.encode(manifest([member("data/x", b"0")], plant="")))
    with ArchiveReader(path) as reader:
        chunks = reader.chunks(reader.manifest.members[0])
        assert len(next(chunks)) == 1
        with pytest.raises(DamagedArchiveError, match="data/x is damaged"):
            next(chunks)


def test_another_format_is_told_apart_from_damage(tmp_path: Path) -> None:
    path = handmade(tmp_path / "a.sereno", FILES, format=2)
    with pytest.raises(OperationError, match="has format 2, this version of Sereno reads 1"):
        ArchiveReader(path)


@pytest.mark.parametrize("where", ["data", "plant"])
def test_a_folder_that_is_not_empty_is_left_alone(good: Path, tmp_path: Path, where: str) -> None:
    (tmp_path / "out" / where).mkdir(parents=True)
    (tmp_path / "out" / where / "mine").write_text("x")
    with pytest.raises(OperationError, match="is not empty"):
        put_back(good, tmp_path / "out")
    assert found(tmp_path / "out") == {f"{where}/mine": b"x"}


def test_an_empty_folder_stays_when_it_goes_wrong(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out" / "data").mkdir(parents=True)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sereno.app.backup.restore.os.fsync", full)
    with pytest.raises(OperationError, match="No space left on device; nothing was left behind"):
        put_back(good, tmp_path / "out")
    assert (tmp_path / "out" / "data").is_dir()
    assert not found(tmp_path / "out")


def test_what_is_no_archive_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="there is no file"):
        ArchiveReader(tmp_path / "none")
    with pytest.raises(OperationError, match="cannot be read"):
        ArchiveReader(tmp_path)
