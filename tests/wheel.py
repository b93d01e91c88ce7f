"""See that the installed wheel works on its own: `make wheel-check` runs this with the environment's Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ABOUT = "import neuroinspect_tui as it; print(it.__file__, it.__version__, sep='\\n')"
QUICK = ["--worst", "1", "--neurons", "1", "--illusions", "1", "--iters", "8", "--device", "cpu"]


def run(folder: Path, *words: str, **variables: str) -> str:
    """Run one of the environment's programs in an empty folder, offline; return what it prints."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "XDG_DATA_HOME": str(folder / "home"), **variables}
    program = [str(Path(sys.executable).parent / words[0]), *words[1:]]
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout.strip()


def check(folder: Path) -> None:
    """Raise AssertionError where the wheel lacks something or works only beside its checkout."""
    file, version = run(folder, "python", "-c", ABOUT).split("\n")
    home = Path(file).parent
    assert home.is_relative_to(sys.prefix), f"{home} is not in the environment"
    for name in ("assets/CARD.md", "assets/data/manifest.csv", "tui/neuroinspect.tcss", "session/templates"):
        assert (home / name).exists(), f"the wheel has no {name}"
    for program in (["neuroinspect"], ["python", "-m", "neuroinspect_tui"]):
        assert run(folder, *program, "--version") == f"neuroinspect {version}"
    for shell, asked in (
        ("bash", {"COMP_WORDS": "neuroinspect --bat", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "neuroinspect --bat"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "neuroinspect --bat", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ):
        completed = run(folder, "neuroinspect", _NEUROINSPECT_COMPLETE=f"complete_{shell}", **asked)
        assert "--batch-size" in completed, f"{shell} does not complete --bat"
    run(folder, "neuroinspect", "--batch", "--demo", *QUICK, "-o", "session")
    report = json.loads((folder / "session" / "report.json").read_text())
    assert report["evaluation"]["samples"] > 0 and report["evaluation"]["unreadable"] == []
    (found,) = report["debugged"]
    assert len(found["illusions"]) == 1 and len(found["repairs"]) == 1
    assert (folder / "session" / "report.html").stat().st_size > 10_000


if __name__ == "__main__":
    check(Path(sys.argv[1]).resolve())
    print("The wheel works on its own.")
