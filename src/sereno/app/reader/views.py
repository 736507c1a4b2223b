"""Where the last values are drawn: in a window, in the terminal, in a notebook, or as lines."""

from __future__ import annotations

import math
import os
import sys
from typing import Any, Protocol

import click

from sereno.app.commands.show import json_line, timestamp
from sereno.app.console.pictures import blocks
from sereno.model import OperationError

from .ring import Read, Ring

_HOME = "\x1b[H\x1b[J"


class View(Protocol):
    """Told of every value with `take`, and to draw with `draw`, at most some twenty times a second."""

    @property
    def closed(self) -> bool:
        """True when somebody closed it."""

    def take(self, read: Read) -> None:
        """One more value."""

    def draw(self, ring: Ring) -> None:
        """Show the last ones, and let the window live."""

    def close(self) -> None:
        """The end."""


class Lines:
    """A line for each value: time and value, as JSON if wanted."""

    closed = False

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def take(self, read: Read) -> None:
        """See View."""
        if self._as_json:
            value = None if math.isnan(read.value) else read.value
            json_line({"t": timestamp(read.t_ns), "value": value, "good": read.good})
        else:
            click.echo(f"{timestamp(read.t_ns)}  {read.value!r}{'' if read.good else '  bad'}")

    def draw(self, ring: Ring) -> None:
        """See View."""

    def close(self) -> None:
        """See View."""


class Terminal:
    """Drawn with characters, in place; with plotext where it is installed."""

    closed = False

    def __init__(self, title: str) -> None:
        self._title = title
        self._drawn = 0

    def take(self, read: Read) -> None:
        """See View."""

    def draw(self, ring: Ring) -> None:
        """See View."""
        if ring.seen == self._drawn:
            return
        self._drawn = ring.seen
        click.echo(_HOME + self.picture(ring))

    def picture(self, ring: Ring) -> str:
        """The last values as text."""
        seconds, values = ring.columns()
        last = ring.last
        head = f"{self._title}  {last.value!r}" if last is not None else self._title
        try:
            import plotext
        except ImportError:
            return f"{head}\n{blocks(values)}" if values.size else head
        width, height = _terminal_size()
        plotext.clear_figure()
        plotext.theme("clear")
        plotext.plotsize(width, height)
        plotext.title(head)
        good = [i for i, value in enumerate(values.tolist()) if not math.isnan(value)]
        plotext.plot(seconds[good].tolist(), values[good].tolist())
        plotext.xlabel("s")
        return str(plotext.uncolorize(plotext.build()))

    def close(self) -> None:
        """See View."""


class Window:
    """A window of matplotlib. Raises OperationError where there is no matplotlib, or no screen."""

    def __init__(self, title: str) -> None:
        try:
            import matplotlib.pyplot as plt
        except ImportError:
            raise OperationError("a window needs matplotlib: pip install 'sereno[plot]', or --view terminal") from None
        plt.ion()
        opened = plt.figure(num=title, figsize=(7, 4))
        if getattr(opened.canvas, "required_interactive_framework", None) is None:
            plt.close(opened)
            raise OperationError("matplotlib has no screen to open a window on; try --view terminal")
        self._plt = plt
        self.figure, self.axes, self._line = _figure(opened, title)
        self._drawn = 0

    @property
    def closed(self) -> bool:
        """See View."""
        return not self._plt.fignum_exists(self.figure.number)

    def take(self, read: Read) -> None:
        """See View."""

    def draw(self, ring: Ring) -> None:
        """See View."""
        if ring.seen != self._drawn:
            self._drawn = ring.seen
            update(self.axes, self._line, ring)
            self.figure.canvas.draw_idle()
        self.figure.canvas.flush_events()

    def close(self) -> None:
        """See View."""
        self._plt.close(self.figure)


class Notebook:
    """A picture below the cell that is drawn anew. Raises OperationError outside a notebook or without matplotlib."""

    closed = False

    def __init__(self, title: str) -> None:
        try:
            import IPython.display
            from matplotlib.figure import Figure
        except ImportError:
            raise OperationError(
                "a notebook needs IPython and matplotlib: pip install 'sereno[console,plot]'"
            ) from None
        self.figure, self.axes, self._line = _figure(Figure(figsize=(7, 3.5)), title)
        show: Any = IPython.display.display
        self._shown = show(self.figure, display_id=True)
        self._drawn = 0

    def take(self, read: Read) -> None:
        """See View."""

    def draw(self, ring: Ring) -> None:
        """See View."""
        if ring.seen == self._drawn:
            return
        self._drawn = ring.seen
        update(self.axes, self._line, ring)
        if self._shown is not None:
            self._shown.update(self.figure)

    def close(self) -> None:
        """See View."""


def view_of(kind: str, title: str, *, as_json: bool) -> View:
    """The view that is asked for; `auto` is what suits where it runs. Raises OperationError as the views."""
    if as_json or kind == "lines":
        return Lines(as_json=as_json)
    if kind == "window":
        return Window(title)
    if kind == "terminal":
        return Terminal(title)
    if not sys.stdout.isatty():
        return Lines(as_json=False)
    try:
        return Window(title)
    except OperationError:
        return Terminal(title)


def update(axes: Any, line: Any, ring: Ring) -> None:
    """Put the last values into a plot."""
    seconds, values = ring.columns()
    line.set_data(seconds, values)
    axes.relim()
    axes.autoscale_view()


def _figure(figure: Any, title: str) -> tuple[Any, Any, Any]:
    axes = figure.add_subplot()
    (line,) = axes.plot([], [], marker="o", markersize=3, linewidth=1.2)
    axes.set_title(title)
    axes.set_xlabel("s before the newest value")
    axes.grid(alpha=0.3)
    figure.set_layout_engine("constrained")
    return figure, axes, line


def _terminal_size() -> tuple[int, int]:
    try:
        size = os.get_terminal_size()
    except OSError:
        return 80, 20
    return max(20, size.columns - 1), max(8, min(30, size.lines - 2))
