"""observatory import: a site of one's own from the addresses (INI) of the original."""

from __future__ import annotations

import configparser
import difflib
import re
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import click

from sereno.model import ConfigurationError, Fault

SITE = Path(__file__).parent.parent / "site"
MEANT = {
    "Telescope": ("site/telescope",),
    "CameraVIS": ("site/vis", "site/wheel", "site/focuser"),
    "CameraNIR": ("site/nir", "site/nir_wheel"),
    "PLC": ("site/plc",),
    "Dome": ("site/dome",),
}
"""The devices whose address a section gives."""
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_URL = re.compile(r'^(url = "[a-z]+://)[^/"]*', re.MULTILINE)


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
def import_addresses(*, file: Path, folder: Path) -> int:
    """Write the observatory's plant into FOLDER, with the addresses of FILE (INI). Never overwrites a file.

    Sections [Telescope], [CameraVIS], [CameraNIR], [PLC] and [Dome], each with ip and port.
    """
    addresses = read_addresses(file)
    sources = sorted(path for path in SITE.rglob("*") if path.suffix in (".toml", ".csv", ".svg", ".json"))
    if taken := [path.relative_to(SITE) for path in sources if (folder / path.relative_to(SITE)).exists()]:
        raise click.ClickException(f"{folder / taken[0]} exists already; choose another folder")
    changed: set[str] = set()
    for source in sources:
        text, found = with_addresses(source.read_text(encoding="utf-8"), addresses)
        made = folder / source.relative_to(SITE)
        try:
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"{made} cannot be written: {error.strerror}; choose another folder") from None
        changed |= found
        click.echo(f"wrote {made}")
    for device in sorted(addresses):
        click.echo(f"{device}  {addresses[device]}" + ("" if device in changed else "  (this site has no such device)"))
    click.echo(f"next: sereno check {folder} && sereno run {folder}")
    return 0


def read_addresses(file: Path) -> dict[str, str]:
    """Device -> host:port. Raises ConfigurationError with every fault."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        text = file.read_text(encoding="utf-8")
        parser.read_string(text, str(file))
    except OSError as error:
        raise ConfigurationError([Fault(str(file), f"cannot be read: {error.strerror}")]) from None
    except (UnicodeDecodeError, configparser.Error) as error:
        raise ConfigurationError([Fault(str(file), " ".join(str(error).split()), "an INI file")]) from None
    lines = _lines(text)
    known = {name.lower(): devices for name, devices in MEANT.items()}
    found: dict[str, str] = {}
    faults: list[Fault] = []
    for name in parser.sections():
        at = partial(_place, file, lines, name)
        if name.lower() not in known:
            near = difflib.get_close_matches(name, MEANT, 1)
            fix = f"Did you mean [{near[0]}]?" if near else ""
            expected = ", ".join(f"[{one}]" for one in MEANT)
            faults.append(Fault(at(""), "a section that is not known", expected, fix))
        elif (address := _address(parser[name], at, faults)) is not None:
            found |= dict.fromkeys(known[name.lower()], address)
    if faults:
        raise ConfigurationError(faults)
    if not found:
        raise ConfigurationError([Fault(str(file), "no address", ", ".join(f"[{one}]" for one in MEANT))])
    return found


def with_addresses(text: str, addresses: Mapping[str, str]) -> tuple[str, set[str]]:
    """A plant file with the URLs of some devices changed, and which were."""
    tables = re.split(r"(?m)^(?=\[\[)", text)
    changed: set[str] = set()
    for place, table in enumerate(tables):
        named = re.search(r'^name = "([^"]+)"', table, re.MULTILINE)
        device = named.group(1) if named and table.startswith("[[device]]") else ""
        if device in addresses:
            tables[place], count = _URL.subn(lambda m, to=addresses[device]: m.group(1) + to, table, count=1)
            changed |= {device} if count else set()
    return "".join(tables), changed


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Where each section and each of its keys stands; "" is the key of its heading."""
    section, found = "", {}
    for number, line in enumerate(text.splitlines(), 1):
        if heading := re.match(r"\[([^\]]+)\]", line):
            section = heading[1]
            found[section, ""] = number
        elif key := re.match(r"([A-Za-z_]+)\s*[=:]", line):
            found[section, key[1].lower()] = number
    return found


def _place(file: Path, lines: Mapping[tuple[str, str], int], section: str, key: str) -> str:
    """Of a key, else of its section."""
    return f"{file}:{lines.get((section, key), lines.get((section, ''), 1))}: [{section}]"


def _address(section: Mapping[str, str], at: Callable[[str], str], faults: list[Fault]) -> str | None:
    host, port = section.get("ip", "").strip(), section.get("port", "").strip()
    before = len(faults)
    if not _HOST.fullmatch(host) and not _is_ip(host):
        faults.append(Fault(at("ip"), f"ip = {host!r}", "an address or a name"))
    if not port.isdigit() or not 0 < int(port) < 65536:
        faults.append(Fault(at("port"), f"port = {port!r}", "1 to 65535"))
    return None if len(faults) > before else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
