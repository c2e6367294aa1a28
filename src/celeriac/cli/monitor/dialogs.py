"""What lies over the monitor's screen: questions, and all that is known of one thing."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Label, Static


class Confirm(ModalScreen[bool]):
    """Asks before something is done that cannot be undone."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "answer(True)", "Yes"), Binding("n,escape,q", "answer(False)", "No", key_display="n")]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Label(Text(self._question))
            yield Label("y: yes   n: no")

    def action_answer(self, answer: bool) -> None:
        """Close with an answer."""
        self.dismiss(answer)


class Ask(ModalScreen[str]):
    """Asks for a word; empty when nothing is to be done."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel")]

    def __init__(self, question: str, hint: str) -> None:
        super().__init__()
        self._question = question
        self._hint = hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Label(Text(self._question))
            yield Input(placeholder=self._hint)
            yield Label("enter: do it   escape: leave it")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with what was typed."""
        self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """Close with nothing."""
        self.dismiss("")


class Details(ModalScreen[None]):
    """Shows fields, one below the other, and what is fetched later beneath them; ``key`` says what it is about."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "leave", "Back", key_display="esc")]

    def __init__(self, title: str, key: str, fields: list[tuple[str, str]]) -> None:
        super().__init__()
        self.key = key
        self._fields = Static(_lines(fields))
        self._more = Static()
        self._page = VerticalScroll(self._fields, self._more, classes="page")
        self._page.border_title = Text(title)

    def compose(self) -> ComposeResult:
        yield self._page
        yield Footer(compact=True)

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(None)

    def add(self, text: str) -> None:
        """Show a text beneath the fields."""
        self._more.update(Text("\n" + text))
        if self.is_mounted:
            self._page.scroll_end(animate=False)


class TaskDetails(Details):
    """The details of a task, with what can be done about it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "app.result", "Result"),
        Binding("r", "app.revoke", "Revoke"),
        Binding("t", "app.terminate", "Terminate"),
        Binding("l", "app.rate_limit", "Rate"),
        Binding("m", "app.time_limit", "Time limit"),
    ]


def _lines(fields: list[tuple[str, str]]) -> Text:
    width = max((len(name) for name, _ in fields), default=0)
    text = Text()
    for name, value in fields:
        text.append(f"{name:<{width}}  ", style="bold")
        text.append(f"\n{value}\n" if "\n" in value else f"{value}\n")
    return text
