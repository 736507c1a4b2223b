"""service install: run a plant as a system service."""

from __future__ import annotations

import sys
from pathlib import Path
from string import Template

import click

from sereno.model import OperationError

from .plant import plant_path

DEFAULT_UNIT = Path("/etc/systemd/system/sereno.service")

UNIT = Template("""\
[Unit]
Description=Sereno: $plant_name
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart="$python" -m sereno run "$plant" --data "$data" --no-browser
WatchdogSec=30
Restart=on-failure
RestartSec=2
$user_line
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths="$data"
LimitNOFILE=20000

[Install]
WantedBy=multi-user.target
""")


@click.group()
def service() -> None:
    """Run a plant as a system service."""


@service.command()
@click.argument("plant", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), default=Path("/var/lib/sereno"), show_default=True)
@click.option("--user", default="", help="Run as this user. [the service manager's choice]")
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("/etc/systemd/system/sereno.service"), show_default=True
)
@click.option("--print", "only_print", is_flag=True, help="Show the unit, write nothing.")
def install(plant: Path, data: Path, user: str, output: Path, only_print: bool) -> int:
    """Write a systemd unit with watchdog for PLANT. The plant file is checked first."""
    from sereno.app.plant.load import load_plant

    path = plant_path(plant).absolute()
    text = unit_text(load_plant(path).table.name, path, data.absolute(), user)
    if only_print:
        click.echo(text, nl=False)
        return 0
    if output.exists() and output.read_text() != text:
        raise OperationError(f"{output} exists with other content; remove it first or give --output")
    try:
        data.mkdir(parents=True, exist_ok=True)
        output.write_text(text)
    except OSError as error:
        raise OperationError(f"cannot write {error.filename}: {error.strerror}; try with sudo, or --print") from None
    click.echo(f"wrote {output}\nnext: systemctl daemon-reload && systemctl enable --now {output.stem}")
    return 0


def unit_text(plant_name: str, plant: Path, data: Path, user: str) -> str:
    """The unit. Raises OperationError for names that a unit file cannot hold."""
    for text in (plant_name, str(plant), str(data), user):
        if any(c in text for c in '\n\r"%\\'):
            raise OperationError(f"{text!r} cannot stand in a unit file (line break, quote, percent sign or backslash)")
    user_line = f"User={user}" if user else "DynamicUser=no"
    return UNIT.substitute(plant_name=plant_name, python=sys.executable, plant=plant, data=data, user_line=user_line)
