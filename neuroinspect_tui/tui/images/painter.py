"""Prepares pictures away from the interface: one thread, the newest wish first, a bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from .encoder import Encoder, Painted
from .picture import Box, Picture, load

KEPT = 160
IN_TERMINAL = 80
WAITING = 64


@dataclass(frozen=True)
class Wish:
    """A picture for a box, with or without its mask, in one way of drawing."""

    picture: Picture
    box: Box
    masked: bool
    way: str


class Painter:
    """`want` returns a picture that is ready, or None and calls `ready` (on its own thread) when it is."""

    def __init__(self, ready: Callable[[], None], send: Callable[[str], None]) -> None:
        self._ready, self._send = ready, send
        self._done: OrderedDict[Wish, Painted | str] = OrderedDict()
        self._wishes: OrderedDict[Wish, Encoder] = OrderedDict()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._working: Wish | None = None
        self._sent: OrderedDict[int, tuple[Painted, Encoder]] = OrderedDict()

    def want(self, picture: Picture, box: Box, masked: bool, encoder: Encoder) -> Painted | str | None:
        """Return the prepared picture, the reason why there is none, or None while it is being prepared."""
        wish = Wish(picture, box, masked and picture.mask is not None, encoder.name)
        with self._changed:
            if self._closed:
                return None
            done = self._done.get(wish)
            if done is not None:
                self._done.move_to_end(wish)
            elif wish != self._working:
                self._wishes[wish] = encoder
                self._wishes.move_to_end(wish)
                while len(self._wishes) > WAITING:
                    self._wishes.popitem(last=False)
                self._changed.notify()
        if done is None:
            self._start()
        elif isinstance(done, Painted) and done.send:
            self._hand_over(done, encoder)
        return done

    def _hand_over(self, painted: Painted, encoder: Encoder) -> None:
        """Send a picture that the terminal is to keep, and free those unused for longest."""
        if painted.number not in self._sent:
            self._send(painted.send)
        self._sent[painted.number] = (painted, encoder)
        self._sent.move_to_end(painted.number)
        while len(self._sent) > IN_TERMINAL:
            old, its_encoder = self._sent.popitem(last=False)[1]
            self._send(its_encoder.forget(old))

    def close(self) -> None:
        """End the thread and free the terminal's copies."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self.forget_all()

    def forget_all(self) -> None:
        """Drop every prepared picture, and those that the terminal keeps."""
        with self._changed:
            self._done.clear()
            self._wishes.clear()
        for painted, encoder in self._sent.values():
            self._send(encoder.forget(painted))
        self._sent.clear()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="neuroinspect-painter", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._wishes and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                wish, encoder = self._wishes.popitem(last=True)
                self._working = wish
            result = _paint(wish, encoder)
            with self._changed:
                self._done[wish] = result
                self._working = None
                while len(self._done) > KEPT:
                    self._done.popitem(last=False)
            self._ready()


def _paint(wish: Wish, encoder: Encoder) -> Painted | str:
    try:
        return encoder.encode(load(wish.picture, wish.masked), wish.box)
    except Exception as error:  # one broken picture must not end the thread that draws all others
        return str(error) or type(error).__name__
