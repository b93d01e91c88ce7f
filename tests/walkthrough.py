"""The journey from a failing class to a repaired model, key by key.

`python -m tests.walkthrough > docs/walkthrough.md` records what the demo shows on it.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.tmux import TMUX, Tmux

PLACEHOLDER = "~/demo-session"
NAMES = {"Enter": "⏎", "Space": "space", "Escape": "escape", "Down": "↓"}
TAGS = "ccxxccccccxxxxcxccxxxccc"
"""Keys for the first images that the tag screen proposes: c has the cue, x has not."""


@dataclass(frozen=True)
class Step:
    """A key, what it does in one sentence, and how the screen looks when it has done so."""

    key: str
    words: str
    reached: Callable[[str], object]
    recorded: bool = True


def _shows(*patterns: str) -> Callable[[str], object]:
    return lambda text: _is_idle(text) and all(re.search(pattern, text) for pattern in patterns)


def _is_idle(text: str) -> bool:
    """Whether the title line tells of no work."""
    return not re.search(r"esc cancels|stopping…|\d % ·| left$", text.partition("\n")[0])


def _tags() -> Iterator[Step]:
    words = "One key an image: `c` says that it has the cue, `x` that it has not ({})."
    for place, key in enumerate(TAGS, 1):
        has, lacks = TAGS[:place].count("c"), TAGS[:place].count("x")
        is_last = place == len(TAGS)
        reached = _shows(f"By hand: {has} have it, {lacks} have not") if is_last else lambda text: True
        yield Step(key, words.format(" ".join(f"`{tag}`" for tag in TAGS)), reached, is_last)


JOURNEY: tuple[Step, ...] = (
    Step(
        "",
        "The demo opens with a short tour; behind it the causes appear, the one with most mistakes first.",
        _shows("From a cause to a repaired", "Why it fails", "fixes 54 %"),
    ),
    Step(
        "Enter",
        "The tour closes. Most mistakes carry a watermark: covering it fixes them, covering elsewhere does not.",
        lambda text: "From a cause" not in text and _shows("Covering it fixes", "that region covered")(text),
    ),
    Step(
        "2", "The second pane has the focus: the neurons of this cause.", _shows("┏━ 2 Neurons of this cause")
    ),
    Step(
        "Space",
        "The neuron is marked, and the strip at the bottom tells what switching it off would change.",
        _shows(r"what-if \d+ (off|×2) for boat → class \d"),
    ),
    Step("t", "The images that teach most, to be tagged where they stand.", _shows("Tag “", "teaches most")),
    *_tags(),
    Step("m", "The repair screen lists the methods and what each needs.", _shows("No repair yet")),
    Step(
        "Down",
        "The second method is a group-weighted ridge; it uses the tags.",
        _shows("▌ ridge", f"your {len(TAGS)} tags"),
    ),
    Step(
        "Enter",
        "It is fitted and judged on images that it never used, beside its controls.",
        _shows("Verdict on repair 1 .ridge", r"1 ridge +helps"),
    ),
    Step(
        "a",
        "The repair is accepted: a state dict is written in which only the decision layer differs.",
        _shows("✓ +1 ridge", "Repaired weights are in"),
    ),
    Step(
        "v",
        "A fresh process loads the weights and answers as the verdict counted.",
        _shows("fresh process loaded"),
    ),
    Step(
        "e",
        "The report is written; `q` then leads back, and from the main screen quits.",
        _shows("The report is"),
    ),
)


def walk(app: Tmux) -> Iterator[tuple[Step, str]]:
    """Take every step; yield each with what is then on screen."""
    for step in JOURNEY:
        if step.key:
            app.press(step.key)
        yield step, app.wait_for(step.reached)


def _record(session: Path) -> Iterator[str]:
    yield "# A walk through the demo, by keyboard\n"
    yield "Recorded in tmux at 120 × 40 by `python -m tests.walkthrough > docs/walkthrough.md`"
    yield f"from `neuroinspect --demo --images none -o {PLACEHOLDER}`. Pictures are left out of the text.\n"
    home = session.with_name(session.name + "-home")
    try:
        with Tmux(home, "--demo", "--images", "none", "-o", str(session)) as app:
            for step, text in walk(app):
                if step.recorded:
                    yield from _section(step, text.replace(str(session), PLACEHOLDER))
            app.press("q", "q")
            app.exit_code()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _section(step: Step, text: str) -> Iterator[str]:
    title = f"`{NAMES.get(step.key, step.key)}`" if step.key else "Start"
    lines = "\n".join(line.rstrip() for line in text.rstrip().splitlines())
    yield f"## {title}\n\n{step.words}\n\n```text\n{lines}\n```\n"


def record() -> str:
    """Return the walk-through as Markdown; no path of this machine is in it."""
    session = Path(
        tempfile.mkdtemp(prefix="n", dir="/tmp")
    )  # as long as what replaces it: lines keep their width
    try:
        text = "\n".join(_record(session))
    finally:
        shutil.rmtree(session, ignore_errors=True)
    found = re.search(r"/tmp/|/home/|/root/|/work/", text)
    assert found is None, f"{found} is in the text"
    return text


if __name__ == "__main__":
    if TMUX is None:
        sys.exit("tmux is not installed")
    print(record(), end="")
