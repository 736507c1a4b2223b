"""backup and restore: a whole installation as one file, while its node runs, and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sereno.app.datafolder import DataFolder
from sereno.model import SystemClock

from .options import json_option
from .plant import plant_path
from .show import json_line, timestamp
from .users import data_option

if TYPE_CHECKING:
    from sereno.app.backup.archive import Manifest


class Teller:
    """Says on standard error how far it is: each stage, and in a terminal its megabytes."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._stage = ""
        self._bytes = 0
        self._shown = 0

    def __call__(self, stage: str, count: int) -> None:
        """See Tell."""
        if stage:
            self._end()
            self._stage, self._bytes, self._shown = stage, 0, 0
            return
        self._bytes += count
        if self._terminal and not self._quiet and self._bytes - self._shown >= 10_000_000:
            self._shown = self._bytes
            click.echo(f"\r{self._stage}: {self._bytes / 1e6:.0f} MB ", nl=False, err=True)

    def _end(self) -> None:
        if self._stage and not self._quiet:
            start = "\r" if self._shown else ""
            click.echo(f"{start}{self._stage}: {self._bytes / 1e6:.1f} MB", err=True)

    def close(self) -> None:
        """The last stage is over."""
        self._end()
        self._stage = ""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--plant", type=click.Path(path_type=Path), default=None, help="Plant file. [that of the last start]")
@click.option("--with", "take", metavar="NAMES", default="", help="Of what devices keep, take this too: images,nights.")
@data_option
@json_option
def backup(*, file: Path, plant: Path | None, take: str, data: Path, as_json: bool) -> int:
    """Write the whole installation to FILE: plant file, database, history, keys. The node may run meanwhile.

    Databases that devices and applications keep in the data folder are taken too. Their other files, images say, only
    if they are named by --with; what was left out is said. FILE holds every secret of the installation; only its owner
    can read it. Keep it so.
    """
    if not file.name:
        raise click.UsageError(f"{str(file)!r} is no name of a file, expected one such as plant.zip")
    from sereno.app.backup.make import back_up

    teller = Teller(quiet=as_json)
    given = None if plant is None else plant_path(plant)
    names = [name.strip().rstrip("/") for name in take.split(",") if name.strip()]
    manifest = back_up(DataFolder(data), file, SystemClock(), plant=given, tell=teller, take=names)
    teller.close()
    if as_json:
        size = {"members": len(manifest.members), "bytes": manifest.bytes, "archive_bytes": file.stat().st_size}
        facts = {"records": manifest.records, "warnings": manifest.warnings, "left_out": _left_out(manifest)}
        json_line({"file": str(file), **size, **facts})
        return 0
    for warning in manifest.warnings:
        click.echo(f"warning: {warning}")
    _say_left_out(manifest)
    if manifest.left_out:
        click.echo(f"to take them too: --with {','.join(one.name for one in manifest.left_out)}")
    click.echo(
        f"{file}: {len(manifest.members)} files, {manifest.bytes / 1e6:.1f} MB, {manifest.records} audit records"
    )
    return 0


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Data folder; it must be empty.")
@click.option("--plant", type=click.Path(path_type=Path), default=None, help="Folder for plant files. [DATA/plant]")
@json_option
def restore(*, file: Path, data: Path, plant: Path | None, as_json: bool) -> int:
    """Put the installation in FILE back into an empty folder. A damaged FILE is refused, its damaged member named.

    Exit code 1 if its audit is not whole. Everybody signs in anew.
    """
    from sereno.app.backup.restore import restore as put_back

    teller = Teller(quiet=as_json)
    done = put_back(file, DataFolder(data), plant or data / "plant", SystemClock(), teller)
    teller.close()
    whole = done.audit is None or done.audit.whole
    if as_json:
        json_line(
            {
                "data": str(data),
                "plant": None if done.plant is None else str(done.plant),
                "made": timestamp(done.manifest.t),
                "members": len(done.manifest.members),
                "bytes": done.manifest.bytes,
                "audit": None if done.audit is None else str(done.audit),
                "audit_whole": whole,
                "warnings": done.manifest.warnings,
                "left_out": _left_out(done.manifest),
            }
        )
        return 0 if whole else 1
    for warning in done.manifest.warnings:
        click.echo(f"warning: {warning}")
    _say_left_out(done.manifest)
    click.echo(f"{data}: {len(done.manifest.members)} files of {timestamp(done.manifest.t)}")
    if done.audit is not None:
        click.echo(f"audit: {done.audit}")
    if done.plant is not None:
        click.echo(f"next: sereno run {done.plant} --data {data}")
    return 0 if whole else 1


def _left_out(manifest: Manifest) -> list[dict[str, Any]]:
    return [{"name": one.name, "files": one.files, "bytes": one.bytes} for one in manifest.left_out]


def _say_left_out(manifest: Manifest) -> None:
    for one in manifest.left_out:
        click.echo(f"not in the archive: {one.name} ({one.files} files, {one.bytes / 1e6:.1f} MB)")
