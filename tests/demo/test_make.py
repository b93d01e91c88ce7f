import csv
import io

import numpy as np
import pytest
from PIL import Image

from neuroinspect_tui.demo import assets_dir
from neuroinspect_tui.demo.make import COLUMNS, SEED, manifest_row, write_picture
from neuroinspect_tui.demo.splits import plan
from neuroinspect_tui.demo.world import draw


def read(name):
    with (assets_dir() / "data" / name).open(encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_manifest_is_the_plan():
    header, *rows = read("manifest.csv")
    assert tuple(header) == COLUMNS
    assert rows == [[str(value) for value in manifest_row(sample)] for sample in plan(SEED)]


def test_the_wrong_labels_are_listed():
    header, *rows = read("mislabelled.csv")
    assert header == ["path", "class_name", "shows"]
    wrong = [s for s in plan(SEED) if s.mislabelled]
    assert rows == [[s.path, s.class_name, s.scene.kind] for s in wrong]


def test_the_folder_holds_the_manifests_files_and_no_others():
    folder = assets_dir() / "data"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg")}
    assert found == {sample.path for sample in plan(SEED)}


@pytest.mark.parametrize("sample", plan(SEED)[::120], ids=lambda sample: sample.path)
def test_a_picture_drawn_again_equals_its_file(sample, tmp_path):
    # The same JPEG encoder gives the same bytes; another version may round a pixel otherwise.
    write_picture(draw(sample.scene).pixels, tmp_path / "again.jpg")
    again = np.asarray(Image.open(tmp_path / "again.jpg"), dtype=int)
    kept = np.asarray(Image.open(assets_dir() / "data" / sample.path), dtype=int)
    assert np.abs(again - kept).max() <= 4


def test_pictures_keep_their_colour_resolution():
    data = (assets_dir() / "data" / plan(SEED)[0].path).read_bytes()
    layers = Image.open(io.BytesIO(data)).layer
    assert [(horizontal, vertical) for _, horizontal, vertical, _ in layers] == [(1, 1)] * 3


def test_the_assets_stay_small():
    assert sum(path.stat().st_size for path in assets_dir().rglob("*") if path.is_file()) < 15e6
