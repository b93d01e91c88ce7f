"""Every key of the product in one table, under ids that stay the same: a config file can re-map them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from ..config import nearest
from ..errors import InputError


@dataclass(frozen=True)
class Key:
    """One action: its keys, what help calls it, the place in help, and whether the footer shows it."""

    keys: str
    action: str
    words: str
    place: str
    footer: bool = False
    shown_as: str | None = None


MOVE, PANES, CLASSES, NEURONS = "Move", "Panes", "Causes and classes", "Neurons and pictures"
TAGS, CUES, REPAIRS = "Pictures: tag them", "Cues screen", "Repair screen"
EVERYWHERE, CONFUSION = "Everywhere", "Confusion screen"

KEYS: dict[str, Key] = {
    "list.up": Key("up,k", "move(-1)", "up", MOVE),
    "list.down": Key("down,j", "move(1)", "down", MOVE),
    "list.page-up": Key("pageup,ctrl+b", "page(-1)", "page up", MOVE),
    "list.page-down": Key("pagedown,ctrl+f", "page(1)", "page down", MOVE),
    "list.first": Key("home,g", "move(-1000000)", "first row", MOVE),
    "list.last": Key("end,G", "move(1000000)", "last row", MOVE),
    "list.open": Key("enter", "open", "open", MOVE, True, "⏎"),
    "list.filter": Key("slash", "filter", "filter", MOVE),
    "list.sort": Key("s", "sort", "sort", CLASSES, True),
    "causes.switch": Key("c", "screen.switch", "causes / classes", CLASSES),
    "causes.compare": Key("b", "screen.compare", "through the untouched / repaired layer", CLASSES),
    "causes.verify": Key("w", "screen.verify", "verify the accepted weights", CLASSES),
    "pane.left": Key("left,h", "pane(-1)", "pane to the left", PANES),
    "pane.right": Key("right,l", "pane(1)", "pane to the right", PANES),
    "pane.next": Key("tab", "next_pane(1)", "next pane", PANES),
    "pane.previous": Key("shift+tab", "next_pane(-1)", "previous pane", PANES),
    "pane.causes": Key("1", "show_pane('causes')", "causes, classes", PANES),
    "pane.neurons": Key("2", "show_pane('neurons')", "neurons", PANES),
    "pane.pictures": Key("3", "show_pane('pictures')", "pictures", PANES),
    "pane.maximise": Key("plus", "maximise(True)", "enlarge the pane", PANES),
    "pane.restore": Key("underscore,minus", "maximise(False)", "show all panes", PANES),
    "neuron.mark": Key("space", "screen.mark", "mark", NEURONS, True, "space"),
    "neuron.unmark-all": Key("U", "screen.unmark_all", "remove all marks", NEURONS),
    "neuron.all": Key("a", "whole", "all neurons / the first", NEURONS),
    "neuron.visualise": Key("v", "screen.visualise", "make illusions", NEURONS, True),
    "neuron.visualise-all": Key("V", "screen.visualise_all", "make illusions of all culprits", NEURONS),
    "neuron.find": Key("f", "screen.find", "find a neuron by its concept", NEURONS),
    "picture.mask": Key("o", "screen.mask", "mask on/off", NEURONS, True),
    "picture.zoom": Key("z", "screen.zoom", "enlarge", NEURONS, True),
    "picture.left": Key("left,h", "step(-1)", "picture to the left", NEURONS),
    "picture.right": Key("right,l", "step(1)", "picture to the right", NEURONS),
    "picture.up": Key("up,k", "row(-1)", "picture above", NEURONS),
    "picture.down": Key("down,j", "row(1)", "picture below", NEURONS),
    "whatif.everywhere": Key("x", "screen.everywhere", "what-if for this class / for all", NEURONS),
    "whatif.more": Key("right_square_bracket", "screen.scale(-0.25)", "what-if: change more", NEURONS),
    "whatif.less": Key("left_square_bracket", "screen.scale(0.25)", "what-if: change less", NEURONS),
    "view.tag": Key("t", "view('tag')", "tag", EVERYWHERE, True),
    "view.repair": Key("m", "view('repair')", "repair", EVERYWHERE, True),
    "view.confusion": Key("C", "view('confusion')", "confusion", EVERYWHERE),
    "view.sessions": Key("S", "view('sessions')", "sessions", EVERYWHERE),
    "view.log": Key("L", "view('log')", "log", EVERYWHERE),
    "app.retry": Key("r", "retry", "try again, go on", EVERYWHERE),
    "app.report": Key("e", "app.report", "report", EVERYWHERE, True),
    "app.copy": Key("y", "screen.copy", "copy", EVERYWHERE),
    "app.images": Key("i", "app.images", "next way to draw pictures", EVERYWHERE),
    "app.redraw": Key("ctrl+l", "app.redraw", "draw all anew", EVERYWHERE),
    "app.suspend": Key("ctrl+z", "app.suspend_process", "back to the shell; fg returns", EVERYWHERE),
    "app.theme": Key("f2", "app.next_theme", "next theme", EVERYWHERE),
    "app.commands": Key("colon,ctrl+p", "app.command_palette", "commands", EVERYWHERE, True, ":"),
    "app.help": Key("question_mark,f1", "app.help", "help", EVERYWHERE, True, "?"),
    "app.back": Key("escape", "app.back", "back, or cancel the job", EVERYWHERE, False, "esc"),
    "app.quit": Key("q", "app.leave", "quit", EVERYWHERE, True),
    "app.quit-now": Key("ctrl+q", "app.quit_now", "quit", EVERYWHERE),
    "tag.has": Key("c", "screen.tag('has')", "has it", TAGS, True),
    "tag.not": Key("x", "screen.tag('not')", "has not", TAGS, True),
    "tag.row-has": Key("C", "screen.tag_row('has')", "whole row has it", TAGS, True),
    "tag.row-not": Key("X", "screen.tag_row('not')", "whole row has not", TAGS, True),
    "tag.range": Key("space", "range", "begin a range", TAGS, True, "space"),
    "tag.mislabelled": Key("l", "screen.tag('mislabelled')", "mislabelled", TAGS, True),
    "tag.none": Key("backspace", "screen.tag('')", "no tag", TAGS),
    "tag.undo": Key("u", "screen.undo", "undo", TAGS, True),
    "tag.sort": Key("s", "sort", "sort", TAGS, True),
    "tag.order": Key("r", "order", "propose again", TAGS, True),
    "tag.split": Key("w", "split", "other split", TAGS, True),
    "tag.cues": Key("n", "view('cues')", "cues", EVERYWHERE, True),
    "cue.open": Key("t", "open_cue", "tag images", CUES, True),
    "cue.tick": Key("space", "tick", "use / leave out", CUES, True, "space"),
    "cue.add": Key("a", "add", "new cue", CUES, True),
    "cue.rename": Key("r", "rename", "rename", CUES, True),
    "cue.merge": Key("M", "merge", "merge into another", CUES, True),
    "cue.clear": Key("d", "clear", "clear tags", CUES, True),
    "cue.forget": Key("D", "forget", "delete", CUES),
    "pane.methods": Key("1", "show_list('methods')", "methods", REPAIRS),
    "pane.repairs": Key("2", "show_list('repairs')", "repairs", REPAIRS),
    "pane.flips": Key("3", "show_list('flips')", "fixed and broken images", REPAIRS),
    "repair.run": Key("enter", "run", "repair", REPAIRS, True, "⏎"),
    "repair.accept": Key("a", "accept", "accept and export", REPAIRS, True),
    "repair.verify": Key("v", "verify", "verify the weights", REPAIRS, True),
    "repair.discard": Key("d", "discard", "discard", REPAIRS, True),
    "pane.matrix": Key("1", "show_part('matrix')", "matrix", CONFUSION),
    "pane.sheet": Key("2", "show_part('sheet')", "images", CONFUSION),
    "matrix.left": Key("left,h", "go(0,-1)", "left", CONFUSION),
    "matrix.right": Key("right,l", "go(0,1)", "right", CONFUSION),
    "matrix.up": Key("up,k", "go(-1,0)", "up", CONFUSION),
    "matrix.down": Key("down,j", "go(1,0)", "down", CONFUSION),
    "matrix.open": Key("enter", "open", "to its images", CONFUSION, True, "⏎"),
    "matrix.next": Key("n", "next_mistake", "next largest mistake", CONFUSION, True),
}


def keys(*ids: str) -> list[BindingType]:
    """Return the bindings of `ids` for a `BINDINGS` list."""
    return [
        Binding(key.keys, key.action, key.words, show=key.footer, key_display=key.shown_as, id=name)
        for name, key in ((name, KEYS[name]) for name in ids)
    ]


def check_keymap(overrides: Mapping[str, str]) -> dict[str, str]:
    """Return `overrides` (binding id to comma-separated keys); raises InputError for an unknown id."""
    for name, value in overrides.items():
        if name not in KEYS:
            raise InputError(
                f"[keys] has no action {name!r}", nearest(name, KEYS) or "see `?` for the actions"
            )
        if not value.strip():
            raise InputError(f"[keys] {name} has no key", 'write one or more keys, such as "ctrl+r,F5"')
    return dict(overrides)
