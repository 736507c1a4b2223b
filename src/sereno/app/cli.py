"""The `sereno` command: commands come from entry points and are imported only when asked for."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

import click

from sereno.app.logs import configure_logs
from sereno.app.platform import end_with_parent
from sereno.model import (
    ConfigurationError,
    DeniedError,
    NoAnswerError,
    NotConnectedError,
    OperationError,
    SerenoError,
)

EXIT_FAILED, EXIT_USAGE, EXIT_NOT_CONNECTED, EXIT_DENIED, EXIT_TIMED_OUT = 1, 2, 3, 4, 5


class EntryPointGroup(click.Group):
    """A group whose commands are the entry points of `entries`, built-ins included, besides those added to it."""

    def __init__(self, *args: Any, entries: str = "sereno.commands", **more: Any) -> None:
        super().__init__(*args, **more)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all installed commands."""
        return sorted({*super().list_commands(ctx), *self._entries(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, or None if there is none of that name."""
        own = super().get_command(ctx, cmd_name)
        entry = self._entries(ctx).get(cmd_name)
        if own is not None or entry is None:
            return own
        try:
            command = entry.load()
        except (ImportError, AttributeError) as error:
            return broken_command(entry, f"cannot be loaded: {error}")
        return command if isinstance(command, click.Command) else broken_command(entry, "is not a click command")

    def _entries(self, ctx: click.Context) -> dict[str, EntryPoint]:
        """Looked for once a command line: it reads a file of each installed package."""
        found: dict[str, EntryPoint] | None = ctx.meta.get(self.entries)
        if found is None:
            found = ctx.meta[self.entries] = {e.name: e for e in reversed([*entry_points(group=self.entries)])}
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click, with the nearest spelling for an unknown command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from sereno.app.plant.faults import nearest

            raise click.UsageError(f"{error.message} {nearest(args[0], self.list_commands(ctx))}", ctx) from None


def broken_command(entry: EntryPoint, why: str) -> click.Command:
    """Stands in for a command that another package installed wrongly: listed with its fault, the others go on."""

    @click.command(name=entry.name, help=f"{entry.value} {why}", context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1)
    def broken(arguments: tuple[str, ...]) -> None:
        del arguments
        raise OperationError(f"command {entry.name} ({entry.value}) {why}")

    return broken


@click.command(cls=EntryPointGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("sereno"), prog_name="sereno")
def cli() -> None:
    """Supervisory control and data acquisition, from one sensor to a robotic observatory.

    First steps: `sereno demo plant`, then in another terminal `sereno ls`, `sereno monitor 'river/*'`.
    """


def exit_code(error: SerenoError) -> int:
    """What the shell is told about an error."""
    if isinstance(error, ConfigurationError):
        return EXIT_USAGE
    if isinstance(error, NotConnectedError):
        return EXIT_NOT_CONNECTED
    if isinstance(error, DeniedError):
        return EXIT_DENIED
    if isinstance(error, NoAnswerError):
        return EXIT_TIMED_OUT
    return EXIT_FAILED


def main(argv: list[str] | None = None) -> None:
    """Entry point of the `sereno` script: one clear line for every expected error, never a traceback for it."""
    end_with_parent()
    sys.exit(run_cli(sys.argv[1:] if argv is None else argv))


def run_cli(argv: list[str], given: object = None) -> int:
    """Run one command line and return its exit code; commands get `given` as their context's object."""
    configure_logs(logging.ERROR)
    try:
        result: Any = cli.main(args=argv, prog_name="sereno", standalone_mode=False, obj=given)
        return result if isinstance(result, int) and not isinstance(result, bool) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        return _say("aborted", EXIT_FAILED)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except ConfigurationError as error:
        count = len(error.faults)
        _say(str(error), EXIT_USAGE)
        return _say(f"{count} fault{'s' if count > 1 else ''}; nothing was done", EXIT_USAGE)
    except SerenoError as error:
        return _say(f"sereno: {error}", exit_code(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _say(text: str, code: int) -> int:
    click.echo(text, err=True)
    return code
