"""Runs Python code with a small or read-only file system mounted in its own namespace."""

import shutil
import subprocess
import sys

import pytest


def run_on_tmpfs(folder, options: str, code: str) -> str:
    """Return what `code` prints when a tmpfs with the mount `options` lies at `folder`, its argument."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare to mount a tmpfs")
    script = 'mount -t tmpfs -o "$1" none "$2" || exit 77; exec "$3" -c "$4" "$2"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    run = subprocess.run(
        [*command, options, folder, sys.executable, code], capture_output=True, text=True, check=False
    )
    if run.returncode == 77 or run.stderr.startswith("unshare:"):
        pytest.skip(f"cannot mount a tmpfs here: {run.stderr.strip()}")
    assert run.returncode == 0, run.stderr
    return run.stdout
