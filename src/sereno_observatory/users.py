"""sim users: simulated users who submit observation requests, at the iterations that a scenario says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import click

from sereno.client import connect
from sereno.model import Clock, ConfigurationError, DeliveryError, DeniedError, Fault, SerenoError, SystemClock
from sereno.sim.lifeline import hold
from sereno.sim.scenario import Scenario, read_scenario

from .commands.sequence import called, connection_options
from .simulators import USERS, scenario_path

REQUESTS = Path(__file__).parent / "requests"
_NOT_CONNECTED, _DENIED = 3, 4

Submit = Callable[[str], Awaitable[list[int]]]


class Outcome(StrEnum):
    """What became of a request. `unknown`: no answer came, so that it may be in the book or not."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DENIED = "denied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Submission:
    """A request that was submitted: the numbers of its sequences, or why there are none."""

    iteration: int
    file: str
    outcome: Outcome
    sequences: tuple[int, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        what = f"sequence {', '.join(map(str, self.sequences))}" if self.sequences else self.why
        return f"{self.iteration:>5}  {self.file}  {self.outcome}: {what}"


def request_texts(scenario: Scenario, folder: Path) -> dict[str, str]:
    """File name -> text of the requests, in `folder` or else among Sereno's own. Raises ConfigurationError."""
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    for event in scenario.events:
        if event.simulator != USERS:
            continue
        where = f"event at {event.time}"
        if event.time > scenario.iterations or event.time < 1:
            faults.append(Fault(where, "never comes", f"1 to {scenario.iterations}"))
        found = next((path for path in _places(event.action, folder) if path.is_file()), None)
        if found is None:
            faults.append(Fault(where, f"no request {event.action!r:.80}", f"a file in {folder}, or one of {_ours()}"))
        else:
            texts[str(event.action)] = found.read_text("utf-8", errors="replace")
    if faults:
        raise ConfigurationError(faults)
    return texts


async def play(
    scenario: Scenario,
    texts: Mapping[str, str],
    submit: Submit,
    tell: Callable[[Submission], None],
    *,
    clock: Clock,
    period: float,
) -> None:
    """Play the users of a scenario, an iteration each `period` seconds, until the last of them has submitted."""
    last = max((event.time for event in scenario.events if event.simulator == USERS), default=0)
    begun = clock.monotonic()
    for iteration in range(1, last + 1):
        await clock.sleep(max(0.0, begun + (iteration - 1) * period - clock.monotonic()))
        for file in scenario.due(iteration, USERS):
            tell(await _submitted(iteration, file, texts[file], submit))


async def _submitted(iteration: int, file: str, text: str, submit: Submit) -> Submission:
    try:
        return Submission(iteration, file, Outcome.ACCEPTED, tuple(await submit(text)))
    except SerenoError as error:
        kind = {DeniedError: Outcome.DENIED, DeliveryError: Outcome.UNKNOWN}
        outcome = next((what for cause, what in kind.items() if isinstance(error, cause)), Outcome.REFUSED)
        return Submission(iteration, file, outcome, why=str(error))


def _places(action: object, folder: Path) -> list[Path]:
    return [folder / action, REQUESTS / action] if isinstance(action, str) and action else []


def _ours() -> str:
    return ", ".join(sorted(path.name for path in REQUESTS.glob("*.xml")))


@click.command()
@click.option("--scenario", default="full", show_default=True, help="A scenario file, or one that comes with it.")
@click.option(
    "--period", type=click.FloatRange(min=0.01), default=2.0, show_default=True,
    help="Seconds of an iteration; the site asks its PLC every 2 s.",
)  # fmt: skip
@click.option("--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends.")
@connection_options
def users(
    *, scenario: str, period: float, tied: bool, url: str | None, token: str | None, data: Path | None, as_json: bool
) -> int:
    """Users of the observatory, who submit requests to the book of sequences of a running node.

    They are who --data or --url and --token are: rights, quotas and audit are theirs. Their requests stand beside
    the scenario, or come with Sereno. Ends after the last one.
    Exit code 3 when an answer is missing, 4 when one was denied.
    """
    path = scenario_path(scenario)
    if path is None:
        raise click.BadParameter("is empty", param_hint="--scenario")
    script = read_scenario(path)
    texts = request_texts(script, path.parent)
    told: list[Submission] = []

    def tell(one: Submission) -> None:
        told.append(one)
        click.echo(json.dumps(asdict(one)) if as_json else str(one))

    async def submit(text: str) -> list[int]:
        added: list[int] = await called(url, token, data, "add", (text,))
        return added

    async def work() -> None:
        task = asyncio.current_task()
        if tied and task is not None:
            hold(lambda: _cancel(task))
        async with connect(url=url, token=token, data=data):
            if as_json:  # its supervisor waits for a line, and the first request may be long to come
                click.echo(json.dumps({"ready": True, "requests": len(texts)}))
        await play(script, texts, submit, tell, clock=SystemClock(), period=period)

    try:
        asyncio.run(work())
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("stopped", err=True)
    if not as_json:
        click.echo(_sum(told))
    outcomes = {one.outcome for one in told}
    return _NOT_CONNECTED if Outcome.UNKNOWN in outcomes else _DENIED if Outcome.DENIED in outcomes else 0


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def _sum(told: list[Submission]) -> str:
    counts = {what: sum(one.outcome is what for one in told) for what in Outcome}
    words = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"{len(told)} requests{': ' if words else ''}{words}"
