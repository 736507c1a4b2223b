"""shell: a plant at an IPython prompt."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from sereno.model import OperationError

from .options import NodeAddress, node_options


@click.command()
@click.option("--command", "-c", "code", default=None, help="Run this instead of asking, as with python -c.")
@node_options
def shell(*, code: str | None, node: NodeAddress) -> int:
    """Open an IPython prompt at which the plant stands: paths complete, await works, errors are sentences."""
    from sereno.app.console.extension import load, unload

    prompt = _prompt(keep_history=code is None)
    words = load(prompt, url=node.url, token=node.token, data=node.data)
    try:
        if code is not None:
            return 0 if prompt.run_cell(code).success else 1
        click.echo(words)
        prompt.mainloop()
    finally:
        unload(prompt)
    return 0


def _prompt(*, keep_history: bool) -> Any:
    try:
        embed, traitlets = import_module("IPython.terminal.embed"), import_module("traitlets.config")
    except ImportError:
        raise OperationError("the shell needs IPython: install sereno[console]") from None
    config = traitlets.Config()
    config.TerminalInteractiveShell.confirm_exit = False
    config.HistoryManager.enabled = keep_history
    return embed.InteractiveShellEmbed(config=config, banner1="", user_ns={})
