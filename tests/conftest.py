"""Fixtures for every room."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tiny import TinyProject, make_tiny

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test processes on two cores
# In the background of a script, or under nohup, these are ignored; the runs that get them would inherit it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the sessions of the tests out of the list of whoever runs them."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "data"))


@pytest.fixture(autouse=True)
def _no_worker_is_left() -> Iterator[None]:
    """A command line of a later test in this process would take it for its own, and leave at once."""
    yield
    for thread in threading.enumerate():
        if thread.name == "neuroinspect-worker":
            thread.join(10)
            assert not thread.is_alive(), "close the worker"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real images and weights that lies beside a development checkout."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "real").is_dir():
        pytest.skip("needs real images that a public clone does not have")
    return folder


@pytest.fixture(scope="session")
def real(shared: Path) -> Path:
    """The real sets, which lie beside the checkout; skips where there are none."""
    return shared / "real"


@pytest.fixture
def tiny(tmp_path: Path) -> TinyProject:
    """A project small enough to compute by hand."""
    return make_tiny(tmp_path)
