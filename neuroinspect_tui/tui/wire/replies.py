"""Takes the terminal's answers off the input, however late they come: as keys they would drive the app."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

_REPLY = re.compile(
    r"\x1b\[\?[0-9;]*c"  # DA1
    r"|\x1b\[[03]n"  # status
    r"|\x1b\[[4568];\d+;\d+t"  # sizes in pixels and cells
    r"|\x1bP(?:>\||[01]\+r|[01]\$r)[^\x1b\x07]*(?:\x1b\\|\x07)"  # XTVERSION, XTGETTCAP, DECRQSS
    r"|\x1b_G[^\x1b]*\x1b\\"  # Kitty graphics
    r"|\x1b\][0-9]+;[^\x1b\x07]*(?:\x1b\\|\x07)"  # colours, clipboard
)
_CERTAIN = re.compile(
    r"\x1b(?:\[\?[0-9;]*|P(?:>\||[01][+$]r)[^\x1b\x07]*\x1b?|_G[^\x1b]*\x1b?|\][0-9]+;[^\x1b\x07]*\x1b?)\Z"
)
_POSSIBLE = re.compile(r"\x1b(?:\[(?:[03]|[4568](?:;\d*){0,2})?|P[01>]?[+$]?|_|\][0-9]*)?\Z")
BRIEFLY, AT_LENGTH = 0.05, 2.0
"""Seconds to wait for the rest of what may be a key and of what cannot be one."""


def is_arrival(answer: str) -> bool:
    """Whether this is the answer to DA1, behind which all else has arrived."""
    return answer.endswith("c")


class Replies:
    """Splits input into keys and answers; the beginning of an answer is held until its rest comes."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._held = ""
        self._since = 0.0

    def split(self, text: str) -> tuple[str, list[str]]:
        """Return what of `text` are keys, and the answers in it."""
        data = self._held + text
        answers = _REPLY.findall(data)
        keys = _REPLY.sub("", data)
        begun = _CERTAIN.search(keys) or _POSSIBLE.search(keys)
        self._held = begun[0] if begun else ""
        self._since = self._now()
        return keys[: len(keys) - len(self._held)], answers

    def give_up(self) -> str:
        """Return what was held and is no answer after all, once it has been waited for."""
        if not self._held:
            return ""
        waited = self._now() - self._since
        if waited < (AT_LENGTH if _CERTAIN.match(self._held) else BRIEFLY):
            return ""
        keys, self._held = ("" if _CERTAIN.match(self._held) else self._held), ""
        return keys

    @property
    def holds(self) -> bool:
        """Whether something is held."""
        return bool(self._held)
