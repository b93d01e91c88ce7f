"""`python -m tests.benchmarks.key_bytes`: what keys send over the line, and how soon a slow line is up to date.

The app shows made-up results in a pseudo-terminal of 120 × 40 cells that answers as real terminals do. The slow line
takes 16 kB a second, with a round trip of 0.1 s; on it eight keys are pressed within a second.
"""

from __future__ import annotations

import time

from tests.tui.wire.line import KITTY, PLAIN, PLAYGROUND, XTERM, Line

READY = "its mistakes, the strongest first"
TERMINALS = {
    "kitty": (KITTY, "auto"),
    "Sixel": (XTERM, "auto"),
    "half blocks": (PLAIN, "auto"),
    "no pictures": (PLAIN, "none"),
}
KEYS = {
    "another list (2)": b"2",
    "row down (j)": b"j",
    "row up (k)": b"k",
    "mark (space)": b" ",
    "help (?)": b"?",
    "back (escape)": b"\x1b",
    "nothing for 2 s": b"",
}
RATE, ROUND_TRIP, QUICK = 16_000, 0.1, 8


def opened(answers: dict[bytes, bytes], images: str, rate: float | None = None) -> Line:
    """Return the app once its first screen is up and the line is quiet."""
    line = Line(answers, *PLAYGROUND, "--images", images, rate=rate, delay=ROUND_TRIP / 2 if rate else 0.0)
    line.until(lambda: READY in line.text, 90.0)
    line.quiet(2.0, 90.0)
    return line


def costs(answers: dict[bytes, bytes], images: str) -> list[str]:
    """Return kilobytes of text and of pictures: of the first screen, then of each key."""
    with opened(answers, images) as line:
        return [kilobytes(len(line.seen), 0), *(kilobytes(*line.cost(keys)) for keys in KEYS.values())]


def settling(answers: dict[bytes, bytes], images: str) -> str:
    """Return what quick keys send over the slow line, and the seconds from the last key to the last byte."""
    with opened(answers, images, RATE) as line:
        line.press(b"2")
        line.quiet(2.0, 90.0)
        before = len(line.seen)
        for _ in range(QUICK):
            line.press(b"j")
            time.sleep(1 / QUICK)
        seconds = line.quiet(2.0, 90.0)
        return f"{(len(line.seen) - before) / 1e3:.1f} kB, {seconds:.1f} s"


def kilobytes(text: int, pictures: int) -> str:
    """Return `text` and `pictures` in kB."""
    return f"{text / 1e3:.1f}" + (f" + {pictures / 1e3:.1f}" if pictures else "")


def main() -> None:
    """Measure and print."""
    columns = [[*costs(*terminal), settling(*terminal)] for terminal in TERMINALS.values()]
    names = ["first screen, all", *KEYS, f"{QUICK} quick rows down at 16 kB/s"]
    print(f"| kB: text + pictures | {' | '.join(TERMINALS)} |\n| --- |{' --- |' * len(TERMINALS)}")
    for name, *cells in zip(names, *columns, strict=True):
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
