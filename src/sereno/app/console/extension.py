"""`%load_ext sereno`, and what `sereno shell` starts with."""

from __future__ import annotations

import shlex
import sys
from typing import Any

from sereno.client import SyncClient, connect, connect_sync
from sereno.model import SerenoError

from .plant import PlantAtPrompt

HELLO = """\
plant        {plant}
             plant.{example}   plant["{device}"]   Tab completes
read, put    read("river/*")   put("path", value)
monitor      monitor("river/plc1/*")   until Ctrl-C
trend        trend("{tag}", start="now-10min")
history      columns of the past      client   every call there is, blocking
connect      async with connect() as c: await c.read(...)   at this prompt, too
"""


def load(shell: Any, *, url: str | None = None, token: str | None = None, data: Any = None) -> str:
    """Connect and put the plant into a shell's names; returns words to greet with. Raises SerenoError."""
    client = connect_sync(url, token, data)
    plant = PlantAtPrompt(client)
    shell.push(names(plant, client))
    shell.set_custom_exc((SerenoError,), _told)
    for kind in ("monitor", "trend", "read"):
        shell.register_magic_function(_magic(getattr(plant, kind)), magic_name=kind)
    tag = next(iter(plant.paths), "area/device/tag")
    device = tag.rpartition("/")[0]
    return HELLO.format(plant=repr(plant), example=tag.replace("/", "."), device=device, tag=tag)


def unload(shell: Any) -> None:
    """Disconnect."""
    client = shell.user_ns.pop("client", None)
    if isinstance(client, SyncClient):
        client.close()


def names(plant: PlantAtPrompt, client: SyncClient) -> dict[str, Any]:
    """What stands at the prompt."""
    import sereno

    own = {name: getattr(plant, name) for name in ("read", "put", "monitor", "trend", "history")}
    return {"sereno": sereno, "plant": plant, "client": client, "connect": connect, **own}


def _told(shell: Any, kind: type[BaseException], error: BaseException, trace: Any, tb_offset: Any = None) -> None:
    """Errors of the plant are one sentence; the traceback is there with %tb."""
    del trace, tb_offset
    shell.last_type, shell.last_value = kind, error
    print(f"{kind.__name__.removesuffix('Error')}: {error}", file=sys.stderr)  # noqa: T201


def _magic(function: Any) -> Any:
    def run(line: str) -> Any:
        return function(*shlex.split(line))

    run.__doc__ = function.__doc__
    return run
