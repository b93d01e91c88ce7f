"""Exported weights are loaded anew and do what the verdict counted, image by image; a changed file is found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from neuroinspect_tui import jobs, load
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.pipeline.verifying import repair_in, verify_here
from neuroinspect_tui.results import DifferingImage, Verification
from neuroinspect_tui.wording.verifications import differing_lines, verification_sentence
from tests.test_batch import neuroinspect
from tests.tiny import TinyProject, make_tiny


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyProject, Path]:
    """A session with an exported repair, made by the API."""
    root = tmp_path_factory.mktemp("verified")
    tiny, out = make_tiny(root), root / "session"
    given = {"image_size": 8, "crop_pct": 1.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    with load(tiny.model, tiny.manifest, tiny.weights, device="cpu", session=out, **given) as found:
        repaired = found.repair("blue", "ridge", groups=["tint"])
        found.ask(jobs.ExportRepair(repaired.found.number))
    return tiny, out


def test_the_weights_answer_as_the_verdict_counted(
    made: tuple[TinyProject, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = next((made[1] / "repairs").iterdir())
    code, shown, errors = neuroinspect("verify", str(folder), capsys=capsys)
    assert (code, errors) == (0, "")
    assert shown == (
        "A fresh process loaded repairs/1-ridge/model.safetensors and ran the 36 judged images of test: "
        "each gets the class that the verdict counted, accuracy 100.0 %.\n"
    )
    code, shown, _ = neuroinspect("verify", str(made[1]), "1", "--json", capsys=capsys)
    last = json.loads(shown.splitlines()[-1])["verification"]
    assert code == 0
    assert (last["number"], last["images"], last["equal"], last["found"]) == (1, 36, 36, 1.0)
    assert json.loads(shown.splitlines()[0]) == {"done": 36, "total": 36}


def test_the_script_beside_the_weights_needs_torch_and_the_users_model_alone(
    made: tuple[TinyProject, Path],
) -> None:
    script = made[1] / "repairs" / "1-ridge" / "verify.py"
    text = script.read_text()
    assert len(text.splitlines()) <= 20
    assert "neuroinspect" not in text.replace(str(made[0].root), "")
    assert "safetensors." not in text.replace("model.safetensors", "")
    run = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [f"'{name}'\t12\t12\t12" for name in ("blue", "green", "red")]


def test_a_file_that_was_changed_is_found_out(tmp_path: Path, made: tuple[TinyProject, Path]) -> None:
    session, repair = repair_in(made[1])
    file = session.path(repair.weights or "")
    kept = file.read_bytes()
    tensors = load_file(file)
    tensors["fc.bias"][0] += 1000  # everything is blue now
    try:
        save_file(tensors, file)
        found = verify_here(session, repair)
    finally:
        file.write_bytes(kept)
    assert (found.images, found.equal, found.counted, found.found) == (36, 12, 1.0, 12 / 36)
    assert len(found.differing) == 24 and not found.holds
    assert {row.found for row in found.differing} == {0}
    words = verification_sentence(found)
    assert words.endswith(
        "12 of 36 get the class that the verdict counted, 24 do not; accuracy 33.3 %, by the verdict 100.0 %."
    )
    lines = differing_lines(found, ("blue", "green", "red"))
    assert lines[0].endswith(": blue, counted as green") or lines[0].endswith(": blue, counted as red")
    assert lines[-1] == "and 14 more images"


def test_an_unreadable_image_differs() -> None:
    found = Verification(
        1, "repairs/1-ridge/model.pt", "val", 1, 0, 1.0, 0.0, (DifferingImage("a.png", 1, 1, None),)
    )
    assert differing_lines(found, ("cat", "dog")) == ["a.png: cannot be read, counted as dog"]


@pytest.mark.parametrize(
    ("place", "number", "line"),
    [
        ("", 7, "has no repair 7: give the number of one: 1"),
        ("repairs/9-ridge", None, "holds no finished repair: give the number of one: 1"),
        ("elsewhere", None, "is not a session"),
    ],
)
def test_a_repair_that_is_not_there_is_refused(
    made: tuple[TinyProject, Path], place: str, number: int | None, line: str
) -> None:
    with pytest.raises(InputError, match=line):
        repair_in(made[1] / place, number)


def test_the_api_verifies_in_another_process_and_a_module_in_memory_in_a_copy(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)

    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.relu = nn.Conv2d(3, 4, 1, bias=False), nn.ReLU()
            self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.pool(self.relu(self.conv(x))).flatten(1))

    module = Tiny()
    module.load_state_dict(load_file(tiny.weights))
    given = {"image_size": 8, "crop_pct": 1.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    for model, weights, fresh in ((module, None, False), (tiny.model, tiny.weights, True)):
        with load(model, tiny.manifest, weights, device="cpu", **given) as found:
            verification = found.repair("blue", "ridge", groups=["tint"]).verify()
        assert (verification.fresh, verification.images, verification.equal) == (fresh, 36, 36)
    assert torch.equal(module.fc.weight, load_file(tiny.weights)["fc.weight"])
