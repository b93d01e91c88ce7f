"""The strip under the panes: what would happen without the marked neurons."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ...jobs import PreviewRepair
from ...results import Metrics, RepairPreview, WhatIf
from ...text import safe
from ...wording.numbers import bare_percent as percent
from ...wording.numbers import listed, neurons, number, signed
from ..app_state import AppState

NARROW = 100
Fact = tuple[tuple[str, str], ...]


class WhatIfStrip(Widget):
    """One line before → after, from cached features, following every mark."""

    ALLOW_SELECT = False
    facts: reactive[tuple[Fact, ...]] = reactive((), layout=False)

    def explain(self, words: str) -> None:
        """Show plain words instead of numbers."""
        self.facts = (((words, "$foreground 60%"),),)

    def show(self, result: WhatIf) -> None:
        """Show a result."""
        where = "all" if result.target is None else safe(result.target.name, 12)
        before, after = result.before, result.after
        self.facts = (
            ((f"{_scaled(result)} for {where} → ", "$foreground"),),
            _change("class", before.class_accuracy, after.class_accuracy),
            _change("all", before.accuracy, after.accuracy),
            _flips(result.fixed, result.broken),
            _worst(before, after),
            _change("precision", before.class_precision, after.class_precision),
        )

    def show_preview(self, app_state: AppState, job: PreviewRepair | None, nothing: str) -> None:
        """Show what the repair of `job` would do as far as known, or `nothing` where none is asked."""
        if job is None:
            self.explain(nothing)
        elif job in app_state.failures:
            self.explain(safe(app_state.failures[job].line, 300))
        elif job in app_state.repair_previews:
            self.show_repair(app_state.repair_previews[job])
        elif large := app_state.large_unevaluated:
            first = listed(f"{safe(name, 20)} ({number(images)} images)" for name, images in large.items())
            self.explain(f"m repairs with these tags; it evaluates {first} first")
        else:
            self.explain("computing what the repair would do…")

    def show_repair(self, found: RepairPreview) -> None:
        """Show what the repair would give that `m` makes."""
        if found.unchanged:
            self.explain("m: with these tags nothing would beat the layer as it is")
            return
        before, after = found.before, found.after
        name = safe(found.target.name, 12)
        self.facts = (
            ((f"m with {found.method} for {name} on {after.split} → ", "$foreground"),),
            _change("class", before.class_accuracy, after.class_accuracy),
            _change("all", before.accuracy, after.accuracy),
            _flips(found.fixed, found.broken),
            _worst(before, after),
        )

    def render(self) -> Content:
        """Return as many whole facts as fit."""
        narrow = self.size.width < NARROW
        shown = Content.styled("what-if ", "bold $secondary")
        for fact in self.facts:
            longer = Content.assemble(shown, *_without_change(fact) if narrow else fact)
            if longer.cell_length > self.size.width and shown.cell_length > len("what-if "):
                break
            shown = longer
        return shown.truncate(max(1, self.size.width), ellipsis=True)


def _flips(fixed: int, broken: int) -> Fact:
    return (
        ("fixed ", "$foreground 60%"),
        (f"{fixed} ", "bold $success"),
        ("broken ", "$foreground 60%"),
        (f"{broken}  ", "bold $error" if broken else "bold"),
    )


def _scaled(result: WhatIf) -> str:
    """Return `17, 21 off, 11 ×2`: which neurons are scaled, and how."""
    others = tuple(neuron for neuron in result.neurons if neuron not in result.raised)
    parts = ((others, result.scale), (result.raised, 2 - result.scale))
    return ", ".join(
        f"{neurons(scaled, 4)} {'off' if scale == 0 else f'×{scale:g}'}" for scaled, scale in parts if scaled
    )


def _without_change(fact: Fact) -> Fact:
    """Leave out the signed difference, which the two numbers before it imply."""
    kept = tuple(part for part in fact if part[0][1:2] not in ("+", "−", "±"))
    return fact if len(kept) == len(fact) else (*kept, ("  ", ""))


def _change(name: str, before: float | None, after: float | None) -> Fact:
    if before is None or after is None:
        return ()
    ink = "$success" if after > before else "$error" if after < before else "$foreground 60%"
    return (
        (f"{name} ", "$foreground 60%"),
        (f"{percent(before)} ▸ ", "$foreground"),
        (percent(after), "bold"),
        (f" {signed(after - before)}  ", ink),
    )


def _worst(before: Metrics, after: Metrics) -> Fact:
    if before.worst_group is not None and after.worst_group is not None:
        return _change("worst group", before.worst_group.accuracy, after.worst_group.accuracy)
    if before.worst_class is not None and after.worst_class is not None:
        return _change("worst class", before.worst_class.accuracy, after.worst_class.accuracy)
    return ()
