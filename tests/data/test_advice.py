import numpy as np
import torch
from PIL import Image

from neuroinspect_tui.data.advice import Seen, cut_note, enlarged_note, look_at, scaled_note
from neuroinspect_tui.data.files import FileImages
from neuroinspect_tui.data.splits import Split
from neuroinspect_tui.data.transforms import Preprocess

from .conftest import save


def split(root, sizes):
    paths = [f"{row}.png" for row in range(len(sizes))]
    for path, (width, height) in zip(paths, sizes, strict=True):
        save(root / path, width=width, height=height)
    return Split("val", paths, torch.zeros(len(sizes)), {}, FileImages(root, paths))


def test_small_images_of_one_size_get_a_remark(tmp_path):
    small = split(tmp_path, [(32, 32)] * 40)
    (tmp_path / "0.png").write_text("text")
    assert enlarged_note(look_at(small), Preprocess()) == (
        "all images are 32 x 32 pixels and are enlarged to 256: --image-size 32 --crop-pct 1 takes them as stored"
    )
    assert enlarged_note(look_at(small), Preprocess(32, 1.0)) is None
    assert enlarged_note(look_at(small), Preprocess(32, 0.9)) is not None


def test_photographs_of_many_sizes_get_none(tmp_path):
    assert enlarged_note(look_at(split(tmp_path, [(32, 32), (33, 32)])), Preprocess()) is None


def test_a_split_without_one_readable_image_gets_none(tmp_path):
    broken = split(tmp_path, [(32, 32)])
    (tmp_path / "0.png").write_text("text")
    assert enlarged_note(look_at(broken), Preprocess()) is None


def test_sides_that_the_crop_cuts_off_get_a_remark():
    oblong, square = Seen((640, 480), ""), Seen((500, 480), "")
    assert cut_note([oblong, oblong, square], Preprocess()) == (
        "images are not square (for example 640 x 480 pixels): the crop cuts their sides off; "
        "--crop-mode squash or border keeps them, if the classifier was trained so"
    )
    assert cut_note([oblong, square], Preprocess()) is None
    assert cut_note([oblong], Preprocess(crop_mode="squash")) is None


def test_deep_greyscale_gets_one_remark():
    seen = [Seen((8, 8), kind) for kind in ("16-bit", "", "16-bit", "float")]
    assert (
        scaled_note(seen) == "16-bit and float greyscale is scaled to 0…255, where Pillow alone would clip it"
    )
    assert scaled_note(seen[1:2]) is None


def test_what_is_seen_of_a_deep_image(tmp_path):
    Image.fromarray(np.full((4, 6), 300, np.uint16)).save(tmp_path / "a.png")
    deep = Split("val", ["a.png"], torch.zeros(1), {}, FileImages(tmp_path, ["a.png"]))
    assert look_at(deep) == [Seen((6, 4), "16-bit")]
