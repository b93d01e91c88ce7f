import torch

from neuroinspect_tui.data.advice import enlarged_note
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
    assert enlarged_note(small, Preprocess()) == (
        "all images are 32 x 32 pixels and are enlarged to 256: --image-size 32 --crop-pct 1 takes them as stored"
    )
    assert enlarged_note(small, Preprocess(32, 1.0)) is None
    assert enlarged_note(small, Preprocess(32, 0.9)) is not None


def test_photographs_of_many_sizes_get_none(tmp_path):
    assert enlarged_note(split(tmp_path, [(32, 32), (33, 32)]), Preprocess()) is None


def test_a_split_without_one_readable_image_gets_none(tmp_path):
    broken = split(tmp_path, [(32, 32)])
    (tmp_path / "0.png").write_text("text")
    assert enlarged_note(broken, Preprocess()) is None
