"""Text from strangers (class names, paths, reasons) made safe for terminals, Markdown and spreadsheets."""

from __future__ import annotations

import contextlib
import re
import sys
import unicodedata

EMOJI_STYLE = "\ufe0f"
"""Asks for a colourful form of the character before it; terminals disagree on the width of that."""
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~&@$]|:(?=\S))")
_MARKDOWN_START = re.compile(r"^(\s*(?:\d+(?=[.)](?:\s|$)))?)(?=[-+=.)])")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def _visible(character: str) -> str:
    if character == EMOJI_STYLE:
        return ""
    if unicodedata.category(character) not in _INVISIBLE:
        return character
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"


def safe(text: str, limit: int | None = None) -> str:
    r"""Return `text` with every control, format, surrogate, private and unassigned character written out.

    Line breaks and tabs are written out too (`\x0a`, `\x09`), so the result is one line. Longer than
    `limit` characters, it ends in "…".
    """
    head = text if limit is None else text[: limit + 1]
    shown = head if head.isascii() and head.isprintable() else "".join(map(_visible, head))
    if limit is not None and len(shown) > limit:
        return shown[: max(limit - 1, 0)] + "…"
    return shown


def complain(line: str) -> None:
    """Print `neuroinspect: line` on stderr, if that can still be written to."""
    with contextlib.suppress(OSError):
        print(f"neuroinspect: {safe(line)}", file=sys.stderr, flush=True)


def markdown(text: str) -> str:
    """Return `text` as literal Markdown text on one line: no markup, link, HTML or table cell of its own."""
    escaped = _MARKDOWN.sub(r"\\\1", safe(text))
    escaped = re.sub(r"(?i)\bwww\.", lambda found: found[0][:-1] + r"\.", escaped)
    return _MARKDOWN_START.sub(r"\1\\", escaped)


def csv_cell(text: str) -> str:
    """Return `text` as a spreadsheet cell that is never a formula: `=1+2` becomes `'=1+2`."""
    shown = safe(text)
    return f"'{shown}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else shown
