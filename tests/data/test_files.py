import subprocess
import sys

import pytest

from neuroinspect_tui.data.files import FileImages, is_inside, is_there
from neuroinspect_tui.data.images import UnreadableImage
from neuroinspect_tui.errors import InputError

from .conftest import save


def test_an_image_is_opened_from_the_root(tmp_path):
    save(tmp_path / "sub" / "a b.png", width=7, height=5)
    assert FileImages(tmp_path, ["sub/a b.png"]).open(0).size == (7, 5)


def test_a_missing_image_is_unreadable_but_a_missing_root_stops_the_run(tmp_path):
    root = tmp_path / "data"
    save(root / "a.png")
    images = FileImages(root, ["a.png", "gone.png"])
    with pytest.raises(UnreadableImage, match="no such file or directory"):
        images.open(1)
    for leave in ((root / "a.png").unlink, root.rmdir):
        leave()
        with pytest.raises(InputError) as caught:
            images.open(0)
        assert str(caught.value) == f"{root} is gone: mount the data folder again, then resume"


def test_links_out_of_the_root_are_not_followed_unless_allowed(tmp_path):
    secret = save(tmp_path / "secret" / "s.png")
    root = tmp_path / "data"
    save(root / "a.png")
    (root / "file.png").symlink_to(secret)
    (root / "folder").symlink_to(secret.parent)
    (root / "within.png").symlink_to(root / "a.png")
    paths = ["file.png", "folder/s.png", "../secret/s.png", str(secret)]
    for row in range(4):
        with pytest.raises(UnreadableImage, match="a link that leaves the data folder"):
            FileImages(root, paths).open(row)
        assert FileImages(root, paths, allow_outside=True).open(row).mode == "RGB"
    assert FileImages(root, ["within.png"]).open(0).mode == "RGB"


def test_is_inside_and_is_there_take_any_text(tmp_path):
    assert is_inside(tmp_path, tmp_path / "a" / ".." / "b")
    assert not is_inside(tmp_path / "a", tmp_path / "ab")
    assert not is_inside(tmp_path, tmp_path / "\0")
    assert not is_there(tmp_path / "\0")
    assert is_there(tmp_path)


def test_what_decoders_import_needs_no_torch():
    code = "import neuroinspect_tui.data.decoder, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
