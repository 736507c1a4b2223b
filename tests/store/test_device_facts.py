from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sereno.store.device_facts import Fact, FactKind, FactStore, SqlFacts
from sereno.store.device_redis import RedisFacts
from sereno.store.engine import Store
from sereno.store.errors import StoreError
from tests.ports import free_port


@pytest.fixture
def redis_url(tmp_path: Path, require_package: Callable[[str, str], ModuleType], require_program: Any) -> Iterator[str]:
    require_package("redis", "redis")
    program = require_program("redis-server", "redis-server")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    for _ in range(3000):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}"
    server.terminate()
    server.wait()
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture(params=["sqlite", "redis"])
async def facts(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FactStore]:
    found: FactStore
    if request.param == "redis":
        found = RedisFacts(request.getfixturevalue("redis_url"))
    else:
        found = SqlFacts(Store.open(tmp_path / "sereno.db"), owns=True)
    yield found
    await found.close()


async def test_facts_are_kept_replaced_and_taken_away(facts: FactStore) -> None:
    limit = Fact(FactKind.PROPERTY, "lab/ps_1", "limit", 12.5)
    await facts.write([limit, Fact(FactKind.PROPERTY, "lab/ps_0", "port", "/dev/ttyS0")], "olga", 1)
    await facts.write([Fact(FactKind.MEMORY, "lab/ps_1", "wave", [1.0, None, "x"])], "olga", 2)
    assert [f.owner for f in await facts.read(FactKind.PROPERTY)] == ["lab/ps_0", "lab/ps_1"]
    assert await facts.read(FactKind.PROPERTY, "lab/ps_1") == [limit]
    assert (await facts.read(FactKind.MEMORY))[0].value == [1.0, None, "x"]
    assert await facts.read(FactKind.ALIAS) == []
    await facts.write([Fact(FactKind.PROPERTY, "lab/ps_1", "limit", 0)], "ivan", 3)
    await facts.write([Fact(FactKind.PROPERTY, "lab/ps_1", "limit", None)], "ivan", 4)
    await facts.write([Fact(FactKind.PROPERTY, "lab/ps_1", "limit", None)], "ivan", 5)
    await facts.pause()
    assert await facts.read(FactKind.PROPERTY, "lab/ps_1") == []
    changes = await facts.history("lab/ps_1")
    assert [(c.t, c.actor, c.old, c.new) for c in changes] == [
        (4, "ivan", 0, None),
        (3, "ivan", 12.5, 0),
        (1, "olga", None, 12.5),
    ]
    assert len(await facts.history()) == 4
    assert len(await facts.history(limit=1)) == 1


async def test_a_redis_that_is_not_there_is_told(require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("redis", "redis")
    facts = RedisFacts("redis://127.0.0.1:1")
    with pytest.raises(StoreError, match="device database in Redis"):
        await facts.read(FactKind.DEVICE)
    with pytest.raises(StoreError, match="device database in Redis"):
        await facts.write([Fact(FactKind.DEVICE, "lab/x", "class", "a:B")], "olga", 1)
    await facts.close()
