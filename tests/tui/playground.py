"""Runs the app on the fake worker: `python -m tests.tui.playground [--images WAY] [--pause SECONDS]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from neuroinspect_tui.tui.protocol import Appearance, AppSession, Facts, OnEvent, SavedState
from neuroinspect_tui.tui.start import run_app

from .fake_worker import FakeWorker


def project(root: Path, pause: float = 0.0, **changes: object) -> AppSession:
    """A project on the fake worker."""
    facts = Facts("resnet50", "flowers102", "val", "cpu")

    def make(on_event: OnEvent) -> FakeWorker:
        worker = FakeWorker(on_event, root, pause)
        worker.modes = True
        return worker

    return AppSession(facts, SavedState(root), make, **changes)  # type: ignore[arg-type]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", default="auto")
    parser.add_argument("--theme", default=None)
    parser.add_argument("--pause", type=float, default=0.05)
    options = parser.parse_args()
    sys.exit(
        run_app(
            project(Path(tempfile.mkdtemp()), options.pause), Appearance(options.images, {}, options.theme)
        )
    )
