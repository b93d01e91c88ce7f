"""What a decoding process answers, byte for byte."""

import io
import pickle

import numpy as np

from neuroinspect_tui.data.decoder import serve
from neuroinspect_tui.data.files import FileImages
from neuroinspect_tui.data.framing import Framing

from .conftest import save

FRAMING = Framing(side=8, crop=8, interpolation="nearest", crop_mode="squash")


def answers(root, *requests, outside=False):
    """The answers to lists of paths, as one stream of bytes."""
    asked = b"".join(pickle.dumps(one) for one in ((FileImages(root, (), outside), FRAMING), *requests))
    found = io.BytesIO()
    serve(io.BytesIO(asked), found)
    return io.BytesIO(found.getvalue())


def test_the_unreadable_are_named_before_the_frames_of_all(tmp_path):
    save(tmp_path / "a.png", width=8, height=8, seed=1)
    (tmp_path / "b.png").write_bytes(b"")
    found = answers(tmp_path, ["a.png", "b.png"], ["b.png"])
    assert pickle.load(found) == [(1, "empty file", False)]
    frames = np.frombuffer(found.read(2 * 8 * 8 * 3), np.uint8).reshape(2, 8, 8, 3)
    from PIL import Image

    assert np.array_equal(frames[0], np.asarray(Image.open(tmp_path / "a.png").convert("RGB")))
    assert not frames[1].any()
    assert pickle.load(found) == [(0, "empty file", False)]
    assert len(found.read()) == 8 * 8 * 3


def test_links_are_followed_only_where_it_is_allowed(tmp_path):
    save(tmp_path / "secret" / "s.png")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "s.png").symlink_to(tmp_path / "secret" / "s.png")
    [(place, reason, _)] = pickle.load(answers(tmp_path / "data", ["s.png"]))
    assert (place, reason) == (0, "a link that leaves the data folder (--allow-outside opens it)")
    assert pickle.load(answers(tmp_path / "data", ["s.png"], outside=True)) == []


def test_a_folder_that_is_gone_is_told_in_two_texts_and_the_process_goes_on(tmp_path):
    root = tmp_path / "gone"
    found = answers(root, ["a.png"], [])
    assert pickle.load(found) == (f"{root} is gone", "mount the data folder again, then resume")
    assert pickle.load(found) == []
    assert found.read() == b""
