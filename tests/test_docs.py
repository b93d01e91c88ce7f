"""What the Markdown promises: commands that the real parsers take, links that lead somewhere, code that runs.

The commands of `docs/recipes` are run in `tests/recipes`, those of the README for scripts and CI below. The others
(the app, downloads, other terminals) are parsed, and what the options say becomes a `RunConfig`.
"""

from __future__ import annotations

import importlib.util
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import typer
from PIL import Image

from neuroinspect_tui.cli import commands, launch
from neuroinspect_tui.cli import main as cli
from neuroinspect_tui.cli.configure import build_config, read_settings
from neuroinspect_tui.config import DebugConfig
from tests.recipes.documents import REPOSITORY, blocks, steps
from tests.test_batch import neuroinspect
from tests.tiny import make_tiny

README = REPOSITORY / "README.md"
PAGES = [README, REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
TRAIN = REPOSITORY / "docs" / "recipes" / "train.py"
FOREIGN = ("cd", "curl", "export", "git", "pip", "set", "source", "tar", "tmux")
"""Programs that are not this project's: their options are theirs."""
WRAPPERS = ("ssh", "srun", "torchrun")
"""Programs that run ours, on another machine or several times."""
QUICK = ["--illusions", "0", "--worst", "1", "--device", "cpu"]


def commands_of(page: Path) -> Iterator[list[str]]:
    """Yield the commands of a page's blocks, those joined by && or | one by one."""
    for kind, words in steps(page):
        if kind == "sh":
            for joined, part in groupby(words, lambda word: word in ("&&", "|")):
                if not joined:
                    yield list(part)


def spans(page: Path) -> list[str]:
    """Return the code in the running text of a page."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S))


def every_command() -> Iterator[Any]:
    for page in PAGES:
        inline = [span for span in spans(page) if span.startswith("neuroinspect ") and "…" not in span]
        for words in chain(commands_of(page), map(shlex.split, inline)):
            yield pytest.param(words, id=f"{page.relative_to(REPOSITORY)}: {' '.join(words)[:60]}")


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], dict[str, Any]]:
    """Give words to the real command line; return what it would have launched, by option name."""
    taken: list[dict[str, Any]] = []
    monkeypatch.setattr(launch, "launch", lambda given, **alone: taken.append(given) or 0)
    for name in ("list_sessions", "print_report", "print_comparison"):
        monkeypatch.setattr(commands, name, lambda *arguments: taken.append({}) or 0)
    monkeypatch.setattr("neuroinspect_tui.cli.verify.verify_repair", lambda *asked: taken.append({}) or 0)
    monkeypatch.setattr("neuroinspect_tui.cli.doctor.examine", lambda: taken.append({}) or 0)

    def run(words: list[str]) -> dict[str, Any]:
        monkeypatch.setattr(sys, "argv", ["neuroinspect", *words])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        assert caught.value.code == 0
        return taken[-1] if taken else {}

    return run


@pytest.mark.parametrize("words", list(every_command()))
def test_a_command_is_one_that_can_be_given(
    words: list[str], parse: Callable[[list[str]], dict[str, Any]]
) -> None:
    if words[0] in WRAPPERS:
        ours = next(place for place, word in enumerate(words) if word in ("neuroinspect", "neuroinspect_tui"))
        words = ["neuroinspect", *words[ours + 1 :]]
    if words[:3] == ["python", "-m", "neuroinspect_tui"]:
        words = ["neuroinspect", *words[3:]]
    if words[0] == "neuroinspect":
        check_values(parse(words[1:]))
    elif words[0] == "make":
        subprocess.run(["make", "-n", *words[1:]], cwd=REPOSITORY, check=True, capture_output=True)
    elif words[:2] == ["python", "-c"]:
        compile(words[2], "command", "exec")
    elif words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2]) is not None
    elif words[:2] == ["python", str(TRAIN.relative_to(REPOSITORY))]:
        assert runpy.run_path(str(TRAIN))["parser"]().parse_args(words[2:]).data in words
    else:
        assert words[0] in FOREIGN


def check_values(given: dict[str, Any]) -> None:
    """Let the values of options become a run; raises InputError for one that is out of range or not known."""
    if given.get("model") or given.get("demo"):
        config, directory = launch.choose_run(given)
        assert config.debug.mode == given.get("mode", DebugConfig.mode)
        assert config.repair.method == given.get("repair", config.repair.method)
        assert str(directory) == given.get("session", str(directory))


def test_the_parser_refuses_what_does_not_exist(parse: Callable[[list[str]], dict[str, Any]]) -> None:
    with pytest.raises(AssertionError):
        parse(["--btch"])
    assert parse(["--batch", "--demo"]) == {"batch": True, "demo": True}


def known_options() -> set[str]:
    group = typer.main.get_command(cli.app)
    parts = [group, *group.commands.values()]  # type: ignore[attr-defined]
    train = runpy.run_path(str(TRAIN))["parser"]()
    ours = chain.from_iterable(
        (*option.opts, *option.secondary_opts) for part in parts for option in part.params
    )
    return {*ours, *chain.from_iterable(action.option_strings for action in train._actions), "--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_options_in_the_text_exist(page: Path) -> None:
    ours = [span.rpartition("neuroinspect ")[2] for span in spans(page) if "neuroinspect " in f"{span} "]
    ours += [span for span in spans(page) if span.startswith("-")]
    options = {option for span in ours for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", span)}
    assert options <= known_options()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]+`", "", page.read_text("utf-8"), flags=re.S)
    targets = [*re.findall(r"\]\(([^()\s]+)\)", text), *re.findall(r'(?:src|href)="([^"]+)"', text)]
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.relative_to(REPOSITORY)} links to {target}"
        assert found.is_relative_to(REPOSITORY)
        assert not anchor or anchor in anchors(found), f"{target} is no heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_tests_that_are_named_exist(page: Path) -> None:
    for file, name in re.findall(r"`([\w/]+\.py)::(test_\w+)", page.read_text("utf-8")):
        code = (REPOSITORY / "tests" / file).read_text("utf-8")
        assert re.search(rf"^(async )?def {name}\(", code, re.M), f"{file} has no {name}"


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_settings_and_code_blocks_are_sound(page: Path, tmp_path: Path) -> None:
    for language, text in blocks(page):
        if language == "python":
            compile(text, str(page), "exec")
        if language == "toml":
            (tmp_path / "neuroinspect.toml").write_text(text)
            settings = read_settings(tmp_path / "neuroinspect.toml", {})
            build_config({"model": "file.py:build", "data": "data", **settings.options})


def own_model(root: Path) -> None:
    """Lay out what the README's examples of an own model name: mymodels.py, best.pt, data/ of class folders."""
    project = make_tiny(root / "tiny")
    code = (project.root / "tiny.py").read_text()
    (root / "mymodels.py").write_text(code.replace("def tiny()", "def build()"))
    weights = safetensors.torch.load_file(project.weights)
    torch.save(weights, root / "best.pt")
    shutil.copy(project.weights, root / "best.safetensors")
    for image in (project.root / "data").rglob("*.png"):
        folder = root / "data" / image.parent.name / image.name.split("-")[0]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(image, folder)


SEEN = ["--image-size", "8", "--crop-pct", "1", "--mean", "0,0,0", "--std", "1,1,1"]


def test_the_commands_for_scripts_and_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    own_model(tmp_path)
    run = []
    for words in commands_of(README):
        if words[0] != "neuroinspect" or not {"--batch", "report", "compare"} & set(words):
            continue
        extra = [*QUICK, *([] if "--demo" in words else SEEN)] if "--batch" in words else []
        code, shown, errors = neuroinspect(*words[1:], *extra, capsys=capsys)
        assert code == (1 if "--fail-under" in words else 0), errors
        run.append((words, shown))
    kinds = {word for words, _ in run for word in words if word in ("--demo", "-w", "report", "compare")}
    assert kinds == {"--demo", "-w", "report", "compare"}
    printed = {words[1]: shown for words, shown in run}
    assert "blue" in printed["report"] and "accuracy" in printed["compare"]


@pytest.mark.parametrize("page", ["README.md", "docs/recipes/README.md"])
def test_a_repaired_model_loads_in_plain_pytorch(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    own_model(tmp_path)
    inputs = ["-m", "mymodels.py:build", "-w", "best.safetensors", "-d", "data", *SEEN, *QUICK]
    code, _, errors = neuroinspect("--batch", *inputs, "--repair", "ridge", "-o", "out", capsys=capsys)
    assert code == 0, errors
    made: dict[str, Any] = {"safetensors": safetensors, "build": runpy.run_path("mymodels.py")["build"]}
    for language, text in blocks(REPOSITORY / page):
        if language == "python" and "load_state_dict" in text:
            exec(text, made)
    model = made["model"]
    assert not model.training
    images = sorted(Path("data/test").rglob("*.png"))
    right = 0
    for path in images:
        pixels = torch.tensor(list(Image.open(path).tobytes()), dtype=torch.float32).reshape(1, 8, 8, 3)
        label = ("blue", "green", "red").index(path.parent.name)
        right += int(model(pixels.permute(0, 3, 1, 2) / 255).argmax()) == label
    assert right == len(images) == 36
