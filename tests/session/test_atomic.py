import errno
import os
from pathlib import Path

import pytest

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.session import atomic

from .tmpfs import run_on_tmpfs


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "er" / "value.json"
    atomic.write_json(path, {"a": 1})
    atomic.write_json(path, {"a": 2})
    assert path.read_text() == '{\n "a": 2\n}\n'
    assert entries(path.parent) == ["value.json"]


def test_the_old_file_stays_when_writing_fails(tmp_path):
    path = tmp_path / "value"
    atomic.write_bytes(path, b"old")
    with pytest.raises(RuntimeError, match="broken"), atomic.replacing(path) as file:
        file.write(b"half of the new")
        raise RuntimeError("broken")
    assert path.read_bytes() == b"old"
    assert entries(tmp_path) == ["value"]


def test_a_writer_that_wants_a_name_replaces_whole_files_too(tmp_path):
    path = tmp_path / "value.safetensors"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), atomic.aside(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    with atomic.aside(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert entries(tmp_path) == ["value.safetensors"]


def test_contents_and_name_are_synced_before_the_file_appears(tmp_path, monkeypatch):
    calls = []
    path = tmp_path / "value"
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append(("sync", path.exists())), sync(handle)))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (calls.append(("replace", path.exists())), replace(self, to))
    )
    atomic.write_bytes(path, b"new")
    assert calls == [("sync", False), ("replace", False), ("sync", True)]


@pytest.mark.parametrize(
    ("number", "reason", "remedy"),
    [
        (errno.ENOSPC, "No space left on device", "free some space and give the same command again"),
        (errno.EDQUOT, "Disk quota exceeded", "free some space and give the same command again"),
        (errno.EROFS, "Read-only file system", "choose a directory that you may write to with -o"),
        (errno.EACCES, "Permission denied", "choose a directory that you may write to with -o"),
        (errno.EIO, "Input/output error", "check that its disk is mounted and well"),
    ],
)
def test_an_error_of_the_disk_is_one_clear_line(tmp_path, monkeypatch, number, reason, remedy):
    def fail(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    path = tmp_path / "value"
    with pytest.raises(InputError) as caught:
        atomic.write_bytes(path, b"new")
    assert str(caught.value).startswith(f"cannot write {path} ({reason}): {remedy}")
    assert entries(tmp_path) == []


def test_a_directory_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "shard"
    with pytest.raises(RuntimeError), atomic.appearing(path) as folder:
        (folder / "a").write_text("1")
        raise RuntimeError
    assert entries(tmp_path) == []
    with atomic.appearing(path) as folder:
        (folder / "a").write_text("1")
        assert not path.exists()
    assert entries(path) == ["a"]


def test_leftovers_of_a_killed_writer_are_removed_and_nothing_else(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / f"{atomic.TEMPORARY}0123").write_text("half")
    (tmp_path / f"{atomic.TEMPORARY}4567").mkdir()
    (tmp_path / f"{atomic.TEMPORARY}4567" / "features.npy").write_text("half")
    (tmp_path / "state" / "kept.json").write_text("{}")
    (tmp_path / ".hidden").write_text("")
    assert atomic.remove_leftovers(tmp_path) == 2
    assert entries(tmp_path) == [".hidden", "state"]
    assert entries(tmp_path / "state") == ["kept.json"]


def test_a_file_in_the_way_of_a_directory_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another directory with -o"):
        atomic.write_bytes(tmp_path / "file" / "value", b"")


def test_nan_is_refused():
    with pytest.raises(ValueError):
        atomic.json_text({"a": float("nan")})


FILL = """
import sys
from pathlib import Path
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.session.store import Session
with Session.open(Path(sys.argv[1], "session")) as session:
    session.write_bytes("kept", b"k" * 1000)
    try:
        for number in range(1000):
            session.write_bytes(f"block/{number}", b"x" * 100_000)
    except InputError as error:
        print(error)
    print((session.root / "kept").read_bytes() == b"k" * 1000)
    print(all(block.stat().st_size == 100_000 for block in (session.root / "block").iterdir()))
"""


def test_a_full_disk_keeps_what_was_finished(tmp_path):
    line, kept, whole = run_on_tmpfs(tmp_path, "size=1m", FILL).splitlines()
    assert line.startswith(f"cannot write {tmp_path}/session/block/")
    assert "(No space left on device): free some space and give the same command again" in line
    assert (kept, whole) == ("True", "True")
