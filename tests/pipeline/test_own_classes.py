"""The model owns its classes: data of a few of them, called in any way, in one command."""

import json

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from neuroinspect_tui.models.imagenet import imagenet_classes
from tests.test_batch import neuroinspect

TENCH, GOLDFISH, SHARK = 0, 1, 2
COLOURS = {TENCH: (220, 20, 20), GOLDFISH: (20, 220, 20), SHARK: (20, 20, 220)}
WRONG = {SHARK: 1}
"""One picture of the shark is green, and so is taken for a goldfish."""

MODEL = """
import torch
from torch import nn


def colours():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1000))
"""


def project(tmp_path, names):
    """Write a network of 1000 outputs that knows three colours, and two pictures of each below `names`."""
    (tmp_path / "net.py").write_text(MODEL)
    weight = torch.zeros(1000, 4)
    weight[:3, :3] = 10 * torch.eye(3)
    state = {"0.weight": torch.eye(4, 3)[:, :, None, None], "0.bias": torch.zeros(4)}
    save_file(state | {"4.weight": weight, "4.bias": torch.zeros(1000)}, tmp_path / "w.safetensors")
    for index, colour in COLOURS.items():
        folder = tmp_path / "data" / names[index]
        folder.mkdir(parents=True)
        for number in range(2):
            wrong = index in WRONG and number == 1
            shown = COLOURS[GOLDFISH] if wrong else colour
            Image.new("RGB", (8, 8), shown).save(folder / f"{number}.png")
    return ["-m", f"{tmp_path / 'net.py'}:colours", "-w", tmp_path / "w.safetensors", "-d", tmp_path / "data"]


@pytest.mark.parametrize(
    "names",
    [
        ("tench", "goldfish", "great white shark"),
        ("n01440764", "n01443537", "n01484850"),
        ("0", "1", "2"),
    ],
    ids=["names", "WordNet", "indices"],
)
def test_a_network_of_a_thousand_classes_on_three_folders(tmp_path, capsys, names):
    options = [*project(tmp_path, names), "--image-size", "8", "--crop-pct", "1", "--mean", "0,0,0"]
    options += [
        "--std",
        "1,1,1",
        "--device",
        "cpu",
        "--illusions",
        "0",
        "--worst",
        "1",
        "-o",
        tmp_path / "out",
    ]
    code, _, error = neuroinspect("--batch", *map(str, options), capsys=capsys)
    assert code == 0, error
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["evaluation"]["accuracy"] == pytest.approx(5 / 6)
    rows = {row["index"]: row for row in report["evaluation"]["classes"] if row["count"]}
    assert {index: (row["name"], row["count"]) for index, row in rows.items()} == {
        TENCH: ("tench", 2),
        GOLDFISH: ("goldfish", 2),
        SHARK: ("great white shark", 2),
    }
    assert rows[SHARK]["accuracy"] == 0.5


def test_imagenets_names_are_short_and_distinct():
    known = imagenet_classes(1000)
    assert (known.names[0], known.keys[0]) == ("tench", "n01440764")
    assert (known.names[134], known.names[517]) == ("crane bird", "crane")
    assert len(set(known.keys)) == len(set(known.names)) == 1000 and imagenet_classes(7).names == ()
