"""Each line of the README's table `what do you have?` is run, and every answer compared with a plain program."""

import csv
import io
import json
import re
import runpy
import shlex
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from neuroinspect_tui.torchvision_compat import import_torchvision
from tests.models.test_clip import CONFIG, random_model
from tests.test_batch import neuroinspect
from tests.test_docs import README, SEEN, own_model
from tests.tiny import COLOURS

QUICK = ["--illusions", "0", "--worst", "0", "--modes", "0", "--device", "cpu", "--batch-size", "8"]
SMALL = ["--image-size", "32", "--crop-pct", "1", "--mean", "0,0,0", "--std", "1,1,1"]
FEW = {"goldfish": 1, "great white shark": 2, "hen": 8}
"""Some of ImageNet's classes and their indices."""
NAMES = ("blue", "green", "red")


def lines():
    """Return what is had and the command of each line of the table."""
    rows = re.findall(r"^\| ([^|]+) \| `(neuroinspect [^`]+)` \|$", table(), re.M)
    return {what: shlex.split(command)[1:] for what, command in rows}


def table():
    """Return the lines below the table's header."""
    text = README.read_text("utf-8").partition("| what do you have?")[2].partition("\n\n")[0]
    return "\n".join(text.splitlines()[2:])


TABLE = lines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Everything that the table names: models with weights that are drawn, data of flat colours."""
    root = tmp_path_factory.mktemp("doors")
    own_model(root)
    pictures = sorted((root / "data").rglob("*.png"))
    rows = [
        (path.relative_to(root / "data").as_posix(), path.parent.name, path.parts[-3]) for path in pictures
    ]
    write_table(root / "data" / "manifest.csv", ("path", "label", "split"), rows)
    own = {path.relative_to(root / "data").as_posix(): path for path in pictures}
    write_labels(root, rows)
    write_shards(root, [(own[path], label) for path, label, split in rows if split == "val"])
    write_hub(root, [(own[path], label, split) for path, label, split in rows])
    write_recorded(root, rows)
    write_models(root)
    for index, name in enumerate(FEW):
        for copy in range(3):
            flat(root / "few_classes" / "val" / name / f"{copy}.png", (60 * index, 200 - 40 * copy, 90))
    for index, name in enumerate(("daisy", "rose", "tulip")):
        flat(root / "flowers" / "val" / name / "0.png", (70 * index, 30, 220 - 70 * index))
    return root


def flat(path, colour):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 40), colour).save(path)


def write_table(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write_labels(root, rows):
    """Every image is `bright`; its colour is another label."""
    marks = [
        (f"data/{path}", split, *(int(label == name) for name in NAMES[:2]), 1) for path, label, split in rows
    ]
    write_table(root / "labels.csv", ("path", "split", "blue", "green", "bright"), marks)


def write_shards(root, images):
    """Write thirteen WebDataset shards of .png and .cls; the number of a class is its place in order."""
    for shard in range(13):
        with tarfile.open(root / f"shards-{shard:06d}.tar", "w") as tar:
            for number, (path, label) in list(enumerate(images))[shard::13]:
                for suffix, data in (("png", path.read_bytes()), ("cls", str(NAMES.index(label)).encode())):
                    member = tarfile.TarInfo(f"{number:04d}.{suffix}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))


def write_hub(root, rows):
    """Write Hugging Face's imagefolder, a table in each split folder."""
    for split in ("train", "val", "test"):
        (root / "my-dataset" / split).mkdir(parents=True)
        entries = []
        for number, (path, label, own) in enumerate(rows):
            if own == split:
                (root / "my-dataset" / split / f"{number}.png").write_bytes(path.read_bytes())
                entries.append({"file_name": f"{number}.png", "label": label})
        text = "".join(json.dumps(entry) + "\n" for entry in entries)
        (root / "my-dataset" / split / "metadata.jsonl").write_text(text)


def write_recorded(root, rows):
    """Write the features and predictions of the own model, found by hand: the means of the colours."""
    features, labels, predictions = [], [], []
    for path, label, split in rows:
        if split == "val":
            red, green, blue = np.array(Image.open(root / "data" / path).getpixel((0, 0))) / 255
            features.append((red, green, blue, (red + green + blue) / 3))
            labels.append(label)
            guess = NAMES[int(np.argmax((blue, green, red)))]
            predictions.append((path, label, guess))
    state = load_file(root / "best.safetensors")
    layer = {"weight": state["fc.weight"].numpy(), "bias": state["fc.bias"].numpy()}
    np.savez(root / "features.npz", features=np.float32(features), labels=labels, class_names=NAMES, **layer)
    write_table(root / "predictions.csv", ("path", "label", "predicted"), predictions)


def write_models(root):
    torchvision = import_torchvision()
    import timm
    import transformers

    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18(num_classes=3).state_dict(), root / "flowers.pth")
    save_file(timm.create_model("resnet18").state_dict(), root / "resnet18.safetensors")
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    names = dict(enumerate(NAMES))
    config = transformers.ViTConfig(
        **small, image_size=32, patch_size=8, id2label=names, initializer_range=0.5
    )
    transformers.ViTForImageClassification(config).save_pretrained(root / "my-vit")
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(root / "my-vit")
    save_file(random_model().state_dict(), root / "clip.safetensors")


def colours(root, data, rows):
    """Return the flat images [N,3,32,32], pixels 0…1, at the paths of `rows`."""
    found = [Image.open(root / data / row["path"]).getpixel((0, 0)) for row in rows]
    return torch.tensor(found)[:, :, None, None].expand(-1, -1, 32, 32) / 255


def plain(root, what, rows):
    """Return what each image is predicted as by a plain program."""
    torchvision = import_torchvision()
    import timm
    import transformers

    if "torchvision" in what:
        model = torchvision.models.resnet18(num_classes=3)
        model.load_state_dict(torch.load(root / "flowers.pth"))
        images = colours(root, "flowers", rows)
    elif "ImageNet" in what:
        model = timm.create_model("resnet18")
        model.load_state_dict(load_file(root / "resnet18.safetensors"))
        images = colours(root, "few_classes", rows)
    elif "Hugging Face classifier" in what:
        model = transformers.ViTForImageClassification.from_pretrained(root / "my-vit")
        images = colours(root, "data", rows) * 2 - 1
    else:
        model = runpy.run_path(str(root / "mymodels.py"))["build"]()
        model.load_state_dict(torch.load(root / "best.pt"))
        images = colours(root, "data", rows)
    with torch.no_grad():
        found = model.eval()(images)
    return getattr(found, "logits", found).argmax(1).tolist()


def test_the_table_has_the_lines_that_are_run_here():
    assert len(TABLE) == len(table().splitlines()) >= 11


@pytest.mark.parametrize("what", TABLE)
def test_a_line_of_the_table_runs_and_answers_as_a_plain_program(what, folder, tmp_path, monkeypatch, capsys):
    pytest.importorskip("transformers")
    monkeypatch.chdir(folder)
    words = TABLE[what]
    if "clip:" in " ".join(words):
        import_torchvision()
        import open_clip

        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "ViT-B-32", CONFIG)
    seen = (
        []
        if "hf:my-vit/" in words or "clip:" in " ".join(words)
        else SEEN
        if "-w" in words and "mymodels.py:build" in words
        else SMALL
    )
    code, _, errors = neuroinspect(
        "--batch", *words, *seen, *QUICK, "-o", str(tmp_path / "out"), capsys=capsys
    )
    assert code == 0, errors
    with (tmp_path / "out" / "samples.csv").open() as file:
        rows = list(csv.DictReader(file))
    if "several labels" in what:
        found = json.loads((tmp_path / "out" / "report.json").read_text())["evaluation"]["labels"]
        assert [(row["name"], row["positives"], row["count"]) for row in found] == [
            ("blue", 12, 36),
            ("green", 12, 36),
            ("bright", 36, 36),
        ]
    elif "CLIP" in what:
        assert len(rows) == 36
    elif "shards" in what or "Hugging Face data" in what or "features" in what or "predictions" in what:
        assert (len(rows), sum(row["correct"] == "1" for row in rows)) == (36, 30)
    else:
        assert [int(row["predicted"]) for row in rows] == plain(folder, what, rows)
        if "ImageNet" in what:
            assert {row["class"]: int(row["label"]) for row in rows} == FEW
    assert Path(tmp_path / "out" / "report.html").is_file()
    assert len(COLOURS) == 6
