"""Help: what the words on screen mean, then the keys as they are mapped now, those of this place first."""

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
    ("cause", "failure mode: a group of mistakes that one direction in feature space explains"),
    ("carry it", "images that score above the cause's threshold"),
    (
        "covering it",
        "its region is blurred and the model asked again; elsewhere: an equal region",
    ),
    ("! · weak", "looks spurious: it works in other classes too · does not come back in resamples"),
    ("cue", "what images have or have not beside the object, named and tagged by you"),
    ("● ○ ✗", "tagged: has it, has not, mislabelled"),
    ("estimated", "rests on tags that a probe carried from your images to others"),
    ("▲ ▼", "insufficient: neuron that mistakes lack · excessive: neuron that pulls them away"),
    (
        "prec · imp",
        "% of mistakes with the neuron among their 5 first · times likelier the class is with it",
    ),
    ("fixes · random", "mistakes fixed by setting this neuron right, in % · the same for a random neuron"),
    ("× · rank", "activation / its 99.9 % quantile, below 1: not shown · place among all neurons"),
    ("what-if", "the change on all evaluated images if ▲ were doubled and ▼ off; x: in all classes"),
    ("▸", "from before to after"),
    ("fixed · broken", "images that become right · wrong"),
    ("without groups", "the same repair that uses no tags or groups: what they add"),
)
COLUMNS = (Column("", 16, stretch=1, most=24), Column("", 40, stretch=4, most=110))


class HelpScreen(Page[None]):
    """Words and keys; `/` filters."""

    BINDINGS = keys("app.copy")

    def __init__(self, here: Sequence[Binding]) -> None:
        super().__init__()
        self.here = here
        self.table = FilteredTable(COLUMNS, title="Help · words, keys here, all keys", dom_id="help")

    def body(self) -> Iterable[Widget]:
        """Lay out the table."""
        yield self.table

    @on(events.Mount)
    def _fill(self) -> None:
        self.table.summary = "/ filters"
        self.table.offer(self.rows())
        self.table.focus()

    def rows(self) -> list[Row]:
        """Return the words, the keys that work here, and all keys by place."""
        rows = [_title("Words on screen")]
        rows += [_line(word, meaning, f"word {word}") for word, meaning in WORDS]
        rows.append(_title("Keys here"))
        here: dict[str, list[str]] = {}
        for binding in (binding for binding in self.here if binding.id in KEYS):
            here.setdefault(binding.description, []).append(
                self.app.get_key_display(replace(binding, key_display=None))
            )
        rows += [_line(" ".join(used), words, f"here {words}") for words, used in here.items() if words]
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
