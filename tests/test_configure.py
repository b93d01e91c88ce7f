"""Options, environment and settings file."""

import os
from pathlib import Path

import pytest

from neuroinspect_tui.cli.configure import build_config, read_settings
from neuroinspect_tui.errors import InputError

INPUTS = {"model": "m.py:net", "data": "folder"}


def test_options_land_in_their_sections() -> None:
    config = build_config(
        {
            **INPUTS,
            "mean": "0.5,0.25,1",
            "class_": ["a", "b"],
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
