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
    ("cause", "failure mode: mistakes that one feature direction explains"),
    ("carry it", "images that score above the cause's threshold"),
    ("covering it", "its region blurred and asked again; elsewhere: the control"),
    ("! · weak", "looks spurious: in other classes too · not in resamples"),
    ("cue", "what images have or lack beside the object; you tag it"),
    ("● ○ ✗", "tagged: has it, has not, mislabelled"),
    ("estimated", "rests on tags that a probe carried to other images"),
    ("▲ ▼", "insufficient: mistakes lack it · excessive: misleads them"),
    ("prec", "% of the mistakes that have it among their first five"),
    ("imp", "how many times likelier the class is with it than without"),
    ("fixes · random", "% of mistakes fixed by setting it right · a random neuron"),
    ("× · rank", "activation / 99.9 % quantile, < 1: not shown · its place"),
    ("what-if", "the change if ▲ were doubled and ▼ off; x: in all classes"),
    ("▸", "from before to after"),
    ("fixed · broken", "images that become right · wrong"),
    ("without groups", "the same repair without tags and groups: what they add"),
)
"""None longer than 58 characters: they fit at 80 columns."""
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
