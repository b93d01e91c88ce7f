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
TAGS = "xxccxx"
"""Keys for the first images that the tag screen proposes: c is a cue, x none."""


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
    return re.search(r"· (cpu|mps|cuda\S*)\s*$", text.partition("\n")[0]) is not None


def _tags() -> Iterator[Step]:
    words = "One key a picture: `c` says that it has the cue, `x` that it has not ({})."
    for place, key in enumerate(TAGS, 1):
        is_last = place == len(TAGS)
        reached = _shows(f"Tag {place + 1} of", rf"\b{place} [━╸]")
        yield Step(key, words.format(" ".join(f"`{tag}`" for tag in TAGS)), reached, is_last)


JOURNEY: tuple[Step, ...] = (
    Step(
        "",
        "The demo opens with a short tour; behind it the classes appear, the worst first.",
        _shows("From a failing class", "! water"),
    ),
    Step(
        "Enter",
        "The tour closes: 26 of 60 boats are recognised, and the neurons to blame stand beside them.",
        lambda text: "From a failing" not in text and _shows("▌ boat", "2 Neurons of boat")(text),
    ),
    Step("2", "The second pane has the focus, on the first neuron.", _shows("┏━ 2 Neurons of boat")),
    Step(
        "Space",
        "The neuron is marked, and the strip at the bottom tells what making it stronger would change.",
        _shows(r"what-if \d+ ×2 for boat → class \d"),
    ),
    Step("t", "The tag screen shows images in the order that teaches most.", _shows("Tag 1 of")),
    *_tags(),
    Step("Escape", "Back to the classes and neurons.", _shows("2 Neurons of boat", "what-if")),
    Step("m", "The repair screen lists the methods and what each needs.", _shows("No repair yet")),
    Step(
        "Down",
        "The second method is a group-weighted ridge; it uses the tags.",
        _shows("▌ ridge", f"your {len(TAGS)} tags"),
    ),
    Step(
        "Enter",
        "It is fitted, judged on the test images beside its controls, and a sentence says whether it helps.",
        _shows("▸ ridge", r"1 ridge +boat"),
    ),
    Step(
        "a",
        "The repair is accepted: a state dict is written in which only the decision layer differs.",
        _shows("✓ +1 ridge", "Repaired weights are in"),
    ),
    Step("e", "The report is written; `q` then quits.", _shows("The report is")),
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
            app.press("q")
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
