"""A table whose lines come and go while somebody chooses among them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from celeriac.cli.monitor.rows import Column, Row

_MOODS = {
    "online": "green", "offline": "red", "SUCCESS": "green", "FAILURE": "bold red", "REVOKED": "magenta", "REJECTED": "magenta", "RETRY": "yellow",
    "STARTED": "bold cyan",
}  # fmt: skip


class LiveTable(DataTable[Text]):
    """Shows rows; the cursor stays with its row when that moves, except on the first line, which is the latest."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, cursor_type="row", cell_padding=0, zebra_stripes=False)
        self._shown: list[Row] = []
        self._columns: list[Column] = []

    @property
    def chosen(self) -> str | None:
        """The key of the row under the cursor."""
        return self._shown[self.cursor_row].key if 0 <= self.cursor_row < len(self._shown) else None

    def choose(self, key: str) -> None:
        """Put the cursor on a row, if it is there."""
        place = next((index for index, row in enumerate(self._shown) if row.key == key), None)
        if place is not None:
            self.move_cursor(row=place, animate=False)

    def show(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Show these rows, changing no more than what has changed."""
        if list(columns) != self._columns:
            self.clear(columns=True)
            self._columns, self._shown = list(columns), []
            for column in columns:
                self.add_column(column.title, width=column.width + 1)
        if [row.key for row in rows] == [row.key for row in self._shown]:
            self._update(rows)
        else:
            self._fill(rows)
        self._shown = list(rows)

    def _update(self, rows: Sequence[Row]) -> None:
        for line, (row, before) in enumerate(zip(rows, self._shown)):
            for place, (cell, old) in enumerate(zip(row.cells, before.cells)):
                if cell != old or row.mood != before.mood:
                    self.update_cell_at(Coordinate(line, place), self._cell(row, place))

    def _fill(self, rows: Sequence[Row]) -> None:
        follow, chosen, line, top = self.cursor_row <= 0, self.chosen, self.cursor_row, self.scroll_y
        self.clear()
        for row in rows:
            self.add_row(*(self._cell(row, place) for place in range(len(row.cells))))
        if follow:
            return
        place = next((index for index, row in enumerate(rows) if row.key == chosen), line)
        self.move_cursor(row=min(place, len(rows) - 1), animate=False, scroll=False)
        self.scroll_to(y=max(0, top + place - line), animate=False)

    def _cell(self, row: Row, place: int) -> Text:
        style = _MOODS.get(row.mood, "") if self._columns[place].title == "State" else ""
        return Text(row.cells[place], style=style, no_wrap=True, end="")
