"""Runs a node in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sereno.device import Environment
from sereno.model import Clock

from .datafolder import DataFolder
from .logfiles.writer import LogFiles
from .logs import configure_logs
from .node import Node
from .plant.load import Plant
from .plant.log_schema import LogTable
from .stopping import run_until_stopped, until
from .tls import check_listening
from .welcome import Welcome


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What to run and how: `seconds` None = until told to stop; `fresh_password` gives the administrator a new one."""

    plant: Plant
    data: Path
    host: str
    port: int
    seconds: float | None = None
    fresh_password: bool = False


def run_node(options: RunOptions, welcome: Welcome) -> int:
    """Run until Ctrl-C, a request to end, or the time given. Returns the exit code.

    Raises ConfigurationError, before anything is written, where it would listen without TLS.
    """
    folder, environment, log = DataFolder(options.data), Environment(), options.plant.log

    async def work(stopped: asyncio.Event) -> None:
        async with Node(options.plant, folder, environment) as node:
            welcome.show(await node.start(options.host, options.port, fresh_password=options.fresh_password))
            await until(stopped, options.seconds)

    check_listening(options.plant, options.host)
    with logging_as(log, folder, environment.clock):
        return run_until_stopped(work)


@contextmanager
def logging_as(log: LogTable, folder: DataFolder, clock: Clock, *, shown: int = logging.DEBUG) -> Iterator[None]:
    """Log as a plant file says, into files of its data folder too if it says so; see `configure_logs`."""
    if not log.files:
        configure_logs(log.number, shown=shown)
        yield
        return
    with LogFiles(folder.logs, clock, log.rules()) as files:
        configure_logs(log.number, files, shown=shown)
        try:
            yield
        finally:
            configure_logs(log.number)
