"""Every command of the recipes, as the pages have it, on miniature replicas in the formats of the data sets."""

from __future__ import annotations

import csv
import json
import re
import runpy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.io import loadmat

from neuroinspect_tui.config import ModelConfig
from neuroinspect_tui.models.sources import open_model
from neuroinspect_tui.torchvision_compat import import_torchvision
from tests.test_batch import neuroinspect

from . import replica
from .documents import RECIPES, steps
from .replica import Replica

SMALL = ["--image-size", str(replica.SIDE), "--crop-pct", "1", "--device", "cpu", "--workers", "0"]
QUICK = ["--clip", "none", "--illusions", "1", "--iters", "2", "--neurons", "2"]
SHORT = ["--epochs", "2", "--rate", "0.1", "--batch", "16"]
TRAIN = runpy.run_path(str(RECIPES / "train.py"))
NOT_HERE = ("curl", "tar")
"""Programs of the pages that fetch the originals."""

Follow = Callable[..., dict[str, dict[str, Any]]]
Seen = list[tuple[np.ndarray, int]]


@dataclass
class Reader:
    """Someone who types a page of the recipes into a shell, with replicas in the place of the original data."""

    replicas: Sequence[Replica]
    capsys: pytest.CaptureFixture[str]

    def type(self, words: list[str]) -> str:
        """Run one command and return what it prints."""
        if words[0] in NOT_HERE or words[:2] == ["python", "-c"]:
            return ""
        if words[:2] == ["python", "docs/recipes/train.py"]:
            return self._train(words[2:])
        assert words[0] == "neuroinspect"
        if words[1] in ("report", "compare"):
            return self._neuroinspect(words[1:])
        if "--batch" not in words:
            return ""
        model = self._replica(words[words.index("-w") + 1]).model
        return self._neuroinspect([*words[1:], "-m", model, *SMALL, *QUICK])

    def _replica(self, weights: str) -> Replica:
        return next(data for data in self.replicas if data.weights == weights)

    def _neuroinspect(self, options: list[str]) -> str:
        code, shown, errors = neuroinspect(*options, capsys=self.capsys)
        assert code == 0, errors
        return shown

    def _train(self, options: list[str]) -> str:
        """Train, see that the result knows its classes, and go on with the weights known by hand."""
        data = self._replica(options[options.index("-o") + 1])
        data.write_model()
        TRAIN["main"]([*options, "-m", data.model, *SMALL, *SHORT])
        trained = load_file(data.weights)
        assert trained.keys() == data.state().keys()
        own = trained["fc.weight"][:, : len(data.classes)]
        assert own.argmax(dim=1).tolist() == list(range(len(data.classes)))
        data.write_model()
        return self.capsys.readouterr().out


@pytest.fixture
def follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Follow:
    """Follow pages from top to bottom; return the report of every session that they leave, by its folder."""
    monkeypatch.chdir(tmp_path)

    def run(replicas: Sequence[Replica], pages: Sequence[str], **changes: str) -> dict[str, dict[str, Any]]:
        reader = Reader(replicas, capsys)
        for page in pages:
            for kind, step in steps(RECIPES / page):
                if kind == "sh":
                    reader.type(step)
                else:
                    for old, new in changes.items():
                        step = re.sub(f"{old} = .*", f"{old} = {new}", step)
                    exec(step, {})
        found = {path.parent.name: json.loads(path.read_text()) for path in Path("out").glob("*/report.json")}
        for name, report in found.items():
            for debugged in report["debugged"]:
                for repair in debugged["repairs"]:
                    repair["weights"] = Path("out") / name / repair["weights"]
        return found

    return run


def seen(data: Replica, images: Iterable[tuple[Path, int]]) -> Seen:
    """Return what the neurons make of images, each with its label."""
    return [(data.features(path), label) for path, label in images]


def right(data: Replica, images: Seen, weights: Path | None = None) -> dict[int, list[bool]]:
    """Decide images by the given weights (None: as trained) in plain numpy: class → whether each is right."""
    state = load_file(weights) if weights else data.state()
    weight, bias = (state[f"fc.{name}"].double().numpy() for name in ("weight", "bias"))
    found: dict[int, list[bool]] = {}
    for features, label in images:
        found.setdefault(label, []).append(int(np.argmax(weight @ features + bias)) == label)
    return found


def share(found: dict[int, list[bool]], label: int | None = None) -> float:
    """Return the accuracy over one class, or over all images."""
    values = found[label] if label is not None else [one for row in found.values() for one in row]
    return sum(values) / len(values)


def check_repair(data: Replica, repair: dict[str, Any], target: int, images: Seen) -> None:
    """Compare the verdict's numbers with those of plain numpy, and the repaired weights with the old ones."""
    for name, weights in (("before", None), ("after", repair["weights"])):
        found = right(data, images, weights)
        assert repair[name]["split"] == "test"
        assert repair[name]["accuracy"] == pytest.approx(share(found))
        assert repair[name]["class_accuracy"] == pytest.approx(share(found, target))
    changed = load_file(repair["weights"])
    for name, tensor in data.state().items():
        assert changed[name].shape == tensor.shape
        assert torch.equal(changed[name], tensor) or name.startswith("fc.")
    assert set(repair["controls"]) >= {"bias", "finetune"}


def only(found: list[Any]) -> Any:
    (one,) = found
    return one


def test_flowers102(tmp_path: Path, follow: Follow) -> None:
    names = list(import_torchvision().datasets.Flowers102.classes)
    data = replica.flowers102(tmp_path, names)
    reports = follow([data], ["flowers102.md"])
    folder = tmp_path / "data" / "flowers-102"
    labels = loadmat(folder / "imagelabels.mat")["labels"][0]
    numbers = loadmat(folder / "setid.mat")["tstid"][0]
    files = [(folder / "jpg" / f"image_{number:05d}.jpg", int(labels[number - 1]) - 1) for number in numbers]
    test = seen(data, files)
    assert set(reports) == {"flowers102", "flowers102-paper"}
    for name, mode, methods in (
        ("flowers102", "default", ("afr", "neurontune", "paper")),
        ("flowers102-paper", "paper", ("paper",)),
    ):
        evaluation, debugged = reports[name]["evaluation"], only(reports[name]["debugged"])
        assert (evaluation["split"], evaluation["samples"]) == ("val", 10 + 101 * 2)
        assert evaluation["accuracy"] == pytest.approx(1 - 4 / 212)
        row = evaluation["classes"][3]
        assert (row["name"], row["correct"], row["count"]) == ("sweet pea", 6, 10)
        assert row["confusions"] == [{"index": names.index("petunia"), "name": "petunia", "count": 4}]
        assert debugged["class"] == {"index": 3, "name": "sweet pea"}
        assert (debugged["mode"], debugged["mistakes"]) == (mode, 4)
        assert debugged["neurons"]["excessive"][0]["neuron"] == 102
        repair = only(debugged["repairs"])
        assert repair["method"] in methods
        assert repair["before"]["class_accuracy"] == pytest.approx(7 / 12)
        check_repair(data, repair, 3, test)


def test_food101(tmp_path: Path, follow: Follow) -> None:
    data = replica.food101(tmp_path)
    reports = follow([data], ["food101.md"])
    folder = tmp_path / "data" / "food-101"
    with (folder / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    counts = {split: sum(row["split"] == split for row in rows) for split in ("train", "val", "test")}
    assert counts == {"train": 100 * 6 + 18, "val": 100 * 1 + 3, "test": 100 * 2 + 10}
    listed = json.loads((folder / "meta" / "test.json").read_text())
    files = [
        (folder / "images" / f"{image}.jpg", label)
        for label, name in enumerate(sorted(listed))
        for image in listed[name]
    ]
    test = seen(data, files)
    held_out = [folder / row["path"] for row in rows if row["split"] == "val" and row["label"] == "steak"]
    expected = sum(right(data, seen(data, [(path, 93) for path in held_out]))[93])
    for name in ("food101", "food101-paper"):
        row = reports[name]["evaluation"]["classes"][93]
        assert (row["name"], row["correct"], row["count"]) == ("steak", expected, 3)
        debugged = only(reports[name]["debugged"])
        assert debugged["class"] == {"index": 93, "name": "steak"}
        repair = only(debugged["repairs"])
        assert repair["before"]["accuracy"] == pytest.approx(1 - 4 / 210)
        assert repair["before"]["class_accuracy"] == pytest.approx(6 / 10)
        check_repair(data, repair, 93, test)


def test_waterbirds_and_five_minutes_with_tags(tmp_path: Path, follow: Follow) -> None:
    data = replica.waterbirds(tmp_path)
    reports = follow([data], ["waterbirds.md", "tags.md"])
    assert set(reports) == {"waterbirds", "waterbirds-paper", "birds-tags", "birds-tags-alone"}
    folder = tmp_path / "data" / "waterbird_complete95_forest2water2"
    with (folder / "metadata.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "2"]
    test = seen(data, [(folder / row["img_filename"], int(row["y"])) for row in rows])
    on_land = [one for one, row in zip(test, rows, strict=True) if (row["y"], row["place"]) == ("1", "0")]
    for report in reports.values():
        evaluation, debugged = report["evaluation"], only(report["debugged"])
        assert (evaluation["samples"], evaluation["accuracy"]) == (120, pytest.approx(1 - 13 / 120))
        place = {
            (row["value"], row["class"]): row for row in evaluation["groups"] if row["column"] == "place"
        }
        assert {group: (row["correct"], row["count"]) for group, row in place.items()} == {
            ("0", "landbird"): (47, 47),
            ("1", "landbird"): (45, 45),
            ("0", "waterbird"): (0, 13),
            ("1", "waterbird"): (15, 15),
        }
        assert evaluation["worst_group"] == place["0", "waterbird"]
        assert debugged["class"] == {"index": 1, "name": "waterbird"}
        assert (debugged["mistakes"], debugged["neurons"]["excessive"][0]["neuron"]) == (13, 2)
        for repair in debugged["repairs"]:
            worst = {"column": "place", "value": "0", "class": "waterbird", "accuracy": 0}
            assert repair["before"]["worst_group"].items() >= worst.items()
            assert repair["before"]["accuracy"] == pytest.approx(1 - 16 / 69)
            check_repair(data, repair, 1, test)
    made = {name: only(report["debugged"])["repairs"] for name, report in reports.items()}
    assert [repair["method"] for repair in made["waterbirds"]] == ["ridge", "dfr"]
    assert [repair["method"] for repair in made["waterbirds-paper"]] == ["paper"]
    for repair in (*made["waterbirds"], *made["birds-tags"], *made["birds-tags-alone"]):
        assert share(right(data, on_land, repair["weights"])) == 1
        assert repair["after"]["worst_group"]["accuracy"] == 1
        assert repair["verdict"]["outcome"] == "helps"
        assert repair["parameters"]["groups"] == ("place" if repair in made["waterbirds"] else "land, place")


def check_folders_of_folders(report: dict[str, Any]) -> None:
    """Look at the run on `Domain-Generalization-Cat-Dog`, whose inner folders are the groups."""
    evaluation = report["evaluation"]
    assert (evaluation["split"], evaluation["samples"]) == ("test", 22)
    found = {(row["class"], row["value"]): (row["correct"], row["count"]) for row in evaluation["groups"]}
    assert {group: row for group, row in found.items() if row[1]} == {
        ("cat", "cat(shelf)"): (5, 5),
        ("cat", "cat(grass)"): (0, 7),
        ("dog", "dog(shelf)"): (6, 6),
        ("dog", "dog(grass)"): (4, 4),
    }
    assert evaluation["worst_group"]["value"] == "cat(grass)"
    debugged = only(report["debugged"])
    assert (debugged["class"]["name"], debugged["mistakes"], debugged["repairs"]) == ("cat", 7, [])


def test_metashift(tmp_path: Path, follow: Follow) -> None:
    data, folders = replica.metashift(tmp_path), replica.cat_dog(tmp_path)
    counts = {"train": 10, "val": 8, "test": 6}
    reports = follow([data, folders], ["metashift.md"], COUNTS=repr(counts))
    root = tmp_path / "data" / "MetaShift" / "MetaDataset-full"
    with (root / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    images = [Path(row["path"]).name for row in rows]
    assert len(set(images)) == len(images) == 5 * sum(counts.values())
    for row in rows:
        by_chair = (root / row["label"] / f"{row['label']}(chair)" / Path(row["path"]).name).exists()
        assert (row["context"] == "chair") == by_chair
        assert row["label"] != "dog" or by_chair == (row["split"] == "train")
    listed = {
        split: seen(
            data,
            [(root / row["path"], data.classes.index(row["label"])) for row in rows if row["split"] == split],
        )
        for split in counts
    }
    for name, mode in (("metashift", "default"), ("metashift-paper", "paper")):
        evaluation, debugged = reports[name]["evaluation"], only(reports[name]["debugged"])
        found = right(data, listed["val"])
        assert [row["correct"] for row in evaluation["classes"]] == [sum(found[label]) for label in range(5)]
        assert evaluation["accuracy"] == pytest.approx(share(found))
        assert (debugged["mode"], debugged["mistakes"]) == (mode, 8 - sum(found[3]))
        assert 0 < debugged["mistakes"] < 8
        assert debugged["neurons"]["excessive"][0]["neuron"] == 6
        check_repair(data, only(debugged["repairs"]), 3, listed["test"])
    assert reports["metashift"]["data"]["group_columns"] == ["context"]
    check_folders_of_folders(reports["catdog"])


def test_a_checkpoint_of_the_published_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its whole pickled module, ImageNet's last layer included, becomes a state dict of the data's classes."""
    monkeypatch.chdir(tmp_path)
    model = import_torchvision().models.squeezenet1_0(num_classes=2)
    model.fc = torch.nn.Linear(3, 1000)
    torch.save(model, "best_model.pt")
    codes = [step for kind, step in steps(RECIPES / "README.md") if kind == "python"]
    exec(only([code for code in codes if "best_model.pt" in code]), {})
    written = load_file("flowers102.safetensors")
    assert written.keys() == model.state_dict().keys()
    assert torch.equal(written["fc.weight"], model.fc.weight[:102])
    assert torch.equal(written["fc.bias"], model.fc.bias[:102])


def test_training_the_decision_layer_alone_leaves_all_else_as_it_was(tmp_path: Path) -> None:
    data = replica.cat_dog(tmp_path)
    resnet = "import torchvision\n\n\ndef build():\n    return torchvision.models.resnet18()\n"
    (tmp_path / "resnet.py").write_text(resnet)
    out = tmp_path / "resnet.safetensors"
    inputs = [
        "-m",
        f"{tmp_path / 'resnet.py'}:build",
        "-d",
        str(tmp_path / "data" / "MetaShift" / "Domain-Generalization-Cat-Dog"),
    ]
    TRAIN["main"]([*inputs, "-o", str(out), *SMALL, *SHORT, "--freeze"])
    trained = load_file(out)
    built = open_model(ModelConfig(inputs[1]), lambda: data.classes).module.state_dict()
    assert trained.keys() == built.keys()
    assert trained["fc.weight"].shape == (2, 512)
    for name, tensor in built.items():
        assert name.startswith("fc.") or torch.equal(trained[name], tensor)


def test_training_says_in_one_line_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        TRAIN["main"](
            ["-m", "torchvision:resnet50", "-d", str(tmp_path / "nowhere"), "-o", "out.safetensors"]
        )
    assert str(caught.value) == f"train.py: -d {tmp_path / 'nowhere'}: no such file or folder: check the path"
