"""stubs: typed stubs of devices, for editors and type checkers."""

from __future__ import annotations

from pathlib import Path

import click

from sereno.client import Client
from sereno.model import NotFoundError, OperationError

from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line


@click.command()
@click.argument("devices", nargs=-1, required=True, metavar="DEVICE...")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("devices.pyi"), help="File to write. [devices.pyi]"
)
@node_options
@json_option
def stubs(*, devices: tuple[str, ...], out: Path, node: NodeAddress, as_json: bool) -> int:
    """Write the tags and commands of devices as a .pyi. DEVICE is a path, or a glob such as 'lab/*'."""
    from sereno.client import device_stubs

    async def work(client: Client) -> None:
        text, paths = await device_stubs(client, devices)
        if not paths:
            raise NotFoundError(f"no device {' or '.join(map(repr, devices))}; see `sereno device list`")
        _write(out, text)
        if as_json:
            json_line({"file": str(out), "devices": paths})
        else:
            click.echo(f"{out}: {', '.join(paths)}")

    return with_client(work, node)


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OperationError(f"{out} cannot be written: {error.strerror}") from error
