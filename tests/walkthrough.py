"""The journey from a failing class to a repaired model, key by key.

`python -m tests.walkthrough > docs/walkthrough.md` records what the demo shows on it; with `--time` it tells
how long a person takes from the first key to verified weights.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.tmux import TMUX, Tmux

PLACEHOLDER = "~/demo-session"
NAMES = {"Enter": "⏎", "Space": "space", "Escape": "escape", "Down": "↓"}
TAGGED = 24
"""Images that are tagged: by the groups in their captions, as somebody who looks would by the pictures."""
TYPING = 0.3
"""Seconds between two keys where the walk is timed."""


@dataclass(frozen=True)
class Step:
    """A key, what it does in one sentence, and how the screen looks when it has done so.

    `needed` says whether it is on the way to verified weights; the others only show more.
    """

    key: str
    words: str
    reached: Callable[[str], object]
    needed: bool = True


def _shows(*patterns: str) -> Callable[[str], object]:
    return lambda text: _is_idle(text) and all(re.search(pattern, text) for pattern in patterns)


def _is_idle(text: str) -> bool:
    """Whether the title line tells of no work."""
    return not re.search(r"esc cancels|stopping…|\d % ·| left$", text.partition("\n")[0])


def tag_keys(text: str) -> str:
    """Return `c` or `x` for each of the first images on the tag screen, by their captions."""
    found = re.findall(r"\.jpg .*?(no )?watermark", text)[:TAGGED]
    assert len(found) == TAGGED, text
    return "".join("x" if lacks else "c" for lacks in found)


TAG = "tag"
JOURNEY: tuple[Step, ...] = (
    Step(
        "",
        "The demo opens with a short tour; behind it the causes appear, the one with most mistakes first.",
        _shows("From a cause to a repaired", "Why it fails", r"covered \d+ %"),
    ),
    Step(
        "Enter",
        "The tour closes. Most mistakes carry a watermark: covering it fixes them, covering elsewhere does not.",
        lambda text: "From a cause" not in text and _shows("Covering it fixes", "that region covered")(text),
    ),
    Step(
        "2",
        "The second pane has the focus: the neurons of this cause.",
        _shows("┏━ 2 Neurons of this cause"),
        needed=False,
    ),
    Step(
        "Space",
        "The neuron is marked, and the strip at the bottom tells what switching it off would change.",
        _shows(r"what-if \d+ (off|×2) for boat → class \d"),
        needed=False,
    ),
    Step("t", "The images that teach most, to be tagged where they stand.", _shows("Tag “", r"\.jpg ")),
    Step(
        TAG,
        "One key an image: `c` says that it has the cue, `x` that it has not ({}).",
        _shows(r"By hand: \d+ have it, \d+ have not", "Enough tags"),
    ),
    Step("m", "The repair screen lists the methods and what each needs.", _shows("No repair yet")),
    Step(
        "Down",
        "The second method is a group-weighted ridge; it uses the tags.",
        _shows("▌ ridge", f"your {TAGGED} tags"),
    ),
    Step(
        "Enter",
        "It is fitted and judged on images that it never used, beside its controls.",
        _shows("Verdict on repair 1 .ridge", r"1 ridge +helps", r"3 Fixed \d+"),
    ),
    Step("3", "The images that it fixed, and those that it broke.", _shows("┏━ 3 Fixed"), needed=False),
    Step(
        "a",
        "The repair is accepted: a state dict is written in which only the decision layer differs.",
        _shows("✓ +1 ridge", "Repaired weights are in"),
    ),
    Step(
        "q",
        "The main screen looks through the repaired layer: what still fails comes first, `m` would repair on top.",
        _shows("repair 1 · worst first", "judged images of test"),
    ),
    Step(
        "w",
        "A fresh process loads the weights and answers as the verdict counted.",
        _shows("fresh process loaded"),
    ),
    Step(
        "e",
        "The report is written; `b` shows the untouched layer again, `q` quits.",
        _shows("The report is"),
        needed=False,
    ),
)


def walk(app: Tmux, pause: float = 0.0, all_of_it: bool = True) -> Iterator[tuple[Step, str]]:
    """Take every step, or those that are needed; yield each with what is then on screen."""
    for step in JOURNEY:
        if not (step.needed or all_of_it):
            continue
        keys = [step.key] if step.key else []
        if step.key == TAG:
            keys = list(tag_keys(app.text))
            step = Step(step.key, step.words.format(" ".join(f"`{key}`" for key in keys)), step.reached)
        for key in keys:
            time.sleep(pause)
            app.press(key)
        yield step, app.wait_for(step.reached)


def timed() -> Iterator[str]:
    """Yield the seconds from the start of the program to each step, with a pause before every key."""
    with tempfile.TemporaryDirectory(prefix="ni-") as kept:
        session, home = Path(kept) / "session", Path(kept) / "home"
        began, keys = time.monotonic(), 0
        with Tmux(home, "--demo", "--images", "none", "-o", str(session)) as app:
            for step, _ in walk(app, TYPING, all_of_it=False):
                keys += TAGGED if step.key == TAG else bool(step.key)
                yield f"{time.monotonic() - began:5.1f} s  {step.key or 'start':6} {step.words[:80]}"
            yield f"verified after {time.monotonic() - began:.1f} s and {keys} keys, {TYPING} s before each"
            app.press("q")


def _record(session: Path) -> Iterator[str]:
    yield "# A walk through the demo, by keyboard\n"
    yield "Recorded in tmux at 120 × 40 by `python -m tests.walkthrough > docs/walkthrough.md`"
    yield f"from `neuroinspect --demo --images none -o {PLACEHOLDER}`. Pictures are left out of the text.\n"
    home = session.with_name(session.name + "-home")
    try:
        with Tmux(home, "--demo", "--images", "none", "-o", str(session)) as app:
            for step, text in walk(app):
                yield from _section(step, text.replace(str(session), PLACEHOLDER))
            app.press("q")
            app.exit_code()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _section(step: Step, text: str) -> Iterator[str]:
    title = f"`{NAMES.get(step.key, step.key)}`" if step.key else "Start"
    title = "`c` and `x`" if step.key == TAG else title
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


def main() -> None:
    """Record the walk, or time it."""
    parser = argparse.ArgumentParser(prog="python -m tests.walkthrough", description=__doc__)
    parser.add_argument("--time", action="store_true", help="time the way to verified weights instead")
    if TMUX is None:
        sys.exit("tmux is not installed")
    if parser.parse_args().time:
        for line in timed():
            print(line, flush=True)
    else:
        print(record(), end="")


if __name__ == "__main__":
    main()
