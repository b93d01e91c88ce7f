"""The headless face, from the command line to the files it leaves."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from safetensors.torch import load_file, save_file

from neuroinspect_tui.batch import run as batch
from neuroinspect_tui.cli import main as cli
from neuroinspect_tui.errors import ExitCode
from tests.tiny import EACH, TinyProject, state


def neuroinspect(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Run the command line in this process: exit code, stdout, stderr.

    Signals are left to pytest: one that ends it is not for the run under test.
    """
    before = sys.argv
    sys.argv = ["neuroinspect", *arguments]
    try:
        with patch.object(batch, "_catch_signals"), pytest.raises(SystemExit) as caught:
            cli.main()
    finally:
        sys.argv = before
    output = capsys.readouterr()
    code = int(caught.value.code or 0)
    if code == ExitCode.INTERRUPTED and "interrupted" not in output.err:
        raise KeyboardInterrupt
    return code, output.out, output.err


def test_the_whole_method_on_a_project_computed_by_hand(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "session"
    code, shown, errors = neuroinspect(
        "--batch",
        *tiny.options,
        "--repair",
        "ridge",
        "--illusions",
        "2",
        "--iters",
        "9",
        "-o",
        str(out),
        capsys=capsys,
    )
    assert code == 0, errors
    report = json.loads((out / "report.json").read_text())
    evaluation = report["evaluation"]
    assert evaluation["samples"] == 6 * EACH
    assert evaluation["accuracy"] == pytest.approx(5 / 6)
    assert [(row["name"], row["correct"], row["count"]) for row in evaluation["classes"]] == [
        ("blue", EACH, 2 * EACH),
        ("green", 2 * EACH, 2 * EACH),
        ("red", 2 * EACH, 2 * EACH),
    ]
    assert evaluation["classes"][2]["precision"] == pytest.approx(2 / 3)
    worst = evaluation["worst_group"]
    assert (worst["column"], worst["value"], worst["class"], worst["accuracy"]) == ("tint", "red", "blue", 0)
    (found,) = report["debugged"]
    assert found["class"] == {"index": 0, "name": "blue"}
    assert found["mistakes"] == EACH
    assert found["neurons"]["insufficient"][0]["neuron"] == 2
    assert found["neurons"]["excessive"][0]["neuron"] == 0
    assert all((out / item["image"]).is_file() for item in found["exemplars"])
    assert len(found["illusions"]) == 2
    (repair,) = found["repairs"]
    assert repair["after"]["split"] == "test"
    assert repair["before"]["accuracy"] == pytest.approx(5 / 6)
    assert repair["after"]["accuracy"] == 1.0
    assert (repair["fixed"], repair["broken"]) == (EACH, 0)
    assert set(repair["controls"]) >= {"bias", "finetune"}
    changed = load_file(out / repair["weights"])
    for name, tensor in state().items():
        assert torch.equal(changed[name], tensor) == (not name.startswith("fc."))
    with (out / "samples.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6 * EACH
    assert f"accuracy {100 * 5 / 6:.1f} %" in shown
    assert str(out / "report.html") in shown
    lines = shown.splitlines()
    made = lines.index(f"repair 1 of blue by ridge: {repair['sentence']}")
    assert lines[made + 1 : made + 3] == [
        f"  on {6 * EACH} images of test: class 50.0 % → 100.0 %, "
        f"worst group 0.0 % (of {EACH}) → 100.0 % (of {EACH}), all 83.3 % → 100.0 %",
        f"  {out / repair['weights']}",
    ]
    assert (repair["unchanged"], repair["accepted"], repair["same_as"]) == (False, True, None)


def test_the_same_command_gives_the_same_report_but_for_times(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = []
    for name in ("one", "two"):
        options = ["--repair", "auto", "--illusions", "1", "--iters", "4", "-o", str(tmp_path / name)]
        assert neuroinspect("--batch", *tiny.options, *options, capsys=capsys)[0] == 0
        report = json.loads((tmp_path / name / "report.json").read_text())
        for found in report["debugged"]:
            for repair in found["repairs"]:
                repair.pop("seconds")
        reports.append(report)
    assert reports[0] == reports[1]


def test_a_few_tags_make_the_groups_of_a_repair(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = list(csv.DictReader(tiny.manifest.open()))
    with tiny.manifest.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["path", "label", "split"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    tagged = [row for row in rows if row["split"] == "val" and row["path"][-5] in "024"]
    tags = tmp_path / "tags.csv"
    tags.write_text("path,tag\n" + "".join(f"{row['path']},{row['tint']}\n" for row in tagged))
    out = tmp_path / "session"
    options = ["--repair", "auto", "--tags", str(tags), "--illusions", "0", "-o", str(out)]
    code, _, errors = neuroinspect("--batch", *tiny.options, *options, capsys=capsys)
    assert code == 0, errors
    report = json.loads((out / "report.json").read_text())
    assert report["debugged"][0]["illusions"] == [], "0 is a number, not an option left out"
    assert report["evaluation"]["groups"] == []
    (repair,) = report["debugged"][0]["repairs"]
    assert repair["method"] == "ridge" and repair["parameters"]["groups"] == "red"
    assert (repair["cues"], repair["verdict"]["estimated"]) == (["red"], True)
    (cue,) = report["cues"]
    assert cue["probe"]["has"] + cue["probe"]["not"] + cue["probe"]["unclear"] == len(rows)
    before, after = repair["before"]["worst_group"], repair["after"]["worst_group"]
    assert (before["column"], before["value"], before["class"], before["accuracy"]) == (
        "red",
        "has",
        "blue",
        0.0,
    )
    assert after["accuracy"] == 1.0
    with (out / "samples.csv").open() as file:
        shown = {row["path"]: row["tag"] for row in csv.DictReader(file)}
    assert {path: tag for path, tag in shown.items() if tag} == {
        row["path"]: "has" if row["tint"] == "red" else "not" for row in tagged
    }


def test_one_layer_for_two_classes_and_a_layer_that_nothing_beats_are_named(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "session"
    options = ["--illusions", "0", "--class", "blue", "--class", "red", "-o", str(out)]
    code, shown, errors = neuroinspect("--batch", *tiny.options, *options, "--repair", "ridge", capsys=capsys)
    assert code == 0, errors
    assert f"  {out / 'repairs/2-ridge/model.safetensors'} (the same layer as repair 1)" in shown.splitlines()
    blue, red = (found["repairs"][0] for found in json.loads((out / "report.json").read_text())["debugged"])
    assert (blue["same_as"], red["same_as"]) == (None, 1)
    assert (out / blue["head"]).read_bytes() == (out / red["head"]).read_bytes()

    repaired = load_file(out / blue["weights"])
    save_file(repaired, tiny.root / "tiny.safetensors")
    again = tmp_path / "again"
    options = ["--illusions", "0", "--class", "blue", "-o", str(again)]
    code, shown, _ = neuroinspect("--batch", *tiny.options, *options, "--repair", "ridge", capsys=capsys)
    assert code == 0
    assert (
        "repair 1 of blue by ridge: Nothing beat the untouched decision layer, which is kept."
        in shown.splitlines()
    )
    (kept,) = json.loads((again / "report.json").read_text())["debugged"][0]["repairs"]
    assert (kept["unchanged"], kept["accepted"]) == (True, False)
    for name, tensor in repaired.items():
        assert torch.equal(load_file(again / kept["weights"])[name], tensor), "a file is there all the same"


@pytest.mark.parametrize(
    ("checks", "code", "line"),
    [
        (["accuracy=0.8", "worst-class=0.5"], 0, ""),
        (["worst-class=0.6"], 1, "neuroinspect: --fail-under: worst-class 0.5000 is below 0.6 on val\n"),
        (["worst-group=0.1"], 1, "neuroinspect: --fail-under: worst-group 0.0000 is below 0.1 on val\n"),
    ],
)
def test_checks_decide_the_exit_code(
    tiny: TinyProject,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    checks: list[str],
    code: int,
    line: str,
) -> None:
    flags = [part for check in checks for part in ("--fail-under", check)]
    options = ["--illusions", "0", "-o", str(tmp_path / "s"), *flags]
    found, _, errors = neuroinspect("--batch", *tiny.options, *options, capsys=capsys)
    assert found == code
    assert errors.endswith(line)


def test_json_events_are_all_that_stdout_has(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--illusions", "0", "--json", "-o", str(tmp_path / "s")]
    code, shown, _ = neuroinspect("--batch", *tiny.options, *options, capsys=capsys)
    events = [json.loads(line) for line in shown.splitlines()]
    assert code == 0
    assert [event["job"]["name"] for event in events if event["event"] == "finished"][:2] == [
        "Open",
        "Evaluate",
    ]
    evaluated = next(
        event for event in events if event["event"] == "finished" and event["job"]["name"] == "Evaluate"
    )
    assert evaluated["value"] == {
        "split": "val",
        "samples": 6 * EACH,
        "accuracy": pytest.approx(5 / 6),
        "worst_class": {"class": "blue", "accuracy": 0.5},
        "worst_group": 0.0,
    }
    assert events[-1]["job"]["name"] == "WriteReport"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--batch"], "-m/--model is missing: give it, or start with neuroinspect --demo"),
        (["--batch", "-m", "x"], "-d/--data is missing: give it, or start with neuroinspect --demo"),
        (["--btch"], "No such option: --btch (Possible options: --batch, "),
        (["--batch", "--demo", "-m", "x"], "--model does not go with --demo: leave one of them out"),
        (["report", "nowhere"], "nowhere is not a session"),
        (["--batch", "--demo", "--theme", "pink"], "--theme 'pink' is not known: "),
        (["--image-size", "abc"], "--image-size 'abc' is not a number: give a number"),
        (["--iters", "2.5"], "--iters '2.5' is not a whole number: give a whole number"),
        (["--crop-mode", "sqash"], "--crop-mode 'sqash' is not known: did you mean \"squash\"? use one of "),
        (["report", "s", "--format", "pdf"], "Invalid value for '--format': 'pdf' is not one of "),
        (["compare", "one"], "Missing argument 'second': see neuroinspect compare --help"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    code, shown, errors = neuroinspect(*arguments, capsys=capsys)
    assert (code, shown) == (2, "")
    assert errors.startswith(f"neuroinspect: {line}") and errors.count("\n") == 1


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"-d": "nowhere"}, "-d nowhere: no such file or folder: check the path"),
        ({"-w": "none.safetensors"}, "-w none.safetensors"),
        ({"-m": "torchvision:resnet5"}, "-m torchvision:resnet5"),
        ({"--class": "blu"}, '--class "blu" is not a class of the data: did you mean "blue"?'),
        ({"--groups": "tnt"}, '--groups "tnt" is not a column of '),
        ({"--split": "vla"}, '--split "vla" is not in '),
        ({"-o": "/proc/session"}, "cannot create /proc/session"),
        ({"--neuron": "99"}, "--neuron 99 does not exist: give numbers from 0 to 3"),
        ({"--neuron": "-1"}, "--neuron -1 does not exist: give numbers from 0 to 3"),
    ],
)
def test_bad_input_is_one_line_that_names_it(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str], line: str
) -> None:
    options = [*tiny.options, "-o", str(tmp_path / "s"), "--illusions", "0"]
    for flag, value in changed.items():
        options = [*options, flag, value] if flag not in options else options
        options[options.index(flag) + 1] = value
    code, shown, errors = neuroinspect("--batch", *options, capsys=capsys)
    assert (code, shown) == (2, "")
    assert errors.splitlines()[-1].startswith(f"neuroinspect: {line}")
    assert "Traceback" not in errors


def test_an_interrupt_saves_the_session_and_the_next_run_goes_on(tiny: TinyProject, tmp_path: Path) -> None:
    out = tmp_path / "session"
    command = [sys.executable, "-m", "neuroinspect_tui", "--batch", *tiny.options, "-o", str(out)]
    command += ["--iters", "100000", "--illusions", "3"]
    run = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and '"Illustrate"' not in _journal(out):
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    run.send_signal(signal.SIGTERM)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert errors.splitlines()[-1] == (
        f"neuroinspect: interrupted, session saved in {out}: run the same command to go on"
    )
    again = subprocess.run([*command[:-4], "--illusions", "0"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert (out / "report.json").is_file()


STUCK = """
import sys, threading, time, torch
from neuroinspect_tui.batch import run as batch
from neuroinspect_tui.cli import main as cli
from neuroinspect_tui.errors import ExitCode

def work():
    while True:
        weight = torch.ones(50, requires_grad=True)
        (weight * weight).sum().backward()

def interrupted(**options):
    threading.Thread(target=work, name="neuroinspect-worker", daemon=True).start()
    time.sleep(0.5)
    print("asked to leave", flush=True)
    raise KeyboardInterrupt

cli.app = interrupted
cli.main()
"""


def test_leaving_while_the_worker_is_inside_torch_aborts_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "asked to leave\n", "")


def _journal(out: Path) -> str:
    path = out / "journal.jsonl"
    return path.read_text() if path.exists() else ""


def test_images_that_cannot_be_read_are_told_and_a_split_without_any_other_is_refused(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = sorted((tiny.manifest.parent / "val").iterdir())
    images[0].write_bytes(b"no picture")
    options = ["--batch", *tiny.options, "--illusions", "0"]
    code, _, errors = neuroinspect(*options, "-o", str(tmp_path / "one"), capsys=capsys)
    assert code == 0
    fault = f"could not be read, for example val/{images[0].name}: not one of JPEG, "
    assert f"warning: 1 of {6 * EACH} images of val {fault}" in errors
    groups = json.loads((tmp_path / "one" / "report.json").read_text())["evaluation"]["groups"]
    counts = {(row["class"], row["value"]): (row["correct"], row["count"]) for row in groups}
    assert images[0].name == "blue-none-0.png"
    assert counts[("blue", "none")] == (EACH - 1, EACH - 1) and counts[("blue", "red")] == (0, EACH)
    assert counts[("red", "red")] == (EACH, EACH)
    for image in images:
        image.write_bytes(b"no picture")
    code, _, errors = neuroinspect(*options, "-o", str(tmp_path / "all"), capsys=capsys)
    assert code == 2
    assert errors.splitlines()[-1].startswith(
        f"neuroinspect: {6 * EACH} of {6 * EACH} images of val {fault[:20]}"
    )


def test_output_in_another_encoding_is_no_traceback(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--illusions", "0", "-o", str(tmp_path / "s")]
    assert neuroinspect("--batch", *tiny.options, *options, capsys=capsys)[0] == 0
    command = [sys.executable, "-m", "neuroinspect_tui", "report", str(tmp_path / "s")]
    for encoding in ("ascii", "latin-1"):
        surroundings = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run(command, capture_output=True, env=surroundings, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"# NeuroInspect" in done.stdout


def test_warnings_stand_again_beside_the_result(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tiny.manifest.parent / "val/red-none-0.png").write_text("text")
    options = ["--illusions", "0", "--worst", "0", "-o", str(tmp_path / "session")]
    code, shown, _ = neuroinspect("--batch", *tiny.options, *options, capsys=capsys)
    assert code == 0
    [warning] = [line for line in shown.splitlines() if line.startswith("warning: ")]
    assert warning.startswith(
        "warning: 1 of 36 images of val could not be read, for example val/red-none-0.png: "
    )
