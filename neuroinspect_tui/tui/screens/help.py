"""Help: the keys as they are mapped now, those of this place first, and what the words on screen mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from textual import events, on
from textual.binding import Binding
from textual.widget import Widget

from ..keymap import KEYS, keys
from ..widgets.filtered import FilteredTable
from ..widgets.table import Column, Row
from .page import Page

WORDS = (
    ("acc", "share of the class's images that are predicted right, in percent"),
    ("gap", "difference between the best and the worst group of the class, in points"),
    ("▲ insufficient", "neuron that the mistakes would need more of to be right"),
    ("▼ excessive", "neuron that pulls the mistakes to the wrong class"),
    ("prec", "percent of the mistakes with this neuron among their five most guilty"),
    ("imp", "retaining ratio: above 1 the class leans on the neuron"),
    ("mends", "share of the mistakes mended by setting the neuron; random: by random neurons"),
    ("!", "the neuron is suspicious: it fires on the surroundings, not on the object"),
    ("× on a picture", "activation against the 99.9 % quantile on real images; below 1: not shown"),
    ("rank", "place of the neuron among all on its own illusion; 1: identified"),
    ("robust", "the same ratio under random shifts and turns"),
    ("what-if", "accuracy if the marked neurons were scaled, from stored features, at once"),
    ("cue", "what a culprit reacts to beside the object: a background, a mark; tags say who has it"),
    ("fixed / broken", "images that become right / wrong"),
    ("verdict", "whether a repair beats its controls by more than chance"),
)
COLUMNS = (Column("", 16, stretch=1, most=24), Column("", 40, stretch=4, most=110))


class HelpScreen(Page[None]):
    """All keys and words; `/` filters."""

    BINDINGS = keys("app.copy")

    def __init__(self, here: Sequence[Binding]) -> None:
        super().__init__()
        self.here = here
        self.table = FilteredTable(COLUMNS, title="Help", dom_id="help")

    def body(self) -> Iterable[Widget]:
        """Lay out the table."""
        yield self.table

    @on(events.Mount)
    def _fill(self) -> None:
        self.table.summary = "/ filters"
        self.table.offer(self.rows())
        self.table.focus()

    def rows(self) -> list[Row]:
        """Return the keys that work here, all keys by place, and the words."""
        rows = [_title("Here")]
        here: dict[str, list[str]] = {}
        for binding in (binding for binding in self.here if binding.id in KEYS):
            here.setdefault(binding.description, []).append(
                self.ni.get_key_display(replace(binding, key_display=None))
            )
        rows += [_line(" ".join(used), words, f"here {words}") for words, used in here.items() if words]
        for place in dict.fromkeys(key.place for key in KEYS.values()):
            rows.append(_title(place))
            named = [(name, key.words) for name, key in KEYS.items() if key.place == place]
            rows += [_line(self.ni.keys_of(name), words, name) for name, words in named]
        rows.append(_title("Words on screen"))
        return rows + [_line(word, meaning, f"word {word}") for word, meaning in WORDS]

    def copied(self) -> str:
        """The id of the action under the cursor, for the config file."""
        return str(self.table.key or "")


def _title(words: str) -> Row:
    return Row(None, (((words, "accent"),),))


def _line(left: str, right: str, key: str) -> Row:
    return Row(key, (((left, "strong"),), right))
