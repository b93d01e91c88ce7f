"""Prepares pictures away from the interface: one thread, the newest request first, a bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ...runtime.imports import load_image_libraries
from .encoder import Encoder, Rendered
from .picture import Box, Picture, load

KEPT = 160
IN_TERMINAL = 80
WAITING = 64


@dataclass(frozen=True)
class RenderRequest:
    """A picture for a box, with or without its mask, in one way of drawing."""

    picture: Picture
    box: Box
    masked: bool
    way: str


class RenderQueue:
    """`want` returns a picture that is ready, or None and calls `ready` (on its own thread) when it is.

    `send` writes to the terminal, `clear` says whether it would take a picture soon: one that would come too
    late is not sent, and asked for again if it is still wanted.
    """

    def __init__(
        self, ready: Callable[[], None], send: Callable[[str], None], clear: Callable[[], bool] = lambda: True
    ) -> None:
        self._ready, self._send, self._clear = ready, send, clear
        self._done: OrderedDict[RenderRequest, Rendered | str] = OrderedDict()
        self._requests: OrderedDict[RenderRequest, Encoder] = OrderedDict()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._working: RenderRequest | None = None
        self._sent: OrderedDict[int, tuple[Rendered, Encoder]] = OrderedDict()

    def want(self, picture: Picture, box: Box, masked: bool, encoder: Encoder) -> Rendered | str | None:
        """Return the prepared picture, the reason why there is none, or None while it is being prepared."""
        request = RenderRequest(picture, box, masked and picture.mask is not None, encoder.name)
        with self._changed:
            if self._closed:
                return None
            done = self._done.get(request)
            if done is not None:
                self._done.move_to_end(request)
            elif request != self._working:
                self._requests[request] = encoder
                self._requests.move_to_end(request)
                while len(self._requests) > WAITING:
                    self._requests.popitem(last=False)
                self._changed.notify()
        if done is None:
            self._start()
        elif isinstance(done, Rendered) and done.send and not self._hand_over(done, encoder):
            return None
        return done

    def _hand_over(self, painted: Rendered, encoder: Encoder) -> bool:
        """Have the terminal keep a picture, and free those unused for longest; returns whether it has it."""
        if painted.number not in self._sent:
            if not self._clear():
                return False
            self._send(painted.send)
        self._sent[painted.number] = (painted, encoder)
        self._sent.move_to_end(painted.number)
        while len(self._sent) > IN_TERMINAL:
            old, its_encoder = self._sent.popitem(last=False)[1]
            self._send(its_encoder.forget(old))
        return True

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
            self._requests.clear()
        for painted, encoder in self._sent.values():
            self._send(encoder.forget(painted))
        self._sent.clear()

    def send_anew(self) -> None:
        """Another terminal looks, or the same one again: it has none of the pictures."""
        self._sent.clear()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="neuroinspect-render_queue", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        load_image_libraries()
        while True:
            with self._changed:
                while not self._requests and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                request, encoder = self._requests.popitem(last=True)
                self._working = request
            result = _paint(request, encoder)
            with self._changed:
                self._done[request] = result
                self._working = None
                while len(self._done) > KEPT:
                    self._done.popitem(last=False)
            self._ready()


def _paint(request: RenderRequest, encoder: Encoder) -> Rendered | str:
    try:
        return encoder.encode(load(request.picture, request.masked), request.box)
    except Exception as error:  # one broken picture must not end the thread that draws all others
        return str(error) or type(error).__name__
