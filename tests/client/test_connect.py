from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sereno.client import Credential, connect, find_node
from sereno.model import NotConnectedError, OperationError
from tests.client.node import node_at


def credential_in(folder: Path, text: str = json.dumps({"url": "http://127.0.0.1:8000", "token": "t"})) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "credential.json"
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_arguments_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credential_in(tmp_path / "data")
    monkeypatch.setenv("SERENO_URL", "http://env")
    monkeypatch.setenv("SERENO_TOKEN", "e")
    assert find_node("http://given", "g") == Credential("http://given", "g")
    assert find_node("http://given") == Credential("http://given", "e")
    assert find_node(data=tmp_path / "data") == Credential("http://127.0.0.1:8000", "t")
    assert find_node() == Credential("http://env", "e")


def test_the_folder_of_a_local_node_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credential_in(tmp_path / "data")
    monkeypatch.setenv("SERENO_TOKEN", "of some other node")
    assert find_node() == Credential("http://127.0.0.1:8000", "t")


def test_no_node_is_one_clear_line() -> None:
    with pytest.raises(NotConnectedError, match=r"no node found.*sereno run") as error:
        find_node()
    assert "\n" not in str(error.value)


@pytest.mark.skipif(os.name != "posix", reason="file modes are those of POSIX")
def test_a_credential_that_others_can_read_is_refused(tmp_path: Path) -> None:
    credential_in(tmp_path / "data").chmod(0o640)
    with pytest.raises(OperationError, match=r"mode 640.*chmod 600"):
        find_node()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"url": 5}', "\xff"])
def test_a_broken_credential_file_is_named(tmp_path: Path, text: str) -> None:
    credential_in(tmp_path / "data", text)
    with pytest.raises(OperationError, match="credential"):
        find_node()


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "data" / "credential.json").mkdir(parents=True)
    with pytest.raises(NotConnectedError, match="credential"):
        find_node()


async def test_a_local_node_is_found_by_its_folder(tmp_path: Path) -> None:
    async with node_at(tmp_path) as node:
        credential_in(tmp_path, json.dumps({"url": node.url, "token": node.token}))
        async with connect(data=tmp_path) as client:
            assert len(await client.tags()) == 8
