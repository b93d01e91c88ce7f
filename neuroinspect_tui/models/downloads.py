"""The only door to the network: published weights, when they are asked for by name.

Weights that an earlier run has kept are found without it. Off line the answer comes at once, not after the
minutes that the hubs' clients wait and retry.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import torch

from ..errors import InputError

_PATIENCE_SECONDS = 4.0


def reachable(url: str) -> bool:
    """Tell whether the host of `url` takes connections; behind a proxy only the proxy knows, so yes."""
    if urllib.request.getproxies():
        return True
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 443), _PATIENCE_SECONDS):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def from_hub(subject: str, remedy: str, asked: bool = True) -> Iterator[None]:
    """Allow downloads from the Hugging Face hub in this context, if they were asked for and it is in reach.

    Otherwise what an earlier run has kept, or a folder, must do. Whatever goes wrong becomes an InputError:
    `subject` could not be downloaded or opened, and the remedy.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    offline = before or not asked or not reachable(constants.ENDPOINT)
    constants.HF_HUB_OFFLINE = offline
    try:
        with _hushed():
            yield
    except Exception as error:  # network stacks raise many kinds
        reason = (
            f"{urlsplit(constants.ENDPOINT).hostname} is out of reach"
            if asked and offline
            else _first_line(error)
        )
        failed = "downloaded" if asked else "opened"
        raise InputError(f"{subject} could not be {failed}: {reason}", remedy) from error
    finally:
        constants.HF_HUB_OFFLINE = before


@contextlib.contextmanager
def from_url(url: str, subject: str, remedy: str) -> Iterator[None]:
    """Allow `torch.hub` to fetch `url` in this context; raises InputError as `from_hub` does."""
    kept = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(url).path).name
    if not kept.is_file() and not reachable(url):
        raise InputError(
            f"{subject} could not be downloaded: {urlsplit(url).hostname} is out of reach", remedy
        )
    try:
        with _hushed():
            yield
    except Exception as error:  # network stacks raise many kinds
        raise InputError(f"{subject} could not be downloaded: {_first_line(error)}", remedy) from error


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
