"""Options, environment and settings file."""

import os
from dataclasses import fields
from pathlib import Path

import pytest
import typer.main

from neuroinspect_tui.cli import launch
from neuroinspect_tui.cli import main as cli
from neuroinspect_tui.cli.configure import build_config, read_settings
from neuroinspect_tui.cli.options import OPTIONS, SECTIONS
from neuroinspect_tui.cli.parser import given
from neuroinspect_tui.config import RunConfig, seen_from
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.session.store import Session
from tests import option_table

COMMAND = typer.main.get_command(cli.app)
INPUTS = {"model": "m.py:net", "data": "folder"}


def test_options_land_in_their_sections() -> None:
    config = build_config(
        {
            **INPUTS,
            "mean": "0.5,0.25,1",
            "class": ["a", "b"],
            "neuron": [3, 4],
            "no_propagate": True,
            "fail_under": ["accuracy=0.5", "worst-class=0.2"],
            "image_size": 32,
        }
    )
    assert config.preprocess.mean == (0.5, 0.25, 1.0) and config.preprocess.image_size == 32
    assert config.debug.classes == ("a", "b")
    assert config.repair.neurons == (3, 4) and not config.repair.propagate
    assert [(check.name, check.minimum) for check in config.checks] == [
        ("accuracy", 0.5),
        ("worst-class", 0.2),
    ]


def test_the_command_line_wins_over_environment_and_file(tmp_path: Path) -> None:
    file = tmp_path / "neuroinspect.toml"
    file.write_text('device = "cpu"\nseed = 3\nimage-size = 64\n[keys]\nvisualise = "x"\n')
    settings = read_settings(file, {"NEUROINSPECT_SEED": "5", "HOME": "/"})
    config = build_config({**settings.options, **INPUTS, "image_size": 32})
    assert (config.compute.device, config.compute.seed, config.preprocess.image_size) == ("cpu", 5, 32)
    assert settings.keys == {"visualise": "x"}


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({}, "-m/--model is missing: give it, or start with neuroinspect --demo"),
        ({"model": "x"}, "-d/--data is missing: give it, or start with neuroinspect --demo"),
        ({**INPUTS, "mean": "1,2"}, "--mean '1,2' is not three numbers: for example 0.485,0.456,0.406"),
        ({**INPUTS, "image_size": 2}, "--image-size 2 is out of range: give a number between 8 and 8192"),
        ({**INPUTS, "std": "1,0,1"}, "--std must be positive in each channel: for example 0.229,0.224,0.225"),
        (
            {**INPUTS, "mode": "papre"},
            "--mode 'papre' is not known: did you mean \"paper\"? use one of default, paper",
        ),
        ({**INPUTS, "worst": "many"}, "--worst 'many' is not a number: give a number"),
    ],
)
def test_bad_values_name_the_option_and_the_remedy(values: dict, line: str) -> None:
    with pytest.raises(InputError) as caught:
        build_config(values)
    assert str(caught.value) == line


def test_unknown_keys_are_named_with_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "n.toml"
    file.write_text("devise = 'cpu'\n")
    with pytest.raises(InputError) as caught:
        read_settings(file, {})
    assert str(caught.value) == 'neuroinspect.toml key devise is not known: did you mean "device"?'
    file.write_text("")
    with pytest.raises(InputError) as caught:
        read_settings(file, {"NEUROINSPECT_PRECISON": "fp32"})
    assert (
        str(caught.value)
        == 'environment variable NEUROINSPECT_PRECISON is not known: did you mean "precision"?'
    )


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('worst = "many"', "worst 'many' is not a number: give a number"),
        ("worst = 2.5", "worst 2.5 is not a whole number: give a whole number"),
        ("worst = [1]", "worst [1] is not a number: give a number"),
        ("seed = true", "seed True is not a number: give a number"),
        ("device = 3", "device 3 is not text: write it in quotes"),
        ("[model]\nname = 1", "model {'name': 1} is not text: write it in quotes"),
        ('theme = "pink"', "theme 'pink' is not known: use one of dark, light, high-contrast, no-colour"),
        ("ema = 3", "ema 3 is neither true nor false: write true or false"),
        ("mean = [1, 2]", "mean [1, 2] is not three numbers: for example 0.485,0.456,0.406"),
        ("mean = 0.5", "mean 0.5 is not three numbers: for example 0.485,0.456,0.406"),
        ("groups = [1.5]", 'groups [1.5] is not a list of names: write ["one", "two"]'),
        ('trust-pickle = "maybe"', "trust-pickle 'maybe' is neither true nor false: write true or false"),
        ("session = 1", "session 1 is not text: write it in quotes"),
    ],
)
def test_values_of_the_wrong_kind_are_refused_where_they_stand(tmp_path: Path, line: str, fault: str) -> None:
    file = tmp_path / "n.toml"
    file.write_text(line)
    with pytest.raises(InputError) as caught:
        read_settings(file, {})
    assert str(caught.value) == f"neuroinspect.toml key {fault}"


def test_a_variable_of_the_wrong_kind_is_named() -> None:
    with pytest.raises(InputError) as caught:
        read_settings(Path(os.devnull), {"NEUROINSPECT_ITERS": "few"})
    assert str(caught.value) == "environment variable NEUROINSPECT_ITERS 'few' is not a number: give a number"


def test_keys_that_are_no_table_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "n.toml"
    for text in ("keys = 3", "[keys]\nvisualise = 3"):
        file.write_text(text)
        with pytest.raises(InputError, match="is not a table of keys"):
            read_settings(file, {})


def test_values_may_be_written_as_toml_writes_them(tmp_path: Path) -> None:
    file = tmp_path / "n.toml"
    file.write_text(
        'mean = [0.5, 0.25, 1]\nclass = [3, "rose"]\nneuron = [7, 9]\nno-propagate = true\ngroups = "tint"\n'
    )
    config = build_config({**read_settings(file, {}).options, **INPUTS})
    assert config.preprocess.mean == (0.5, 0.25, 1.0)
    assert config.debug.classes == ("3", "rose")
    assert (config.repair.neurons, config.repair.propagate) == ((7, 9), False)
    assert config.data.groups == ("tint",)


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "n.toml"
    file.write_text("device = \n")
    with pytest.raises(InputError, match="is not valid TOML"):
        read_settings(file, {})
    with pytest.raises(InputError, match="No such file"):
        read_settings(tmp_path / "none.toml", {})


@pytest.mark.parametrize(("value", "meant"), [("false", False), ("0", False), ("true", True), ("1", True)])
def test_a_switch_of_the_face_may_be_off_in_the_environment(tmp_path: Path, value: str, meant: bool) -> None:
    (tmp_path / "empty.toml").touch()
    settings = read_settings(tmp_path / "empty.toml", {"NEUROINSPECT_JSON": value})
    assert settings.options == {"json": meant}


def test_every_field_of_a_run_is_an_option_with_a_name_of_its_own() -> None:
    sections = {field.name for field in fields(RunConfig)} - {"checks"}
    assert sections == SECTIONS.keys() - {"program"}
    described = [option for option in OPTIONS.values() if option.info.help.endswith(".")]
    assert len(described) == len(OPTIONS) == sum(len(fields(owner)) for _, owner in SECTIONS.values())
    flags = [flag for option in OPTIONS.values() for flag in option.flags]
    assert len(flags) == len(set(flags))


def test_a_config_without_options_has_the_defaults_of_the_table() -> None:
    config = build_config(INPUTS)
    for option in OPTIONS.values():
        if option.section != "program" and option.name not in INPUTS:
            assert getattr(getattr(config, option.section), option.field) == option.default, option.name


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("cue", "water,snow", ("water", "snow")),
        ("modes", "0", 0),
        ("crop-mode", "squash", "squash"),
        ("interpolation", "bicubic", "bicubic"),
        ("ema", "no", False),
        ("no-manifest", "1", False),
        ("fast-decode", "true", True),
        ("stress", "true", True),
        ("classes", "names.txt", "names.txt"),
        ("crop-pct", "0.9", 0.9),
        ("workers", "0", 0),
        ("precision", "bf16", "bf16"),
    ],
)
def test_a_value_is_the_same_from_every_source(tmp_path: Path, name: str, text: str, value: object) -> None:
    option = OPTIONS[name.replace("-", "_")]
    file = tmp_path / "n.toml"
    file.write_text(f'{name} = "{text}"\n')
    variable = f"NEUROINSPECT_{name.upper().replace('-', '_')}"
    line = [option.flag, *([] if option.is_switch else [text])]
    if option.flag == "--ema":
        line = ["--no-ema"]
    if option.repeatable:
        line = [part for word in text.split(",") for part in (option.flag, word)]
    sources = {
        "file": read_settings(file, {}).options,
        "environment": read_settings(Path(os.devnull), {variable: text}).options,
        "command line": given(COMMAND.make_context("neuroinspect", line)),
    }
    for source, values in sources.items():
        config = build_config({**values, **INPUTS})
        assert getattr(getattr(config, option.section), option.field) == value, source


def test_each_source_wins_over_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds: 1 on the line, 2 in the environment, 3 in the file, 4 in the session, 0 by default."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "session"
    with Session.open(root) as session:
        session.bind(build_config({**INPUTS, "seed": 4}), {}, {})
    chosen = {"session": str(root)}

    def seed(given: dict, environment: dict[str, str]) -> int:
        settings = read_settings(None, environment)
        return launch.choose_run(launch.merged(settings.options, {**chosen, **given}))[0].compute.seed

    assert seed(INPUTS, {}) == 0
    assert seed({}, {}) == 4
    (tmp_path / "neuroinspect.toml").write_text("seed = 3\n")
    assert seed({}, {}) == 3
    assert seed({}, {"NEUROINSPECT_SEED": "2"}) == 2
    assert seed({"seed": 1}, {"NEUROINSPECT_SEED": "2"}) == 1


def test_inputs_on_the_command_line_replace_those_of_the_settings_altogether() -> None:
    settings = {"model": "m", "weights": "w", "data": "d", "seed": 3}
    assert launch.merged(settings, {"demo": True}) == {"demo": True, "seed": 3}
    assert launch.merged(settings, {"predictions": "p.csv"}) == {
        "predictions": "p.csv",
        "data": "d",
        "seed": 3,
    }
    assert launch.merged({"predictions": "p.csv"}, {"model": "m"}) == {"model": "m"}


def test_what_brings_its_own_answers_needs_no_data() -> None:
    config = build_config({"model": "npz:features.npz"})
    assert (config.model.spec, config.data.source) == ("npz:features.npz", "npz:features.npz")
    config = build_config({"predictions": "p.csv", "data": "images"})
    assert (config.model.spec, config.data.source) == ("predictions:p.csv", "images")
    with pytest.raises(InputError, match="--predictions does not go with --model: leave one of them out"):
        build_config({**INPUTS, "predictions": "p.csv"})


def test_weights_may_be_given_to_the_demo() -> None:
    config, _ = launch.choose_run({"demo": True, "weights": "repaired.safetensors"})
    assert config.model.weights == "repaired.safetensors"
    with pytest.raises(InputError, match="--data does not go with --demo"):
        launch.choose_run({"demo": True, "data": "folder"})


def test_paths_behind_a_kind_hold_anywhere(tmp_path: Path) -> None:
    (tmp_path / "f.npz").touch()
    (tmp_path / "hub").mkdir()
    config = build_config({"model": "hf:hub", "data": "npz:f.npz"})
    seen = seen_from(config, tmp_path)
    assert (seen.model.spec, seen.data.source) == (f"hf:{tmp_path / 'hub'}", f"npz:{tmp_path / 'f.npz'}")
    assert (
        seen_from(build_config({"model": "hf:google/vit", "data": "d"}), tmp_path).model.spec
        == "hf:google/vit"
    )


def test_the_table_of_the_readme_is_that_of_the_program() -> None:
    found = option_table.MARKED.search(option_table.README.read_text("utf-8"))
    assert found is not None and found[0] == option_table.table(), "run python -m tests.option_table"


def test_the_help_names_every_option_below_its_section() -> None:
    shown = COMMAND.get_help(COMMAND.make_context("neuroinspect", [], resilient_parsing=True))
    places = [shown.index(f"\n{title}:") for title, _ in SECTIONS.values()]
    assert places == sorted(places)
    assert all(option.flag in shown for option in OPTIONS.values())
    assert "--version" in shown and "compare" in shown
