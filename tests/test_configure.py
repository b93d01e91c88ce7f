"""Options, environment and settings file."""

from pathlib import Path

import pytest

from neuroinspect_tui.configure import build_config, read_settings
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


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "n.toml"
    file.write_text("device = \n")
    with pytest.raises(InputError, match="is not valid TOML"):
        read_settings(file, {})
    with pytest.raises(InputError, match="No such file"):
        read_settings(tmp_path / "none.toml", {})
