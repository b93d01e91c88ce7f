"""Bad input, through the command line: the exact line that each case prints, and that it is all there is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tests.conftest import REPOSITORY
from tests.test_batch import neuroinspect
from tests.tiny import EACH, TinyProject, make_tiny, state

SOURCES = "torchvision:NAME, timm:NAME, hf:NAME_OR_FOLDER, clip:NAME:TAG, path/to/file.py:function or package.module:function"
MISFIT = "give the weights of this very model, trained on this data set's classes"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> TinyProject:
    """The tiny project with every bad input beside it."""
    tiny = make_tiny(tmp_path_factory.mktemp("bad"))
    _bad_data(tiny.root, tiny.manifest.read_text())
    _bad_weights(tiny.root)
    (tiny.root / "file").write_text("in the way\n")
    return tiny


def _bad_data(root: Path, rows: str) -> None:
    (root / "empty").mkdir()
    (root / "lonely" / "red").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(root / "lonely" / "red" / "a.png")
    Image.new("RGB", (8, 8)).save(root / "data" / "grey.png")
    manifests = {
        "one.csv": "path,label,split\ntest/red-none-0.png,red,val\ntest/red-none-1.png,red,val\n",
        "four.csv": rows + "grey.png,grey,val,none\n",
        "lable.csv": rows.replace("path,label", "path,lable"),
        "file.csv": rows.replace("path,label", "camera,label"),
        "outside.csv": rows + "../lonely/red/a.png,red,val,none\n",
    }
    for name, text in manifests.items():
        (root / "data" / name).write_text(text)


def _bad_weights(root: Path) -> None:
    save_file({"body.weight": torch.zeros(3), "fc.bias": torch.zeros(3)}, root / "other.safetensors")
    wide = state() | {"fc.weight": torch.zeros(4, 4), "fc.bias": torch.zeros(4)}
    save_file(wide, root / "wide.safetensors")
    (root / "text.pt").write_text("no weights\n")


def command(project: TinyProject, changed: dict[str, str]) -> list[str]:
    """The tiny run with some options `changed`; {root} in a value is the project's folder."""
    options = [*project.options, "--illusions", "0", "-o", str(project.root / "session")]
    for flag, value in changed.items():
        options = [*options, flag, value] if flag not in options else options
        options[options.index(flag) + 1] = value.format(root=project.root)
    return ["--batch", *options]


CASES = {
    "no such folder": ({"-d": "{root}/gone"}, "-d {root}/gone: no such file or folder: check the path"),
    "no such weights": (
        {"-w": "{root}/gone.pt"},
        "-w {root}/gone.pt is not a file: give the path of a .safetensors, .pt or .pth file",
    ),
    "empty folder": (
        {"-d": "{root}/empty"},
        "{root}/empty holds no images: give a folder of class folders, or a manifest.csv",
    ),
    "one class folder": (
        {"-d": "{root}/lonely"},
        '{root}/lonely has only one class, "red": give images of two classes or more',
    ),
    "one class in the manifest": (
        {"-d": "{root}/data/one.csv"},
        '{root}/data/one.csv has only one class, "red": give images of two classes or more',
    ),
    "unknown model": (
        {"-m": "torchvision:resnet5"},
        '-m torchvision:resnet5 is not a torchvision model: did you mean "resnet50"?',
    ),
    "no kind of model": ({"-m": "resnet50"}, f"-m 'resnet50' names no model: use {SOURCES}"),
    "no model file": (
        {"-m": "{root}/tin.py:tiny"},
        f"-m {{root}}/tin.py:tiny: there is no file {{root}}/tin.py: use {SOURCES}",
    ),
    "no function in the model file": (
        {"-m": "{root}/tiny.py:tinny"},
        "-m {root}/tiny.py:tinny: {root}/tiny.py has no 'tinny': did you mean \"tiny\"?",
    ),
    "weights of another model": (
        {"-w": "{root}/other.safetensors"},
        "-w {root}/other.safetensors does not fit the model: missing conv.weight, fc.weight; "
        f"unexpected body.weight: {MISFIT}",
    ),
    "weights for another number of classes": (
        {"-w": "{root}/wide.safetensors"},
        "-w {root}/wide.safetensors has 4 classes, the model 3: "
        "check -m and -w, or name with --classes all that the weights know",
    ),
    "weights that are text": (
        {"-w": "{root}/text.pt"},
        "-w {root}/text.pt cannot be read: it is not a torch file: "
        "give a file that torch.save(model.state_dict(), …) wrote",
    ),
    "data with one class more": (
        {"-d": "{root}/data/four.csv"},
        'the classifier has 3 outputs, {root}/data/four.csv has 4 classes: "grey" is in val alone: '
        "name the classifier's classes in its order with --classes FILE",
    ),
    "manifest without label": (
        {"-d": "{root}/data/lable.csv"},
        '{root}/data/lable.csv has no column "label": rename its column "lable"',
    ),
    "manifest without path": (
        {"-d": "{root}/data/file.csv"},
        '{root}/data/file.csv has no column "path": it has camera, label, split, tint; '
        "its first line must be path,label and any further columns",
    ),
    "manifest that leaves its folder": (
        {"-d": "{root}/data/outside.csv"},
        '{root}/data/outside.csv: "../lonely/red/a.png" leaves the data folder: '
        "keep images inside it, or give --allow-outside",
    ),
    "session below a file": (
        {"-o": "{root}/file/session"},
        "cannot create {root}/file/session (File exists): a file is in the way: "
        "choose another directory with -o",
    ),
    "class name misspelt": (
        {"--class": "blu"},
        '--class "blu" is not a class of the data: did you mean "blue"?',
    ),
    "class index too high": (
        {"--class": "3"},
        '--class "3" is not a class of the data: give a name, or an index from 0 to 2',
    ),
}


@pytest.mark.parametrize(("changed", "line"), CASES.values(), ids=CASES)
def test_the_exact_line(
    project: TinyProject, capsys: pytest.CaptureFixture[str], changed: dict[str, str], line: str
) -> None:
    code, shown, errors = neuroinspect(*command(project, changed), capsys=capsys)
    assert errors == f"neuroinspect: {line.format(root=project.root)}\n"
    assert (code, shown) == (2, "")


def test_a_session_directory_that_may_not_be_written(
    project: TinyProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere, so the system's answer is played."""
    out, mkdir = project.root / "closed" / "session", Path.mkdir

    def refuse(path: Path, *arguments: object, **named: object) -> None:
        if path == out:
            raise PermissionError(13, "Permission denied", str(path))
        mkdir(path, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", refuse)
    code, shown, errors = neuroinspect(*command(project, {"-o": str(out)}), capsys=capsys)
    assert errors == (
        f"neuroinspect: cannot create {out} (Permission denied): "
        "choose a directory that you may write to with -o\n"
    )
    assert (code, shown) == (2, "")


@pytest.mark.slow
def test_the_program_itself_prints_one_line_and_no_traceback(project: TinyProject) -> None:
    words = [sys.executable, "-m", "neuroinspect_tui", *command(project, {"--class": "blu"})]
    run = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True)
    assert run.stderr == f"neuroinspect: {CASES['class name misspelt'][1]}\n"
    assert (run.returncode, run.stdout) == (2, "")


def cut_jpeg(file: Path) -> None:
    """Write the first half of a JPEG."""
    Image.linear_gradient("L").convert("RGB").save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "val/text.jpg": (
        lambda file: file.write_text("no picture\n"),
        "not one of JPEG, PNG, WEBP, BMP, GIF, TIFF, PPM, AVIF, JPEGN, DICOM",
    ),
    "val/cut.jpg": (cut_jpeg, "image file is truncated (N bytes not processed)"),
    "val/empty.png": (lambda file: file.touch(), "empty file"),
    "val/gone.png": (lambda file: None, "no such file or directory"),
}


def test_images_that_cannot_be_read_are_listed_and_the_run_goes_on(
    tiny: TinyProject, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, (write, _) in UNREADABLE.items():
        write(tiny.root / "data" / path)
    with tiny.manifest.open("a", newline="") as file:
        file.writelines(f"{path},red,val,none\r\n" for path in UNREADABLE)
    code, _, errors = neuroinspect(*command(tiny, {}), capsys=capsys)
    assert code == 0 and "Traceback" not in errors
    report = json.loads((tiny.root / "session" / "report.json").read_text())
    found = report["evaluation"]
    listed = [(image["path"], re.sub(r"\d+", "N", image["reason"])) for image in found["unreadable"]]
    assert listed == [(path, why) for path, (_, why) in UNREADABLE.items()]
    assert found["samples"] == sum(row["count"] for row in found["classes"]) == 6 * EACH
    assert sum(row["correct"] for row in found["classes"]) == round(found["accuracy"] * found["samples"])
    assert report["data"]["splits"]["val"] == found["samples"] + len(found["unreadable"])
