"""sim observatory: the simulators of the site, each a process of its own, started and ended together."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import click

from sereno.model import OperationError

PLC_DEVICE = "site/plc"
SCENARIOS = Path(__file__).parent / "scenarios"
_END_TIMEOUT = 5.0


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=5003, show_default=True, help="Of the PLC; 0 chooses.")
@click.option("--scenario", default="", help="A scenario file, or one that comes with it: plc, full.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option("--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output, one JSON value a line.")
def observatory(*, port: int, scenario: str, seconds: float | None, tied: bool, as_json: bool) -> int:
    """The observatory's simulators: its PLC with weather station, dome, doors and lights."""
    script = scenario_path(scenario)
    with ExitStack() as stack:
        options = ["--port", str(port), *(["--scenario", str(script)] if script else [])]
        url = _started(stack, "plc", *options)["url"]
        if as_json:
            click.echo(json.dumps({"devices": {PLC_DEVICE: url}}))
        else:
            click.echo(f"{PLC_DEVICE}  {url}")
            click.echo(f"rain: sereno sim force WXT520:RainRate 12 --port {url.rpartition(':')[2]}")
        sys.stdout.flush()
        _wait(seconds, tied=tied)
    return 0


def scenario_path(name: str) -> Path | None:
    """The scenario that is meant: a file, one that comes with the package, or none. Raises OperationError."""
    if not name:
        return None
    for path in (Path(name), SCENARIOS / f"{name}.json"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in SCENARIOS.glob("*.json")))
    raise OperationError(f"there is no scenario {name!r}; a file, or one of {known}")


def _started(stack: ExitStack, *words: str) -> dict[str, str]:
    """Start one simulator; what it printed when ready. It ends with the stack, or with this process."""
    command = [sys.executable, "-m", "sereno", "sim", *words, "--json", "--until-stdin-closes"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    stack.callback(_end, process)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise OperationError(f"the simulator did not start: sereno sim {' '.join(words)}")
    found: dict[str, str] = json.loads(line)
    return found


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
