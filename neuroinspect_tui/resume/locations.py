"""Where sessions lie: the platform's data folder, and the list of those opened elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path

import platformdirs

from ..config import PreprocessConfig, RunConfig, seen_from
from ..session.atomic import explained, write_text

RECENT = 20


def data_folder() -> Path:
    """The platform's data folder of this program."""
    return platformdirs.user_data_path("neuroinspect")


def default_directory(config: RunConfig) -> Path:
    """Return the session directory of these inputs: the same command finds the same session."""
    config = seen_from(config, Path.cwd())
    model, data = config.model, config.data
    named: list[object] = [model.spec, model.weights, data.source, data.root, data.split]
    if config.preprocess != PreprocessConfig():
        named.append(asdict(config.preprocess))
    reading = [model.ema, data.manifest, data.fast_decode]
    if reading != [None, True, False]:
        named.append(reading)
    identity = json.dumps(named)
    words = re.sub(
        r"[^A-Za-z0-9]+", "-", f"{Path(config.data.source).stem}-{config.model.spec.split(':')[-1]}"
    )
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    return data_folder() / "sessions" / f"{words.strip('-')[:48]}-{digest}"


def remember(directory: Path) -> None:
    """Put `directory` first in the list of recent sessions; raises InputError when it cannot be written."""
    known = [str(directory.resolve()), *(str(path) for path in recent() if path != directory.resolve())]
    with explained(data_folder(), "create"):
        data_folder().mkdir(parents=True, exist_ok=True)
    write_text(data_folder() / "recent.json", json.dumps(known[:RECENT], indent=1))


def recent() -> list[Path]:
    """Return the directories of the sessions opened lately that still exist, newest first."""
    try:
        listed = json.loads((data_folder() / "recent.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    paths = [Path(path) for path in listed if isinstance(path, str)] if isinstance(listed, list) else []
    return [path for path in paths if (path / "session.json").is_file()]
