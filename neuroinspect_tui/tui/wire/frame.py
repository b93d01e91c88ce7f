"""What the terminal shows and what it is to show, cell by cell: only the difference is written.

Textual repaints whole widgets; over a slow line the cells that stayed the same cost most of the time. A frame
that could not be written yet is simply replaced in `wanted` by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from rich.cells import cell_len, get_character_cell_size
from rich.color import Color, ColorSystem
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from ..images.kitty import PLACEHOLDER, continues

JOINING = "\u200d\ufe0f"
NEAR = 3
"""Unchanged cells of the same look between two changes that are written again: cheaper than a jump."""


class Look(NamedTuple):
    """How a cell is drawn, as SGR parameters; `link` is the target of a hyperlink.

    `front` is empty where it cannot be seen: a space has it as it comes.
    """

    attributes: str = ""
    front: str = "39"
    back: str = "49"
    link: str = ""

    @property
    def of_space(self) -> Look:
        """The look of a space: weight and colour of the letters do not show, lines and reversal do."""
        lines = any(code in LINED for code in self.attributes.split(";"))
        return self if lines or self.link else Look("", "", self.back)


Cell = tuple[str, Look]
"""The text of a cell; "" for the second half of a wide character."""

LINED = ("4", "7", "9", "21", "51", "52", "53")
PLAIN = Look()
UNKNOWN: Cell = ("\0", PLAIN)
BLANK: Cell = (" ", PLAIN.of_space)


class Frame:
    """Two grids of `columns` × `rows` cells: `wanted`, and `shown`, which is what was written.

    With `repeats` the line of a Kitty picture is its first placeholder, and then one without marks, repeated.
    """

    def __init__(self, columns: int, rows: int, colours: ColorSystem, repeats: bool = False) -> None:
        self.columns, self.rows, self.colours, self.repeats = columns, rows, colours, repeats
        self.wanted = [[BLANK] * columns for _ in range(rows)]
        self.forget()

    def forget(self) -> None:
        """What the terminal shows is not known: everything is written next time."""
        self._covered: list[Region] = []
        self.shown = [[UNKNOWN] * self.columns for _ in range(self.rows)]

    def cover(self, region: Region) -> None:
        """Pixels were drawn over `region`: when one of its cells changes, all are written to wipe them."""
        self._covered.append(region)

    def _uncover(self) -> None:
        for region in list(self._covered):
            rows, columns = slice(region.y, region.bottom), slice(region.x, region.right)
            pairs = zip(self.wanted[rows], self.shown[rows], strict=True)
            if any(wanted[columns] != shown[columns] for wanted, shown in pairs):
                self._covered.remove(region)
                for line in self.shown[rows]:
                    line[columns] = [UNKNOWN] * len(line[columns])

    def take(self, update: Any) -> None:
        """Take in one of Textual's screen updates (`LayoutUpdate`, `ChopsUpdate`).

        Just after a resize it may be of the size before: what lies outside is left out.
        """
        for y, x, strip in _pieces(update):
            if 0 <= y < self.rows:
                self._put(y, x, strip)

    def _put(self, y: int, x: int, strip: Strip) -> None:
        line = self.wanted[y]
        for text, style, control in strip:
            if control:
                continue
            cells = _cells(text, _look(style, self.colours) if style else PLAIN)
            fitting = cells[: max(0, self.columns - x)]
            line[x : x + len(fitting)] = fitting
            x += len(cells)

    def difference(self) -> tuple[str, list[Region]]:
        """Return what to write so that the terminal shows what is wanted, and the regions it repaints."""
        parts: list[str] = []
        regions: list[Region] = []
        look: Look | None = None
        self._uncover()
        for y, (wanted, shown) in enumerate(zip(self.wanted, self.shown, strict=True)):
            if wanted == shown:
                continue
            for first, last in _runs(wanted, shown):
                parts.append(f"\x1b[{y + 1};{first + 1}H")
                written, look = _written(wanted[first:last], look, self.repeats)
                parts += written
                regions.append(Region(first, y, last - first, 1))
            shown[:] = wanted
        if look is not None:
            parts.append(_change(look, PLAIN)[0])
        return "".join(parts), regions


def _pieces(update: Any) -> Iterator[tuple[int, int, Strip]]:
    """Yield (line, column, strip) of what one of Textual's updates paints."""
    if hasattr(update, "chops"):
        for y, left, right in update.spans:
            for end, (start, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=True):
                if strip is not None and start <= right and end > left:
                    yield y, start, strip.crop(0, min(end, right) - start)
        return
    for y, strips in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in strips:
            yield y, x, strip
            x += strip.cell_length


def _written(cells: list[Cell], look: Look | None, repeats: bool) -> tuple[list[str], Look | None]:
    """Return what writes `cells` from the look before them on, and the look after them."""
    parts: list[str] = []
    left, repeated = "", 0
    for text, own in [*cells, ("", look or PLAIN)]:
        if repeats and own == look and continues(left, text):
            left, repeated = text, repeated + 1
            continue
        if repeated:
            parts.append(PLACEHOLDER + (f"\x1b[{repeated - 1}b" if repeated > 1 else ""))
            repeated = 0
        if text and own != look:
            change, look = _change(look, own)
            parts.append(change)
        parts.append(text)
        left = text
    return parts, look


def _differs(wanted: list[Cell], shown: list[Cell], x: int) -> bool:
    """Whether cell `x` has to be written: a placeholder also where it got its marks from the left."""
    if wanted[x] != shown[x]:
        return True
    if not x or wanted[x][0][:1] != PLACEHOLDER or wanted[x - 1] == shown[x - 1]:
        return False
    (left, look), (text, own) = wanted[x - 1 : x + 1]
    return look != own or not continues(left, text)


def _runs(wanted: list[Cell], shown: list[Cell]) -> Iterator[tuple[int, int]]:
    """Yield the stretches (first, last + 1) of a line to write: whole characters, near ones joined."""
    first = last = -1
    for x in range(len(wanted)):
        if not _differs(wanted, shown, x):
            continue
        begin = x
        while begin > 0 and not wanted[begin][0]:
            begin -= 1
        if first >= 0 and (begin <= last or (begin - last <= NEAR and _alike(wanted[last - 1 : begin + 1]))):
            last = x + 1
            continue
        if first >= 0:
            yield first, last
        first, last = begin, x + 1
    if first >= 0:
        yield first, last


def _alike(cells: Iterable[Cell]) -> bool:
    return len({look for _, look in cells}) == 1


def _change(before: Look | None, after: Look) -> tuple[str, Look]:
    """Return the shortest sequence from one look (None: not known) to another, and the look that it makes."""
    if not after.front:
        if before and before._replace(front="").of_space == after:
            return "", before
        after = after._replace(front=before.front if before and not before.attributes else "39")
    if before is None or (before.attributes and before.attributes != after.attributes):
        codes = ["", after.attributes, *(c for c in (after.front, after.back) if c not in ("39", "49"))]
    else:
        pairs = zip(after[:3], before[:3], strict=True)
        codes = [own for own, old in pairs if own != old]
    sgr = f"\x1b[{';'.join(code for place, code in enumerate(codes) if code or place == 0)}m" if codes else ""
    linked = before.link if before else ""
    return (sgr if after.link == linked else f"{sgr}\x1b]8;;{after.link}\x1b\\"), after


@lru_cache(8192)
def _look(style: Style, colours: ColorSystem) -> Look:
    attributes = Strip.render_ansi(style.without_color, colours)
    pairs = ((style.color, True), (style.bgcolor, False))
    front, back = (_codes(colour, colours, in_front) for colour, in_front in pairs)
    return Look(attributes, front or "39", back or "49", style.link or "")


def _codes(colour: Color | None, colours: ColorSystem, front: bool) -> str:
    return "" if colour is None else ";".join(colour.downgrade(colours).get_ansi_codes(front))


@lru_cache(8192)
def _cells(text: str, look: Look) -> list[Cell]:
    """Return `text` cell by cell; what joins characters across cells stays in one piece."""
    space = (" ", look.of_space)
    if text.isascii():
        return [space if character == " " else (character, look) for character in text]
    rest: Cell = ("", look)
    if any(joint in text for joint in JOINING):
        return [(text, look), *[rest] * (cell_len(text) - 1)]
    cells: list[Cell] = []
    for character in text:
        width = get_character_cell_size(character)
        if character == " ":
            cells.append(space)
        elif width:
            cells += [(character, look), *[rest] * (width - 1)]
        elif cells:
            place = -1 if cells[-1][0] else -2
            cells[place] = (cells[place][0] + character, look)
    return cells
