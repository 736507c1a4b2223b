"""`sereno top` on a terminal: tabs that keep themselves up to date."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import DataTable, Footer, Input, Static, TabbedContent, TabPane

from sereno.model import SerenoError

from .tables import TABS, headline, table_of

Ask = Callable[[], Awaitable[Mapping[str, Any]]]


class Top(App[None]):
    """Asks again and again; `s` and `r` sort the tab that is shown, `/` filters all."""

    AUTO_FOCUS = "#devices-table"
    CSS = "#headline { height: auto; padding: 0 1; } #filter { display: none; } #filter.shown { display: block; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("s", "sort", "Sort by the next column"),
        ("r", "reverse", "Reverse"),
        ("slash", "filter", "Filter"),
        ("escape", "clear", "No filter"),
        ("q", "quit", "Quit"),
    ]

    def __init__(self, ask: Ask, *, interval: float = 1.0) -> None:
        super().__init__()
        self._ask = ask
        self._interval = interval
        self._system: Mapping[str, Any] | None = None
        self._sorts: dict[str, int] = dict.fromkeys(TABS, -1)
        self._reversed: set[str] = set()
        self._match = ""

    def compose(self) -> ComposeResult:
        """See App."""
        with Vertical():
            yield Static("", id="headline", markup=False)
            yield Input(placeholder="text to look for", id="filter")
            with TabbedContent():
                for tab in TABS:
                    with TabPane(tab, id=tab):
                        yield DataTable(id=f"{tab}-table", cursor_type="row")
        yield Footer()

    async def on_mount(self) -> None:
        """See App."""
        self.set_interval(self._interval, self.renew)
        await self.renew()

    async def renew(self) -> None:
        """Ask once and show it; a fault is shown in place of the headline, and the tables stay."""
        try:
            self._system = await self._ask()
        except SerenoError as error:
            self.query_one("#headline", Static).update(f"! {error}")
            return
        self.show()

    def show(self) -> None:
        """Show what was heard last."""
        if self._system is None:
            return
        self.query_one("#headline", Static).update(headline(self._system))
        for tab in TABS:
            self._fill(self._system, tab)

    def action_sort(self) -> None:
        """By the next column; after the last one as the node gave it."""
        tab = self._tab
        self._sorts[tab] = (self._sorts[tab] + 2) % (len(TABS[tab]) + 1) - 1
        self.show()

    def action_reverse(self) -> None:
        """The other way round."""
        self._reversed ^= {self._tab}
        self.show()

    def action_filter(self) -> None:
        """Type what to look for."""
        field = self.query_one("#filter", Input)
        field.add_class("shown")
        field.focus()

    def action_clear(self) -> None:
        """Show everything."""
        field = self.query_one("#filter", Input)
        field.value = ""
        field.remove_class("shown")
        self.set_focus(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        self._match = event.value
        self.show()

    def on_input_submitted(self) -> None:
        """Back to the table."""
        self.set_focus(None)

    @property
    def _tab(self) -> str:
        return self.query_one(TabbedContent).active

    def _fill(self, system: Mapping[str, Any], tab: str) -> None:
        at = self._sorts[tab]
        sort = TABS[tab][at].name if at >= 0 else ""
        found = table_of(system, tab, sort=sort, reverse=tab in self._reversed, match=self._match)
        table: DataTable[str] = self.query_one(f"#{tab}-table", DataTable)
        row, scroll = table.cursor_row, table.scroll_y
        table.clear(columns=True)
        arrow = " v" if tab in self._reversed else " ^"
        table.add_columns(*(name + (arrow if name == sort else "") for name in found.columns))
        table.add_rows(found.rows)
        table.move_cursor(row=min(row, max(0, len(found.rows) - 1)), animate=False)
        table.scroll_y = scroll
