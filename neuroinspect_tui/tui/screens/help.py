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
    ("acc", "images of the class predicted right, in percent"),
    ("right", "images predicted right / images"),
    ("⇒ after a tag", "images with it, by hand or by the probe; unclear: neither"),
    ("▸", "from before to after"),
    ("all, worst", "accuracy over all images; of the worst class"),
    ("gap", "points between the class's best and worst group"),
    ("group", "accuracy of the worst (group, class)"),
    ("▲ insufficient", "neuron that the mistakes have too little of"),
    ("▼ excessive", "neuron that pulls the mistakes to the wrong class"),
    ("prec", "mistakes with the neuron among their 5 first, in percent"),
    ("imp", "retaining ratio: how many times likelier the class is with it"),
    ("mends", "mistakes mended with ▲ set to the class mean, ▼ to zero"),
    ("random, 5 ▲ + 5 ▼", "the same by random neurons; by the first of both at once"),
    ("!", "suspicious: fires on surroundings, not on the object"),
    ("sure", "the classifier's confidence in its prediction"),
    ("× on a picture", "activation / its 99.9 % quantile; below 1: not shown"),
    ("rank", "place of the neuron among all; 1: identified"),
    ("robust", "the same ratio under random shifts and turns"),
    ("p, CLIP %ile", "probability of the class; likeness among real images"),
    ("what-if", "accuracy with ▲ doubled, ▼ off, in the class's logit; x: in all"),
    ("cue", "what a culprit reacts to beside the object"),
    ("culprit score", "how much the culprits speak for the class here"),
    ("probe right", "tags that the probe predicts right when left out"),
    ("fixed / broken", "images that become right / wrong"),
    ("verdict", "whether a repair beats its controls beyond chance"),
)
COLUMNS = (Column("", 16, stretch=1, most=24), Column("", 40, stretch=4, most=110))


class HelpScreen(Page[None]):
    """All keys and words; `/` filters."""

    BINDINGS = keys("app.copy")

    def __init__(self, here: Sequence[Binding]) -> None:
        super().__init__()
        self.here = here
        self.table = FilteredTable(COLUMNS, title="Help · keys here, words, all keys", dom_id="help")

    def body(self) -> Iterable[Widget]:
        """Lay out the table."""
        yield self.table

    @on(events.Mount)
    def _fill(self) -> None:
        self.table.summary = "/ filters"
        self.table.offer(self.rows())
        self.table.focus()

    def rows(self) -> list[Row]:
        """Return the keys that work here, the words, and all keys by place."""
        rows = [_title("Here")]
        here: dict[str, list[str]] = {}
        for binding in (binding for binding in self.here if binding.id in KEYS):
            here.setdefault(binding.description, []).append(
                self.app.get_key_display(replace(binding, key_display=None))
            )
        rows += [_line(" ".join(used), words, f"here {words}") for words, used in here.items() if words]
        rows.append(_title("Words on screen"))
        rows += [_line(word, meaning, f"word {word}") for word, meaning in WORDS]
        for place in dict.fromkeys(key.place for key in KEYS.values()):
            rows.append(_title(place))
            named = [(name, key.words) for name, key in KEYS.items() if key.place == place]
            rows += [_line(self.ni.keys_of(name), words, name) for name, words in named]
        return rows

    def copied(self) -> str:
        """The id of the action under the cursor, for the config file."""
        return str(self.table.key or "")


def _title(words: str) -> Row:
    return Row(None, (((words, "accent"),),))


def _line(left: str, right: str, key: str) -> Row:
    return Row(key, (((left, "strong"),), right))
