"""Small opaque dialogs: a question, a line of text, the first-run tour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from ...results import Concept
from ...text import safe
from ..widgets.table import Column, Row, Table


class ConfirmDialog(ModalScreen[bool]):
    """A question with one safe and one other answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape,enter", "answer(False)", "no"),
    ]  # fmt: skip

    def __init__(self, question: str, details: Sequence[str] = (), yes: str = "yes", no: str = "no") -> None:
        super().__init__()
        self.question, self.details, self.yes, self.no = question, details, yes, no

    def compose(self) -> ComposeResult:
        """Lay out the question and its keys."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self.question, "bold"))
            for line in self.details:
                yield Static(Content(f"  {safe(line, 200)}"))
            keys = Content.assemble(
                ("y", "bold $accent"), f" {self.yes}    ", ("n", "bold $accent"), f" {self.no}"
            )
            yield Static(keys, classes="keys")

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)


class TextDialog(ModalScreen[str]):
    """Asks for a line of text, with `value` to begin with; escape gives an empty one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "back")]

    def __init__(self, question: str, placeholder: str = "", verb: str = "find", value: str = "") -> None:
        super().__init__()
        self.question, self.placeholder, self.verb, self.value = question, placeholder, verb, value

    def compose(self) -> ComposeResult:
        """Lay out the question and the input."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self.question, "bold"))
            yield Input(self.value, placeholder=self.placeholder)
            yield Static(
                Content.assemble(
                    ("⏎", "bold $accent"), f" {self.verb}    ", ("esc", "bold $accent"), " back"
                ),
                classes="keys",
            )

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        self.dismiss(message.value.strip())


class FoundDialog(ModalScreen[int]):
    """The neurons found by a concept; enter takes one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "back")]

    def __init__(self, found: Sequence[Concept], label_of: Callable[[int], str | None]) -> None:
        super().__init__()
        self.found, self.label_of = found, label_of
        self.table = Table(
            (Column("neuron", 6, "right"), Column("named", 20, stretch=1), Column("likeness", 8, "right"))
        )

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog found"):
            asked = safe(self.found[0].label or "", 40)
            yield Static(Content.styled(f"Neurons whose images are most like “{asked}”", "bold"))
            yield self.table
            yield Static(
                Content.assemble(("⏎", "bold $accent"), " mark it    ", ("esc", "bold $accent"), " back"),
                classes="keys",
            )

    @on(events.Mount)
    def _fill(self) -> None:
        self.table.set_rows(
            [
                Row(
                    concept.neuron,
                    (
                        str(concept.neuron),
                        safe(self.label_of(concept.neuron) or "–", 80),
                        f"{concept.score:.2f}" if concept.score is not None else "",
                    ),
                )
                for concept in self.found
            ]
        )
        self.table.focus()

    @on(Table.Opened)
    def _taken(self) -> None:
        self.dismiss(self.table.key if isinstance(self.table.key, int) else None)


class ChoiceDialog(ModalScreen[str]):
    """A list of names; enter takes one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "back")]

    def __init__(self, question: str, names: Sequence[str]) -> None:
        super().__init__()
        self.question, self.names = question, names
        self.table = Table((Column("name", 20, stretch=1),))

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog found"):
            yield Static(Content.styled(self.question, "bold"))
            yield self.table
            yield Static(
                Content.assemble(("⏎", "bold $accent"), " choose    ", ("esc", "bold $accent"), " back"),
                classes="keys",
            )

    @on(events.Mount)
    def _fill(self) -> None:
        self.table.set_rows([Row(name, (safe(name, 80),)) for name in self.names])
        self.table.focus()

    @on(Table.Opened)
    def _taken(self) -> None:
        self.dismiss(str(self.table.key))


TOUR = (
    ("1 ", "Causes stand on the left, most mistakes first; c lists the classes instead."),
    ("2 ", "The pictures show what the mistakes share, and what the model says without it."),
    ("3 ", "t tags a few images: c has it, x has not. Whole rows: C and X."),
    ("4 ", "m repairs the decision layer and says whether it helps; a accepts and exports."),
    ("5 ", "e writes the report. The key that comes next stands first in the last line; ? helps."),
)


class TourDialog(ModalScreen[None]):
    """Five lines for the first run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,space,q", "dismiss(None)", "start"),
        Binding("question_mark,f1", "help", "help"),
    ]

    def compose(self) -> ComposeResult:
        """Lay out the five lines."""
        with Vertical(classes="dialog tour"):
            yield Static(Content.styled("From a cause to a repaired model", "bold $primary"))
            for number, words in TOUR:
                yield Static(Content.assemble((number, "bold $accent"), words))
            yield Static(
                Content.assemble(("⏎", "bold $accent"), " start    ", ("?", "bold $accent"), " help"),
                classes="keys",
            )

    async def action_help(self) -> None:
        """Start with the help."""
        await self.dismiss(None)
        await self.app.run_action("app.help")
