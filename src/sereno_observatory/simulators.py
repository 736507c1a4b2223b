"""sim observatory: the simulators of the site, each a process of its own, started and ended together."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

import sereno
from sereno.model import OperationError
from sereno.sim.scenario import read_scenario

PLC_DEVICE = "site/plc"
USERS = "userSimulator"
ALERTS = "alerts"
NAMES = {"plc": PLC_DEVICE, "alerts": ALERTS}
"""What the site calls the simulators that are no instruments."""
SITE = Path(__file__).parent / "site"
SCENARIOS = SITE / "scenarios"
DEVICES = {
    "telescope": "site/telescope",
    "cameraVIS": "site/vis",
    "filterWheel": "site/wheel",
    "focuser": "site/focuser",
    "cameraNIR": "site/nir",
    "infraredWheel": "site/nir_wheel",
    "dome": "site/dome",
    "conditions": "site/weather",
    "safety": "site/safety",
}
"""What the site calls a simulated instrument."""
PORTS = {"telescope": -3, "cameraVIS": -2, "cameraNIR": -1, "plc": 0, "dome": 1, "alerts": 2}
"""Where each simulator listens, beside the PLC: with 5003 the ports are those of the original, 5000 to 5004."""
USUAL = ("telescope", "cameraVIS", "cameraNIR", "plc", "dome")
_END_TIMEOUT = 5.0


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65530), default=5003, show_default=True,
    help="Of the PLC; the instruments are beside it. 0 chooses all.",
)  # fmt: skip
@click.option("--only", multiple=True, type=click.Choice(list(PORTS)), help="Only this simulator; may be repeated.")
@click.option(
    "--site", type=click.Path(path_type=Path), default=SITE, metavar="PLANT",
    help="The plant whose [site] says where the telescope stands; else that of the demo.",
)  # fmt: skip
@click.option("--scenario", default="", help="A scenario file, or one that comes with it: plc, full.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same stars and the same noise again.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option("--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output, one JSON value a line.")
def observatory(
    *,
    port: int,
    only: tuple[str, ...],
    site: Path,
    scenario: str,
    seed: int,
    seconds: float | None,
    tied: bool,
    as_json: bool,
) -> int:
    """The observatory's simulators: its PLC with weather station, dome, doors and lights; telescope and cameras."""
    script = scenario_path(scenario)
    with ExitStack() as stack:
        more = ["--scenario", str(script)] if script else []
        urls, talkers = _all(stack, only or USUAL, port, more, [*place_of(site), "--seed", str(seed)])
        if as_json:
            heard = {ALERTS: urls.pop(ALERTS)} if ALERTS in urls else {}
            click.echo(json.dumps({"devices": urls, **heard}))
        else:
            for name, url in urls.items():
                click.echo(f"{name:16} {url}")
            if PLC_DEVICE in urls:
                click.echo(f"rain: sereno sim force WXT520:RainRate 12 --port {urls[PLC_DEVICE].rpartition(':')[2]}")
            if script is not None and has_users(script):
                click.echo(f"its users need a node: sereno sim users --scenario {scenario} --data DATA")
        sys.stdout.flush()
        for process in talkers:
            threading.Thread(target=_pass_on, args=(process,), name="alerts", daemon=True).start()
        _wait(seconds, tied=tied)
    return 0


def scenario_path(name: str) -> Path | None:
    """The scenario that is meant: a file, one that comes with the package, or none. Raises click.BadParameter."""
    if not name:
        return None
    for path in (Path(name), SCENARIOS / f"{name}.json"):
        if path.is_file():
            return path
    known = sorted(path.stem for path in SCENARIOS.glob("*.json"))
    likely = "".join(f". Did you mean {near!r}?" for near in get_close_matches(name, known, 1))
    raise click.BadParameter(f"{name!r}, expected a file or one of {', '.join(known)}{likely}", param_hint="--scenario")


def place_of(plant: Path) -> list[str]:
    """Options of `sim alpaca`: where the telescope of a plant stands. Raises ConfigurationError, OperationError."""
    site = sereno.outline(plant).site
    place = [site.get(key, 0.0 if key == "elevation" else None) for key in ("latitude", "longitude", "elevation")]
    if None in place:
        raise OperationError(f"{plant} has no [site] with latitude and longitude; see docs/observatory.md")
    return ["--place", ",".join(map(str, place))]


def has_users(path: Path) -> bool:
    """True when users act in a scenario. Raises ConfigurationError."""
    return any(event.simulator == USERS for event in read_scenario(path).events)


def _all(
    stack: ExitStack, names: tuple[str, ...], port: int, more: list[str], alpaca: list[str]
) -> tuple[dict[str, str], list[subprocess.Popen[str]]]:
    """Start simulators; device of the site -> URL, and those that go on telling things.

    Cameras follow the telescope, so they start when that is there.
    """
    talkers: list[subprocess.Popen[str]] = []
    urls: dict[str, str] = {}
    first = [name for name in names if not name.startswith("camera")]
    for group in (first, [name for name in names if name not in first]):
        started = []
        for name in group:
            where = ["--port", str(port + PORTS[name] if port else 0), *more]
            words = [name, *where] if name in NAMES else ["alpaca", "--part", name, *alpaca, *where]
            if name == "dome" and "plc" in names:
                words.append("--no-shutter")
            if name.startswith("camera"):
                words += ["--roofless", *(["--telescope", urls["site/telescope"]] if "site/telescope" in urls else [])]
            started.append((_begun(stack, *words), words))
        for process, words in started:
            ready = _ready(process, words)
            if words[0] in NAMES:
                urls[NAMES[words[0]]] = ready["url"]
                talkers += [process] if words[0] == ALERTS else []
            else:
                urls |= {DEVICES[name]: url for name, url in ready["devices"].items() if name in DEVICES}
    return urls, talkers


def _begun(stack: ExitStack, *words: str) -> subprocess.Popen[str]:
    """Start one simulator. It ends with the stack, or with this process."""
    command = [sys.executable, "-m", "sereno", "sim", *words, "--json", "--until-stdin-closes"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    stack.callback(_end, process)
    return process


def _ready(process: subprocess.Popen[str], words: list[str]) -> dict[str, Any]:
    """What a simulator printed when it was ready. Raises OperationError."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise OperationError(f"the simulator did not start: sereno sim {' '.join(words)}")
    found: dict[str, Any] = json.loads(line)
    return found


def _pass_on(process: subprocess.Popen[str]) -> None:
    """Print what a simulator tells, so that it is never held up by nobody reading."""
    assert process.stdout is not None
    with suppress(ValueError):  # closed while it was read
        for line in process.stdout:
            click.echo(line, nl=False)


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(timeout=_END_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def _wait(seconds: float | None, *, tied: bool) -> None:
    over = threading.Event()
    if tied:
        threading.Thread(target=_until_stdin_closes, args=(over,), name="stdin", daemon=True).start()
    try:
        over.wait(seconds)
    except KeyboardInterrupt:
        return


def _until_stdin_closes(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()
