"""Brings a file of samples into a node: its parts are put by there, then merged into the history in one step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sereno.client import Client, ImportSource, ImportStage, ImportTally, StagedImport
from sereno.model import Clock, OperationError, SystemClock

from .source import SourceFile

PERIOD = 0.2
Progress = Callable[[str, float], None]
"""Told what is done, and which share of it."""


async def bring(
    client: Client,
    source: ImportSource,
    content: SourceFile,
    progress: Progress,
    *,
    clock: Clock | None = None,
    resumed: Callable[[StagedImport], None] = lambda _: None,
) -> ImportTally:
    """Send what is not there yet, merge it; given again after it was broken off or was not merged, it goes on, which
    `resumed` is told. Cancelled while it merges, it is given up. Raises SerenoError, ValueError.
    """
    port, actor = client.analysis, client.actor
    staged = await port.stage_import(source, actor)
    if staged.parts:
        resumed(staged)
    parts = content.parts()
    number = sent = 0
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        if number >= staged.parts:
            await port.put_import(staged.key, number, part.data, actor)
        number += 1
        sent += part.samples
        progress("sent", sent / max(sent, content.samples))
    await port.merge_import(staged.key, actor)
    try:
        return await _merged(client, staged.key, progress, clock or SystemClock())
    except asyncio.CancelledError:
        await port.cancel_import(staged.key, actor)
        raise


async def _merged(client: Client, key: str, progress: Progress, clock: Clock) -> ImportTally:
    while True:
        state = await client.analysis.import_state(key, client.actor)
        if state.stage is ImportStage.DONE:
            return state.tally
        if state.stage is not ImportStage.MERGING:
            more = "; what was sent is kept: the same command merges it again" if state.kept else ""
            raise OperationError(f"nothing was imported: {state.error or 'the import was cancelled'}{more}")
        progress("merged", state.share)
        await clock.sleep(PERIOD)
